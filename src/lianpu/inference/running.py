"""Takes one image through a loaded model; what the model raises is told with its name, and never more than that."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from lianpu.errors import FieldError, FieldsInvalidError, InferenceFailedError, InvalidInputError, LianpuError
from lianpu.inference.model import Image, InferenceModel, Parameters
from lianpu.inference.output import OutputError, plain_output
from lianpu.observability.stages import Stage, stage

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InferenceResult:
    """What a model made of one image."""

    model_name: str
    model_version: str
    output: dict[str, JsonValue]
    """JSON of at most 1 MiB."""
    duration_ms: float
    """Preprocessing, prediction and postprocessing; without loading or waiting."""


def checked_parameters(model: InferenceModel, given: Mapping[str, object] | None) -> Parameters:
    """The parameters of a request, as the model's own class.

    Raises:
        FieldsInvalidError: some are unknown or wrong; `errors` names all of them as `parameters.<name>`.
    """
    known = sorted(model.parameters.model_fields)
    try:
        return model.parameters.model_validate(dict(given or {}))
    except ValidationError as error:
        fields: list[FieldError] = []
        for item in error.errors(include_url=False, include_context=False, include_input=False):
            place = ".".join(["parameters", *(str(part) for part in item["loc"])])
            message = item["msg"].removeprefix("Value error, ")
            if item["type"] == "extra_forbidden":
                nearest = get_close_matches(str(item["loc"][-1]), known, n=1)
                hint = f"did you mean {nearest[0]}?" if nearest else f"it takes {', '.join(known) or 'none'}"
                message = f"Inference model '{model.name}' has no such parameter; {hint}"
            fields.append(FieldError(place, message, item["type"]))
        raise FieldsInvalidError("Some parameters are not valid.", errors=fields) from error


def run_model(
    model: InferenceModel, image: Image, parameters: Parameters, *, is_built_in: bool = False
) -> InferenceResult:
    """Run one image; blocks.

    Args:
        image: [H, W, 3] uint8 RGB, upright; the model gets a view that it cannot write to.
        is_built_in: errors raised on purpose reach the caller, of whatever kind; else only those that the contract
            allows.

    Raises:
        InvalidInputError: the model cannot use this image.
        InferenceFailedError: the model failed, or returned what is no bounded JSON.
    """
    shown = image.view()
    shown.flags.writeable = False
    passed = (LianpuError,) if is_built_in else (InvalidInputError, InferenceFailedError)
    started = time.perf_counter()
    with stage(Stage.INFER, model.name):
        inputs = _call(model, "preprocess", passed, lambda: model.preprocess(shown, parameters))
        outputs = _call(model, "predict", passed, lambda: model.predict(inputs))
        returned = _call(model, "postprocess", passed, lambda: model.postprocess(outputs, parameters))
    try:
        # A mapping of the model's own runs its code too.
        output = _call(model, "postprocess", (*passed, OutputError), lambda: plain_output(returned))
    except OutputError as error:
        _log.error("inference model %r did not return JSON: %s", model.name, error)
        raise InferenceFailedError(f"Inference model '{model.name}' failed: {error}.") from error
    return InferenceResult(model.name, model.version, output, (time.perf_counter() - started) * 1000)


def _call(model: InferenceModel, method: str, passed: tuple[type[Exception], ...], call: Callable[[], T]) -> T:
    try:
        return call()
    except passed:
        raise
    except (Exception, SystemExit) as error:  # somebody else's code may even try to end the process
        _log.exception("inference model %r failed in %s", model.name, method)
        raise InferenceFailedError(
            f"Inference model '{model.name}' failed in {method} ({type(error).__name__}). "
            "The server's log has the whole story under this request's id.",
            context={"model": model.name},
        ) from error
