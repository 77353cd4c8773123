"""`pack.toml`: what a pack is, which files it has, and how each of its roles is run."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lianpu.errors import FieldError, PackInvalidError

PACK_NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"


class Role(StrEnum):
    DETECTOR = "detector"
    LANDMARKS = "landmarks"
    EMBEDDER = "embedder"


class Metric(StrEnum):
    """How two embeddings of a pack are compared."""

    COSINE = "cosine"
    EUCLIDEAN = "euclidean"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Licence(_Strict):
    id: str
    """SPDX id, or a `LicenseRef-…` where there is none."""
    commercial: bool
    """Whether the weights may be used commercially."""
    acceptance: bool = False
    """Whether a person must accept the terms before the pack is installed."""
    url: str | None = None


class PackFile(_Strict):
    path: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class DetectorRole(_Strict):
    """A face detector. `mean` and `scale` act on 0…255 pixels: (x - mean) * scale."""

    engine: Literal["scrfd", "yunet", "mmod"]
    file: str
    input_size: int = 640
    """Side of the square letterbox in pixels; networks of fixed size override it by their graph."""
    score_threshold: float = 0.5
    iou_threshold: float = 0.4


class LandmarksRole(_Strict):
    engine: Literal["dlib5"]
    file: str


class EmbedderRole(_Strict):
    """A face embedder. Normalisation: (x - mean) / std on 0…255 pixels; None means: read it from the graph."""

    engine: Literal["arcface", "dlib-resnet"]
    file: str
    mean: float | None = None
    std: float | None = None
    colour: Literal["rgb", "bgr"] = "rgb"
    metric: Metric = Metric.COSINE
    threshold: float
    """Recommended 1:N threshold in the pack's own metric: least cosine, or greatest Euclidean distance."""


class Roles(_Strict):
    detector: DetectorRole | None = None
    landmarks: LandmarksRole | None = None
    embedder: EmbedderRole | None = None


class PackManifest(_Strict):
    schema_version: Literal[1] = 1
    name: Annotated[str, Field(pattern=PACK_NAME_PATTERN)]
    version: Annotated[str, Field(min_length=1, max_length=32)]
    summary: str = ""
    licence: Licence
    files: tuple[PackFile, ...]
    roles: Roles
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pack:
    """A manifest and the folder its files lie in."""

    manifest: PackManifest
    folder: Path

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def version(self) -> str:
        return self.manifest.version

    def path_of(self, file: str) -> Path:
        return self.folder / file


def parse_manifest(text: str, origin: str) -> PackManifest:
    """Read a `pack.toml`.

    Raises:
        PackInvalidError: not TOML, or a field is missing, unknown or wrong; `errors` names each.
    """
    try:
        return PackManifest.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PackInvalidError(f"{origin} is not valid TOML: {error}") from error
    except ValidationError as error:
        fields = [
            FieldError(".".join(str(part) for part in item["loc"]), item["msg"], item["type"])
            for item in error.errors(include_url=False)
        ]
        raise PackInvalidError(f"{origin} is not a valid pack manifest", errors=fields) from error
