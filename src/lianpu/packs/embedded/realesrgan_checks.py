"""Whether a translation of Real-ESRGAN's files gives its numbers: recorded answers to a made-up input."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lianpu.errors import PackDamagedError
from lianpu.packs.embedded.dlib_checks import check_image
from lianpu.runtime.session import SessionFactory

TOLERANCE = 5e-4
_CHECK_PX = 32
_SAMPLES = 16

# Sixteen green values along the diagonal of what each network makes of the check input. That of
# realesr-animevideov3-x4 agrees to the last bit with the project's own ONNX export; that of realesrgan-x4plus with a
# computation of its published architecture in numpy.
_ANSWERS = {
    "realesrgan-x4plus": (
        *(0.73326, 0.13884, 0.22394, 0.33336, 0.45853, 0.59894, 0.73247, 0.84010),
        *(0.16287, 0.29252, 0.46566, 0.65034, 0.78765, 0.13890, 0.28407, 0.44999),
    ),
    "realesr-animevideov3-x2": (
        *(1.03758, 0.02739, 0.16473, 0.32472, 0.46263, 0.61098, 0.74794, 0.98177),
        *(0.05298, 0.27576, 0.46680, 0.64383, 0.89536, 0.02069, 0.25602, 0.51456),
    ),
    "realesr-animevideov3-x3": (
        *(0.98905, 0.01671, 0.16070, 0.32302, 0.46140, 0.61013, 0.74602, 0.96869),
        *(0.04907, 0.27342, 0.46377, 0.63802, 0.88780, 0.01623, 0.25263, 0.50852),
    ),
    "realesr-animevideov3-x4": (
        *(0.96705, 0.01620, 0.15645, 0.32015, 0.45848, 0.60679, 0.74174, 0.96388),
        *(0.04419, 0.26854, 0.45913, 0.63232, 0.87502, 0.01391, 0.25003, 0.50346),
    ),
}


def check_input() -> NDArray[np.float32]:
    """[1, 3, 32, 32] float32, 0…1, with edges at every scale."""
    return check_image(2 * _CHECK_PX)[:, :, _CHECK_PX:, _CHECK_PX:] / np.float32(255)


def check_enlarger(sessions: SessionFactory, model: Path, source: str, scale: int) -> None:
    """
    Args:
        source: the name of the file it was translated from, without its extension.

    Raises:
        PackDamagedError: the network does not load or gives other numbers.
    """
    session = sessions.open(model)
    answer = session.run({session.inputs[0].name: check_input()})[0]
    side = _CHECK_PX * scale
    found = np.diagonal(answer[0, 1])[:: side // _SAMPLES] if answer.shape == (1, 3, side, side) else np.array([np.nan])
    expected = np.array(_ANSWERS[source])
    difference = np.abs(found - expected).max() if found.shape == expected.shape else np.inf
    # Not "greater than": a difference that is not a number must fail too.
    if not difference <= TOLERANCE:
        raise PackDamagedError(f"{model.name} does not reproduce its recorded answers (off by {difference:.3g})")
