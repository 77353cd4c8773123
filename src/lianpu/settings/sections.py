"""Every setting: one section a feature, with what its values may be."""

import re
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr

from lianpu.settings.addresses import broker_address, milvus_address, redis_address
from lianpu.settings.compreface_section import CompreFaceSettings
from lianpu.settings.engine_sections import CameraSettings, EngineSettings, RuntimeSettings
from lianpu.settings.enhance_section import EnhanceSettings
from lianpu.settings.limit_values import Rate, counter_storage
from lianpu.settings.observability_section import ObservabilitySettings
from lianpu.settings.section import AbsolutePath, Names, Networks, listed
from lianpu.settings.section import Section as _Section
from lianpu.settings.storage_section import StorageSettings
from lianpu.settings.swap_sections import ProvenanceSettings, SwapSettings

SECRETS = frozenset(
    {
        "server.api_key",
        "database.url",
        "nodes.redis",
        "jobs.broker",
        "gallery.milvus_url",
        "storage.access_key_id",
        "storage.secret_access_key",
        "accounts.secret",
        "limits.storage",
        "enhance.storage",
        "streams.mqtt.password",
    }
)
API_KEY_MIN_CHARS = 16


def _sendable(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if len(text) < API_KEY_MIN_CHARS or not all("!" <= char <= "~" for char in text):
        raise ValueError(f"must be at least {API_KEY_MIN_CHARS} characters, all of them printable ASCII and no space")
    return key


def user_home() -> Path:
    return user_data_path("lianpu", appauthor=False)


Paths = Annotated[list[Annotated[Path, AbsolutePath]], BeforeValidator(listed)]


def _fingerprints(values: list[str]) -> list[str]:
    for value in values:
        if not re.fullmatch(r"[0-9a-f]{64}", value):
            raise ValueError(f"{value!r} is no fingerprint: 64 hexadecimal digits, as `lianpu gallery key` shows it")
    return values


Fingerprints = Annotated[Names, AfterValidator(_fingerprints)]


def _base_addresses(values: list[str]) -> list[str]:
    for value in values:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{value!r} is no base address, such as https://mirror.example/weights")
    return values


BaseAddresses = Annotated[Names, AfterValidator(_base_addresses)]


def _host_names(values: list[str]) -> list[str]:
    for value in values:
        if not re.fullmatch(r"[a-z0-9:._-]+", value.lower()):
            raise ValueError(f"{value!r} is no host name, such as camera.lan (no scheme, no port, no wildcard)")
    return [value.lower() for value in values]


HostNames = Annotated[Names, AfterValidator(_host_names)]


HostName = Annotated[str, AfterValidator(lambda value: _host_names([value])[0])]


def _topic(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", value):
        raise ValueError(f"{value!r} is no beginning of topics, such as lianpu or house/lianpu")
    return value


Topic = Annotated[str, Field(max_length=200), AfterValidator(_topic)]


def _origins(values: list[str]) -> list[str]:
    for value in values:
        if not re.fullmatch(r"https?://(\[[0-9a-f:]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", value.lower()):
            raise ValueError(f"{value!r} is no origin, such as https://app.example (no path, no wildcard)")
    return [value.lower() for value in values]


Origins = Annotated[Names, AfterValidator(_origins)]


class CheckMode(StrEnum):
    """What a finding about a photo does to its enrolment."""

    OFF = "off"
    WARN = "warn"
    REJECT = "reject"


class LivenessMode(StrEnum):
    """Whether faces are judged live or not, and whether those that are not are refused."""

    OFF = "off"
    OBSERVE = "observe"
    ENFORCE = "enforce"


def _spelt_off(value: Any) -> Any:
    """YAML reads a bare `off` as false."""
    return "off" if value is False else value


class ServerSettings(_Section):
    host: str
    port: int = Field(ge=1, le=65535)
    api_key: Annotated[SecretStr, AfterValidator(_sendable)] | None
    allowed_hosts: Names
    trusted_proxies: Networks
    cors_origins: Origins
    max_upload_bytes: int = Field(gt=0)
    drain_s: int = Field(ge=1, le=3600)


class AccountSettings(_Section):
    secret: Annotated[SecretStr, AfterValidator(_sendable)] | None
    registration: Literal["closed", "open"]
    access_token_minutes: float = Field(gt=0, le=24 * 60)
    refresh_token_days: float = Field(gt=0)
    password_min_chars: int = Field(ge=8, le=128)


class LimitSettings(_Section):
    storage: Annotated[Literal["memory"] | SecretStr, BeforeValidator(counter_storage)]
    per_client: Rate | None
    per_user: Rate | None
    login: Rate | None


class DatabaseSettings(_Section):
    url: SecretStr | None
    max_connections: int = Field(ge=2, le=1000)

    @property
    def is_server(self) -> bool:
        """Several processes can work on it: it is no file of SQLite."""
        return self.url is not None and not self.url.get_secret_value().startswith("sqlite")


class NodeSettings(_Section):
    redis: Annotated[SecretStr, BeforeValidator(redis_address)] | None


class PackSettings(_Section):
    default: str = Field(min_length=1)
    generate: Names | None
    catalogue: Paths
    mirrors: BaseAddresses
    allow_http: bool
    detector_input_size: int | None = Field(ge=32, le=4096, multiple_of=32)


class GallerySettings(_Section):
    index: Literal["exact", "milvus"]
    milvus_url: Annotated[SecretStr, BeforeValidator(milvus_address)] | None
    max_faces: int = Field(ge=1, le=1000)
    thumbnail_side_px: int = Field(ge=32, le=1024)


class ImageSettings(_Section):
    max_pixels: int = Field(ge=1)
    max_side_px: int = Field(ge=1)
    max_upload_bytes: int = Field(gt=0)
    max_per_user: int | None = Field(ge=1)


class QualitySettings(_Section):
    mode: Annotated[CheckMode, BeforeValidator(_spelt_off)]
    min_sharpness: float = Field(ge=0, le=1)
    min_size_px: float = Field(ge=0)
    max_yaw_degrees: float = Field(gt=0, le=180)
    max_pitch_degrees: float = Field(gt=0, le=180)
    max_roll_degrees: float = Field(gt=0, le=180)
    min_exposure: float = Field(ge=0, le=1)
    min_detection_score: float
    min_overall: float = Field(ge=0, le=1)


class ConflictSettings(_Section):
    mode: Annotated[CheckMode, BeforeValidator(_spelt_off)]


class LivenessSettings(_Section):
    mode: Annotated[LivenessMode, BeforeValidator(_spelt_off)]
    pack: str = Field(min_length=1)
    threshold: float | None = Field(gt=0, lt=1)


class CalibrationSettings(_Section):
    max_comparisons: int = Field(ge=1_000_000)


class HealthSettings(_Section):
    max_comparisons: int = Field(ge=1_000_000)


class JobSettings(_Section):
    broker: Annotated[SecretStr, BeforeValidator(broker_address)] | None
    workers: int = Field(ge=1, le=64)
    max_attempts: int = Field(ge=1, le=100)
    retention_days: int = Field(ge=1)


class PushSettings(_Section):
    heartbeat_s: float = Field(gt=0, le=300)
    queue_events: int = Field(ge=1)
    max_connections: int = Field(ge=1)
    retention_hours: float = Field(gt=0)


class BulkSettings(_Section):
    max_upload_bytes: int = Field(gt=0)
    max_items: int = Field(ge=1)
    max_item_bytes: int = Field(gt=0)
    max_unpacked_bytes: int = Field(gt=0)
    max_ratio: float = Field(ge=1)


class TransferSettings(_Section):
    max_upload_bytes: int = Field(gt=0)
    archive_ttl_hours: float = Field(gt=0)
    trusted_keys: Fingerprints


class InferenceSettings(_Section):
    idle_unload_minutes: float | None = Field(gt=0)


class InboxSettings(_Section):
    enabled: bool
    retention_days: float = Field(gt=0)
    min_quality: float = Field(ge=0, le=1)
    max_faces: int = Field(ge=1, le=10_000)
    faces_per_unknown: int = Field(ge=1, le=100)


class WebhookSettings(_Section):
    public: bool
    hosts: HostNames
    networks: Networks
    max_endpoints: int = Field(ge=1, le=64)
    timeout_s: float = Field(gt=0, le=60)
    max_attempts: int = Field(ge=1, le=100)
    first_wait_s: float = Field(gt=0)
    longest_wait_s: float = Field(gt=0, le=24 * 3600)
    disable_after_hours: float = Field(gt=0)
    retention_days: float = Field(gt=0)


class MqttSettings(_Section):
    host: HostName | None
    port: int = Field(ge=1, le=65535)
    username: str | None
    password: SecretStr | None
    tls: bool
    ca_file: Annotated[Path, AbsolutePath] | None
    prefix: Topic
    discovery_prefix: Topic


class RecordingSettings(_Section):
    retention_days: float = Field(gt=0)
    max_bytes: int = Field(ge=1024 * 1024)
    max_total_bytes: int = Field(ge=1024 * 1024)


class StreamSettings(_Section):
    run: bool
    max_active: int = Field(ge=1)
    schemes: Annotated[list[Literal["rtsp", "rtsps", "http", "https"]], BeforeValidator(listed)]
    hosts: HostNames
    networks: Networks
    folders: Paths
    webcams: Annotated[list[Annotated[int, Field(ge=0, le=99)]], BeforeValidator(listed)]
    hardware_decoding: str = Field(pattern=r"^[a-z0-9]{1,32}$")
    detect_every: int = Field(ge=1, le=60)
    max_faces: int = Field(ge=1, le=1000)
    min_face_px: float = Field(ge=0)
    min_quality: float = Field(ge=0, le=1)
    recheck_s: float = Field(gt=0)
    jpeg_quality: int = Field(ge=1, le=100)
    feed_minutes: float = Field(gt=0, le=24 * 60)
    cooldown_s: float = Field(ge=0)
    keep_crops: bool
    retention_days: float = Field(gt=0)
    recordings: RecordingSettings
    inbox: InboxSettings
    webhooks: WebhookSettings
    mqtt: MqttSettings


class LiveSettings(_Section):
    max_connections: int = Field(ge=1)
    max_frame_bytes: int = Field(ge=1024)
    max_frame_pixels: int = Field(ge=1)


class LoggingSettings(_Section):
    level: Literal["debug", "info", "warning", "error"]
    format: Literal["console", "json"]
    file: bool
    retention_days: int = Field(ge=1)


class Settings(_Section):
    home: Annotated[Path, AbsolutePath] = Field(default_factory=lambda: user_home())
    """Holds everything the server writes."""
    server: ServerSettings
    accounts: AccountSettings
    limits: LimitSettings
    database: DatabaseSettings
    nodes: NodeSettings
    storage: StorageSettings
    runtime: RuntimeSettings
    engines: EngineSettings
    camera: CameraSettings
    packs: PackSettings
    gallery: GallerySettings
    images: ImageSettings
    quality: QualitySettings
    conflicts: ConflictSettings
    liveness: LivenessSettings
    calibration: CalibrationSettings
    health: HealthSettings
    jobs: JobSettings
    push: PushSettings
    bulk: BulkSettings
    transfer: TransferSettings
    inference: InferenceSettings
    enhance: EnhanceSettings
    streams: StreamSettings
    live: LiveSettings
    provenance: ProvenanceSettings
    swap: SwapSettings
    compreface: CompreFaceSettings
    logging: LoggingSettings
    observability: ObservabilitySettings


@cache
def known_keys(model: type[BaseModel] = Settings, prefix: str = "") -> tuple[str, ...]:
    """All dotted keys, in the order of the documentation."""
    keys: list[str] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += known_keys(kind, f"{prefix}{name}.")
        else:
            keys.append(f"{prefix}{name}")
    return tuple(keys)
