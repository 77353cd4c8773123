"""What a network is for, read from its inputs and outputs, and whether it answers a first input sanely."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.errors import PackError
from lianpu.packs.image_networks import bind_image_network, measure_scale, square_side
from lianpu.packs.manifest import Role
from lianpu.runtime.session import Session, TensorSpec

_DETECTOR_SIDE_PX = 320
_EMBEDDER_SIDE_PX = 112
_LIVENESS_SIDE_PX, _LIVENESS_CLASSES = 80, 3
# Female, male, age / 100.
_ATTRIBUTES_SIDE_PX, _ATTRIBUTES = 96, 3
_SIDES_PX = {
    Role.EMBEDDER: _EMBEDDER_SIDE_PX,
    Role.LIVENESS: _LIVENESS_SIDE_PX,
    Role.ATTRIBUTES: _ATTRIBUTES_SIDE_PX,
}
_YUNET_PARTS = ("cls", "obj", "bbox", "kps")
# ArcFace-family embeddings have such lengths; 136 (68 points) and 7 (expressions) are other networks at 112 pixels.
_DIMENSION_STEP = 64


@dataclass(frozen=True, slots=True)
class RecognisedNetwork:
    """A network's role and the engine that runs it."""

    role: Role
    engine: str
    gives_landmarks: bool = False
    dimension: int | None = None
    scale: int | None = None
    """Of an upscaler: how many times the width and height."""


def recognise_network(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> RecognisedNetwork | None:
    """Tell SCRFD, YuNet, ArcFace-family, MiniFASNet and InsightFace's age networks by their graphs; None: another."""
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].shape[1] not in {3, None}:
        return None
    if len(outputs) == 12 and all(sum(spec.name.startswith(part) for spec in outputs) == 3 for part in _YUNET_PARTS):
        return RecognisedNetwork(Role.DETECTOR, "yunet", gives_landmarks=True)
    if len(outputs) in {6, 9, 10, 15} and _is_scrfd(outputs):
        return RecognisedNetwork(Role.DETECTOR, "scrfd", gives_landmarks=len(outputs) in {9, 15})
    if len(outputs) == 1 and len(outputs[0].shape) == 2:
        height, width = inputs[0].shape[2:]
        dimension = outputs[0].shape[1]
        if height == width == _LIVENESS_SIDE_PX and dimension == _LIVENESS_CLASSES:
            return RecognisedNetwork(Role.LIVENESS, "minifasnet")
        if height == width == _ATTRIBUTES_SIDE_PX and dimension == _ATTRIBUTES:
            return RecognisedNetwork(Role.ATTRIBUTES, "genderage")
        square = height == width and height in {_EMBEDDER_SIDE_PX, None}
        if square and dimension is not None and dimension % _DIMENSION_STEP == 0:
            return RecognisedNetwork(Role.EMBEDDER, "arcface", dimension=dimension)
    return None


def recognise_image_network(session: Session) -> RecognisedNetwork | None:
    """Tell networks that give back an image by running them once: restorers of faces, upscalers; None: another.

    A restorer takes squares of one size and gives them back in that size; an upscaler enlarges.
    """
    binding = bind_image_network(session.inputs, session.outputs)
    if binding is None:
        return None
    try:
        scale = measure_scale(binding, session)
    except PackError:
        return None
    if scale == 1 and square_side(binding) is not None:
        return RecognisedNetwork(Role.RESTORER, "face-restorer")
    if scale is None or scale == 1 or binding.weight is not None:
        return None
    return RecognisedNetwork(Role.UPSCALER, "super-resolution", scale=scale)


def recognise_as(role: Role, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> RecognisedNetwork | None:
    """The same where a person has said what the network is: an embedder may then have any length and input size."""
    recognised = recognise_network(inputs, outputs)
    if recognised is not None:
        return recognised if recognised.role is role else None
    if role is Role.EMBEDDER and len(inputs) == 1 and len(inputs[0].shape) == 4 and len(outputs) == 1:
        shape = outputs[0].shape
        return RecognisedNetwork(Role.EMBEDDER, "arcface", dimension=shape[-1]) if len(shape) == 2 else None
    return None


def check_network(session: Session, role: Role) -> str | None:
    """Run a network on small made-up inputs; a sentence saying what is wrong with its answers, or None.

    A network with inputs that cannot be made up (other than one image tensor) is taken as it is once it has loaded.
    """
    if role in {Role.RESTORER, Role.UPSCALER}:
        return _image_network_problem(session, role)
    if len(session.inputs) != 1 or len(session.inputs[0].shape) != 4:
        return None
    try:
        answers = [_answer(session, role, seed) for seed in (1, 2)]
    except PackError as error:
        return f"it does not run: {error.detail}"
    if not all(np.isfinite(output).all() for outputs in answers for output in outputs):
        return "it answers with numbers that are not finite"
    if role is Role.EMBEDDER:
        return _embedding_problem(answers[0][0], answers[1][0])
    if role is Role.LIVENESS and answers[0][0].shape[1:] != (_LIVENESS_CLASSES,):
        return f"its output has shape {list(answers[0][0].shape)}, which is not three classes a face"
    if role is Role.ATTRIBUTES and answers[0][0].shape[1:] != (_ATTRIBUTES,):
        return f"its output has shape {list(answers[0][0].shape)}, which is not gender and age of a face"
    return None


def _image_network_problem(session: Session, role: Role) -> str | None:
    binding = bind_image_network(session.inputs, session.outputs)
    if binding is None or (role is Role.RESTORER and square_side(binding) is None):
        return f"its inputs and outputs are not those of the {role}"
    try:
        scale = measure_scale(binding, session)
    except PackError as error:
        return f"it does not run: {error.detail}"
    if scale is None or (role is Role.RESTORER) != (scale == 1):
        return f"it does not give back what the {role} gives: an image of the same size, or one enlarged"
    return None


def _is_scrfd(outputs: Sequence[TensorSpec]) -> bool:
    """Scores of all strides first, then boxes, then points: last axes 1, 4 and 10."""
    strides = 5 if len(outputs) in {10, 15} else 3
    expected = [width for width in (1, 4, 10) for _ in range(strides)][: len(outputs)]
    return all(
        len(spec.shape) in {2, 3} and spec.shape[-1] in {width, None}
        for spec, width in zip(outputs, expected, strict=True)
    )


def _answer(session: Session, role: Role, seed: int) -> list[NDArray[np.float32]]:
    spec = session.inputs[0]
    side = _SIDES_PX.get(role, _DETECTOR_SIDE_PX)
    shape = [axis or default for axis, default in zip(spec.shape, (1, 3, side, side), strict=True)]
    noise = np.random.default_rng(seed).uniform(-1, 1, shape)
    return session.run({spec.name: noise.astype(np.float32)})


def _embedding_problem(first: NDArray[np.float32], second: NDArray[np.float32]) -> str | None:
    if first.ndim != 2:
        return f"its output has shape {list(first.shape)}, which is not one embedding a face"
    if np.linalg.norm(first) < 1e-6 or np.linalg.norm(second) < 1e-6:
        return "its embeddings are zero"
    if np.allclose(first, second):
        return "it gives the same embedding whatever it is shown"
    return None
