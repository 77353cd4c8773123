"""`model.toml`: what describes a dropped-in ONNX classifier, and how its images are prepared."""

import re
import tomllib
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from lianpu.engines.classify.preparation import Layout, Resize, Triple
from lianpu.errors import FieldError, InferenceModelUnavailableError
from lianpu.inference.model import MODEL_NAME_PATTERN

MANIFEST_FILE = "model.toml"
MAX_SIDE_PX = 4096

# Windows opens these as devices, whatever the extension.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


def _file_name(name: str) -> str:
    if name in {".", ".."} or name[-1] in " ." or _FORBIDDEN.search(name) or _DEVICE.fullmatch(name):
        raise ValueError(f"{name!r} is no plain name of a file in the model's own folder")
    return name


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds characters that cannot be printed, such as line breaks")
    return text


def _threefold(value: Any) -> Any:
    """One number stands for all three channels."""
    return (value, value, value) if isinstance(value, int | float) else value


def _square(value: Any) -> Any:
    """One number is the side of a square."""
    return (value, value) if isinstance(value, int) else value


def _positive(values: Triple) -> Triple:
    if min(values) <= 0:
        raise ValueError("must be greater than 0")
    return values


FileName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_file_name)]
Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
PerChannel = Annotated[Triple, BeforeValidator(_threefold)]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE_PX)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class InputDescription(_Strict):
    """How an image becomes the network's input: (value * scale - mean) / std on 0…255 values."""

    size: Annotated[tuple[Side, Side] | None, BeforeValidator(_square)] = None
    """One side, or [height, width], in pixels; None: what the network is fixed to."""
    resize: Resize = Resize.CROP
    crop_ratio: Annotated[float, Field(gt=0, le=1)] = 1.0
    colour: Literal["rgb", "bgr"] = "rgb"
    layout: Layout = Layout.NCHW
    scale: Annotated[float, Field(gt=0)] = 1.0
    mean: PerChannel = (0.0, 0.0, 0.0)
    """One number, or three in the order of `colour`; so is `std`."""
    std: Annotated[PerChannel, AfterValidator(_positive)] = (1.0, 1.0, 1.0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.crop_ratio != 1 and self.resize is not Resize.CROP:
            raise ValueError(f'crop_ratio goes with resize = "crop", and resize is "{self.resize}"')
        return self


class ModelManifest(_Strict):
    schema_version: Literal[1] = 1
    name: Annotated[str, Field(pattern=MODEL_NAME_PATTERN)]
    version: Annotated[Line, Field(min_length=1)]
    title: Line = ""
    description: Annotated[str, Field(max_length=2000)] = ""
    licence: Line = ""
    """Of the weights: an SPDX id, or `LicenseRef-…`."""
    network: FileName = "model.onnx"
    labels: FileName = "labels.txt"
    softmax: bool = False
    """Turn the network's output into probabilities; for networks that give logits."""
    top_k: Annotated[int, Field(ge=1, le=1000)] = 5
    """Classes in an answer, unless a request says otherwise."""
    input: InputDescription = InputDescription()


def parse_manifest(text: str) -> ModelManifest:
    """Read a `model.toml`.

    Raises:
        InferenceModelUnavailableError: not TOML, or fields are missing, unknown or wrong; `detail` and `errors` name
            all of them.
    """
    try:
        return ModelManifest.model_validate(tomllib.loads(text))
    except ValidationError as error:
        fields = [
            FieldError(_dotted(item["loc"]), item["msg"].removeprefix("Value error, "), item["type"])
            for item in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        told = "; ".join(f"{field.field}: {field.message}" if field.field else field.message for field in fields)
        raise InferenceModelUnavailableError(f"{MANIFEST_FILE} is not valid: {told}", errors=fields) from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits are no TOMLDecodeError
        raise InferenceModelUnavailableError(f"{MANIFEST_FILE} is not valid TOML: {error}") from error


def parse_labels(text: str) -> tuple[str, ...]:
    """The classes of a labels file: one a line, in the order of the network's outputs; blank lines at the end are none.

    Raises:
        InferenceModelUnavailableError: there are none, or a line is blank, too long or not printable.
    """
    lines = [line.strip() for line in text.removeprefix("\ufeff").rstrip().split("\n")]
    for number, line in enumerate(lines, 1):
        if not line:
            raise InferenceModelUnavailableError(f"line {number} of the labels is blank")
        if len(line) > 200 or not line.isprintable():
            raise InferenceModelUnavailableError(
                f"line {number} of the labels is longer than 200 characters, or holds some that cannot be printed"
            )
    return tuple(lines)


def _dotted(place: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in place)
