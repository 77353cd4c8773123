"""`pack.toml`: what a pack is, which files it has, and how each of its roles is run."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

import tomli_w
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from lianpu.errors import FieldError, PackDamagedError, PackInvalidError
from lianpu.packs.metric import Metric

__all__ = [
    "ACCEPTANCE_FILE",
    "MANIFEST_FILE",
    "AttributesRole",
    "DetectorRole",
    "EmbedderRole",
    "Family",
    "FilledRole",
    "LandmarksRole",
    "Licence",
    "LivenessNetwork",
    "LivenessRole",
    "Metric",
    "Option",
    "Pack",
    "PackFile",
    "PackManifest",
    "RestorerRole",
    "Role",
    "Roles",
    "UpscalerNetwork",
    "UpscalerRole",
    "format_manifest",
    "parse_manifest",
]

MANIFEST_FILE = "pack.toml"
ACCEPTANCE_FILE = "licence.json"
"""Beside an installed pack's manifest: which terms a person accepted, and when."""
PACK_NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
PACK_VERSION_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z.+_-]{0,31}$"
ENGINE_NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"

# Windows opens these as devices, whatever the extension.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')

Option = bool | int | float | str
"""What an engine's own option may hold."""


def _safe_relative_path(path: str) -> str:
    """A path that stays inside its folder on every operating system, written with forward slashes."""
    for part in path.split("/"):
        if part in {"", ".", ".."} or part[-1] in " ." or _FORBIDDEN.search(part) or _DEVICE.fullmatch(part):
            raise ValueError(f"'{path}' is not a plain relative path inside the pack")
    if path.casefold() in {MANIFEST_FILE, ACCEPTANCE_FILE}:
        raise ValueError(f"'{path}' describes the files and is none of them")
    return path


RelativePath = Annotated[str, Field(min_length=1, max_length=240), AfterValidator(_safe_relative_path)]
EngineName = Annotated[str, Field(pattern=ENGINE_NAME_PATTERN)]
"""A name registered under the entry-point group `lianpu.engines`."""


class Role(StrEnum):
    """What a network of a pack is for."""

    DETECTOR = "detector"
    LANDMARKS = "landmarks"
    EMBEDDER = "embedder"
    LIVENESS = "liveness"
    ATTRIBUTES = "attributes"
    RESTORER = "restorer"
    UPSCALER = "upscaler"


class Family(StrEnum):
    """What a pack's weights do; those of `swap` have no roles so far."""

    FACE = "face"
    RESTORE = "restore"
    UPSCALE = "upscale"
    SWAP = "swap"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Licence(_Strict):
    id: Annotated[str, Field(min_length=1, max_length=120)]
    """SPDX id, or a `LicenseRef-…` where there is none."""
    commercial: bool
    """Whether the weights may be used commercially."""
    acceptance: bool = False
    """Whether a person must accept the terms before the pack is installed."""
    url: str | None = None


class PackFile(_Strict):
    path: RelativePath
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class _RoleBase(_Strict):
    engine: EngineName
    options: Mapping[str, Option] = Field(default_factory=dict[str, Option])
    """The engine's own options; the engine refuses those it does not know."""


class _OneFileRole(_RoleBase):
    file: RelativePath

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the networks that fill the role."""
        return (self.file,)


class DetectorRole(_OneFileRole):
    """A face detector. Pixels are normalised as the engine's family does it."""

    input_size: Annotated[int, Field(ge=32, le=4096, multiple_of=32)] = 640
    """Side of the square letterbox in pixels; networks of fixed size override it by their graph."""
    score_threshold: float = 0.5
    """Least score of a face, in the detector's own unit."""
    iou_threshold: Annotated[float, Field(gt=0, le=1)] = 0.4
    """Boxes that overlap more than this are one face."""


class LandmarksRole(_OneFileRole):
    """Finds the alignment points inside a box, for detectors that give none."""


class EmbedderRole(_OneFileRole):
    """A face embedder. Normalisation: (x - mean) / std on 0…255 pixels; None means: read it from the graph."""

    mean: float | None = None
    std: float | None = None
    colour: Literal["rgb", "bgr"] = "rgb"
    metric: Metric = Metric.COSINE
    threshold: float
    """Recommended 1:N threshold in the pack's own metric: least cosine, or greatest Euclidean distance."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std are given together or not at all")
        if self.std is not None and self.std <= 0:
            raise ValueError("std must be greater than 0")
        if self.metric is Metric.COSINE and not -1 <= self.threshold <= 1:
            raise ValueError("a cosine threshold lies within -1…1")
        if self.metric is Metric.EUCLIDEAN and self.threshold <= 0:
            raise ValueError("a Euclidean threshold is greater than 0")
        return self


class AttributesRole(_OneFileRole):
    """Estimates age and gender of a face. Pixels are normalised as the engine's family does it."""


class LivenessNetwork(_Strict):
    file: RelativePath
    scale: Annotated[float, Field(gt=0, le=10)]
    """Side of the crop it is shown, in sides of the face's box."""


