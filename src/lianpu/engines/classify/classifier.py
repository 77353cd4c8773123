"""The generic ONNX classifier: any network from one image to one score a class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.engines.classify.preparation import Layout, Preparation, prepare
from lianpu.engines.face.face import Image
from lianpu.errors import InferenceFailedError, InferenceModelUnavailableError
from lianpu.runtime.session import Session, TensorSpec


@dataclass(frozen=True, slots=True)
class Classification:
    """One class of an image."""

    label: str
    index: int
    """Place in the labels, from 0."""
    score: float
    """0…1 with softmax; without, what the network gives."""


class OnnxClassifier:
    """A network from [1, 3, h, w] or [n, 3, h, w] (or [… , h, w, 3]) to one output with a score for each label.

    Safe to call from several threads at once.
    """

    def __init__(self, session: Session, labels: Sequence[str], preparation: Preparation, *, softmax: bool) -> None:
        """Wrap a loaded network.

        Args:
            labels: one for each class, in the order of the output.
            softmax: turn the output into probabilities; for networks whose output are logits.

        Raises:
            InferenceModelUnavailableError: the network does not fit the labels or the preparation.
        """
        problems = contract_problems(session.inputs, session.outputs, len(labels), preparation)
        if problems:
            raise InferenceModelUnavailableError("; ".join(problems))
        self._session = session
        self._input_name = session.inputs[0].name
        self._labels = tuple(labels)
        self._preparation = preparation
        self._softmax = softmax

    def prepare(self, image: Image) -> NDArray[np.float32]:
        """[H, W, 3] uint8 RGB to the network's input, a batch of one."""
        return prepare(image, self._preparation)

    def scores(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        """[classes] float32 of what `prepare` gave.

        Raises:
            InferenceFailedError: the network gives another number of scores than there are labels, or scores that are
                not finite.
            PackError: the network does not run.
        """
        scores = np.asarray(self._session.run({self._input_name: tensor})[0], np.float32).reshape(-1)
        if len(scores) != len(self._labels):
            raise InferenceFailedError(
                f"The network gives {len(scores)} scores, and there are {len(self._labels)} labels."
            )
        if not np.isfinite(scores).all():
            raise InferenceFailedError("The network's scores are not finite numbers.")
        if not self._softmax:
            return scores
        powers = np.exp(scores - scores.max())
        return powers / powers.sum()

    def best(self, scores: NDArray[np.float32], count: int) -> list[Classification]:
        """The `count` classes of the highest scores, best first; of equal ones the earlier label first."""
        order = map(int, np.argsort(-scores, kind="stable")[:count])
        return [Classification(self._labels[index], index, float(scores[index])) for index in order]

    def classify(self, image: Image, count: int = 5) -> list[Classification]:
        """`prepare`, `scores` and `best` in one."""
        return self.best(self.scores(self.prepare(image)), count)


def input_size(inputs: Sequence[TensorSpec], layout: Layout) -> tuple[int, int] | None:
    """(height, width) that the network is fixed to; None where an axis is dynamic or there is no image input."""
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        return None
    height, width = inputs[0].shape[2:] if layout is Layout.NCHW else inputs[0].shape[1:3]
    return None if height is None or width is None else (height, width)


def contract_problems(
    inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], labels: int | None, preparation: Preparation
) -> list[str]:
    """Why a network of these inputs and outputs is no classifier of so many labels; empty where it is one.

    `labels`: None where their number is not known.
    """
    return _input_problems(inputs, preparation) + _output_problems(outputs, labels)


def _input_problems(inputs: Sequence[TensorSpec], preparation: Preparation) -> list[str]:
    if len(inputs) != 1:
        return [f"the network has {len(inputs)} inputs ({_names(inputs)}), and a classifier has one"]
    shape = inputs[0].shape
    nchw = preparation.layout is Layout.NCHW
    wanted = "[n, 3, height, width]" if nchw else "[n, height, width, 3]"
    if len(shape) != 4 or shape[0] not in {1, None} or shape[1 if nchw else 3] not in {3, None}:
        return [
            f"the network's input {inputs[0].name} is {_shape(shape)}, and a classifier of layout "
            f"{preparation.layout} takes {wanted}, one image at a time"
        ]
    sides = shape[2:] if nchw else shape[1:3]
    given = (preparation.height, preparation.width)
    if any(side not in {size, None} for side, size in zip(sides, given, strict=True)):
        fixed = " x ".join("?" if side is None else str(side) for side in sides)
        return [f"the network takes {fixed} pixels (height x width), and {given[0]} x {given[1]} are configured"]
    return []


def _output_problems(outputs: Sequence[TensorSpec], labels: int | None) -> list[str]:
    if len(outputs) != 1:
        return [f"the network has {len(outputs)} outputs ({_names(outputs)}), and a classifier has one"]
    shape = outputs[0].shape
    # [n, classes], [n, classes, 1, 1] as convolutions leave it, or [classes].
    axes = shape[1:] if len(shape) > 1 else shape
    classes = [axis for axis in axes if axis not in {1, None}]
    if len(classes) > 1 or not shape:
        return [f"the network's output {outputs[0].name} is {_shape(shape)}, and a classifier gives one score a class"]
    if not classes and None in axes:
        return []  # told by the first answer
    scores = classes[0] if classes else 1
    return [] if labels in {scores, None} else [f"the network gives {scores} scores, and there are {labels} labels"]


def _shape(shape: Sequence[int | None]) -> str:
    return "[" + ", ".join("?" if axis is None else str(axis) for axis in shape) + "]"


def _names(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(spec.name for spec in specs) or "none"
