"""What a measurement of this machine came to: as it is kept in the home, and as the API tells it."""

import json
import logging
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from lianpu.storage.local import LocalStorage

FORMAT = 1
REPORT_FILE = "cache/capacity.json"
"""In the home."""
_log = logging.getLogger(__name__)


class FigureName(StrEnum):
    FACES = "faces"
    """As many requests in flight as the server lets through."""
    FACES_ALONE = "faces_alone"
    """One after another."""
    SEARCHES = "searches"
    """In the gallery as it is."""
    SEARCHES_LARGE = "searches_large"
    """Among rows that were made up."""
    STREAMS = "streams"
    ENHANCEMENTS = "enhancements"


class Unit(StrEnum):
    FACES_PER_S = "faces/s"
    SEARCHES_PER_S = "searches/s"
    STREAMS = "streams"
    ENHANCEMENTS_PER_MIN = "enhancements/min"


class Unmeasured(StrEnum):
    """Why a figure has no value."""

    GALLERY_EMPTY = "gallery_empty"
    NO_FACE_FOUND = "no_face_found"
    """The pack finds none in the portrait that is measured on."""
    FAILED = "failed"


class NoReference(StrEnum):
    """Why there is no ratio to insightface."""

    NOT_INSTALLED = "not_installed"
    OTHER_NETWORKS = "other_networks"
    """The pack's are none that it runs."""
    FAILED = "failed"
    """It is installed and does not run; the log says why."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Figure(_Part):
    name: FigureName
    unit: Unit
    value: float | None = Field(description="Null: it could not be measured; `reason` says why.")
    measured_s: float = Field(description="How long it was measured.")
    in_flight: int | None = Field(default=None, description="Requests at once.")
    rows: int | None = Field(default=None, description="Embeddings that were searched.")
    engines: list[str] = Field(default_factory=list, description="Packs that restored and enlarged.")
    is_derived: bool = Field(default=False, description="Worked out from what one of them costs, not counted.")
    reason: Unmeasured | None = None
    detail: str | None = Field(default=None, description="What failed.")


class Reference(_Part):
    """Against `insightface.app.FaceAnalysis` with the same weights: images a second, decoded, found and embedded."""

    version: str = Field(description="Of insightface.")
    ratio: float = Field(description="How many times as many images Lianpu does.")
    ours_per_s: float
    theirs_per_s: float
    in_flight: int
    measured_s: float


class MeasuredMachine(_Part):
    host: str
    system: str = Field(examples=["Linux 6.1"])
    processor: str
    cores: int = Field(description="That the process may use.")
    memory_bytes: int


class MeasuredVersions(_Part):
    lianpu: str
    python: str
    onnxruntime: str


class MeasuredSettings(_Part):
    """What the figures hold for."""

    pack: str = Field(description="`name@version`.")
    provider: str
    cpu_reason: str | None = Field(description="What ran networks on the CPU; null: they ran elsewhere.")
    threads: int = Field(description="Of one inference.")
    workers: int = Field(description="Inferences at once.")


class CapacityReport(_Part):
    format: int = FORMAT
    measured_at: datetime
    is_quick: bool = Field(description="Each figure was measured for a moment only: a look, not a promise.")
    busy_share: float = Field(description="0…1 of all cores that others used just before and just after.")
    is_busy: bool = Field(description="The machine did other work meanwhile: an idle one does more.")
    machine: MeasuredMachine
    versions: MeasuredVersions
    settings: MeasuredSettings
    figures: list[Figure]
    reference: Reference | None
    no_reference: NoReference | None = Field(description="Why there is no ratio to insightface.")


def read_report(home: Path) -> CapacityReport | None:
    """None: nothing was measured yet, or by another version of Lianpu, or it cannot be read, which the log says."""
    try:
        content = json.loads(LocalStorage(home).read(REPORT_FILE))
        if content["format"] != FORMAT:
            return None
        return CapacityReport.model_validate(content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("the measured capacity cannot be read: it is to be measured anew", exc_info=error)
        return None


def write_report(home: Path, report: CapacityReport) -> None:
    """
    Raises:
        StorageError: it cannot be written.
    """
    LocalStorage(home).write(REPORT_FILE, f"{report.model_dump_json(indent=2)}\n".encode())