class LivenessRole(_RoleBase):
    """Tells a live face from a picture of one; a pack may have this role alone. Its networks' answers are averaged.

    [roles.liveness]
    engine = "minifasnet"
    threshold = 0.5

    [[roles.liveness.networks]]
    file = "2.7_80x80_MiniFASNetV2.onnx"
    scale = 2.7

    [[roles.liveness.networks]]
    file = "4_0_0_80x80_MiniFASNetV1SE.onnx"
    scale = 4.0
    """

    networks: Annotated[tuple[LivenessNetwork, ...], Field(min_length=1, max_length=8)]
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Least score, 0…1, of a live face."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the networks that fill the role."""
        return tuple(network.file for network in self.networks)


class RestorerRole(_OneFileRole):
    """Restores one aligned face; side of the crop and a weight of fidelity are the graph's."""

    template: Literal["ffhq", "arcface"] = "ffhq"
    """Where the eyes and the mouth lie in the crop that the network was trained with."""


class UpscalerNetwork(_Strict):
    file: RelativePath
    scale: Annotated[int, Field(ge=1, le=8)]
    """How many times the width and height."""


class UpscalerRole(_RoleBase):
    """Enlarges a photo, of whatever it shows; one network for each scale.

    [roles.upscaler]
    engine = "super-resolution"

    [[roles.upscaler.networks]]
    file = "x4.onnx"
    scale = 4
    """

    networks: Annotated[tuple[UpscalerNetwork, ...], Field(min_length=1, max_length=8)]
    suits_faces: bool = True
    """Whether faces may be restored by it where no restorer is at hand; not by what was trained on drawings."""

    @model_validator(mode="after")
    def _one_a_scale(self) -> Self:
        if len({network.scale for network in self.networks}) != len(self.networks):
            raise ValueError("two networks have the same scale")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the networks that fill the role."""
        return tuple(network.file for network in self.networks)


FilledRole = DetectorRole | LandmarksRole | EmbedderRole | LivenessRole | AttributesRole | RestorerRole | UpscalerRole


class Roles(_Strict):
    detector: DetectorRole | None = None
    landmarks: LandmarksRole | None = None
    embedder: EmbedderRole | None = None
    liveness: LivenessRole | None = None
    attributes: AttributesRole | None = None
    restorer: RestorerRole | None = None
    upscaler: UpscalerRole | None = None

    def filled(self) -> dict[Role, FilledRole]:
        """The roles the pack fills."""
        every = {
            Role.DETECTOR: self.detector,
            Role.LANDMARKS: self.landmarks,
            Role.EMBEDDER: self.embedder,
            Role.LIVENESS: self.liveness,
            Role.ATTRIBUTES: self.attributes,
            Role.RESTORER: self.restorer,
            Role.UPSCALER: self.upscaler,
        }
        return {role: described for role, described in every.items() if described is not None}


ROLES_OF = {
    Family.FACE: frozenset({Role.DETECTOR, Role.LANDMARKS, Role.EMBEDDER, Role.LIVENESS, Role.ATTRIBUTES}),
    Family.RESTORE: frozenset({Role.RESTORER}),
    Family.UPSCALE: frozenset({Role.UPSCALER}),
    Family.SWAP: frozenset[Role](),
}
"""The roles that weights of a family can fill."""


class PackManifest(_Strict):
    schema_version: Literal[1] = 1
    name: Annotated[str, Field(pattern=PACK_NAME_PATTERN)]
    version: Annotated[str, Field(pattern=PACK_VERSION_PATTERN)]
    family: Family = Family.FACE
    summary: str = ""
    licence: Licence
    files: Annotated[tuple[PackFile, ...], Field(min_length=1, max_length=1000)]
    roles: Roles
    sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _files_cover_roles(self) -> Self:
        listed = [file.path for file in self.files]
        if len({path.casefold() for path in listed}) != len(listed):
            raise ValueError("a file is listed twice (upper and lower case count as the same)")
        foreign = sorted(self.roles.filled().keys() - ROLES_OF[self.family])
        if foreign:
            raise ValueError(f"weights of the family '{self.family}' cannot be the {foreign[0]}")
        for role, described in self.roles.filled().items():
            for file in described.files:
                if file not in listed:
                    raise ValueError(f"roles.{role} names '{file}', which is not among the files")
        return self

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.bytes for file in self.files)

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of every file, by path: two packs with the same digests are the same weights."""
        return {file.path: file.sha256 for file in self.files}


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
        """Where a file of the pack lies.

        Raises:
            PackDamagedError: the file is a link that leads out of the pack's folder.
        """
        path = self.folder / file
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise PackDamagedError(f"Pack '{self.name}': {file} is a link that leads out of the pack's folder")
        return path


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
        first = f"{fields[0].field}: {fields[0].message}" if fields[0].field else fields[0].message
        raise PackInvalidError(f"{origin} is not a valid pack manifest ({first})", errors=fields) from error


def format_manifest(manifest: PackManifest) -> str:
    """The text of a `pack.toml` that `parse_manifest` reads back to an equal manifest."""
    content = manifest.model_dump(mode="json", exclude_none=True)
    content = {key: value for key, value in content.items() if value != []}
    content["roles"] = {
        role: {key: value for key, value in described.items() if value != {}}
        for role, described in content["roles"].items()
    }
    return tomli_w.dumps(content)
