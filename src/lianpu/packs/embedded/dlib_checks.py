"""Whether a translation of dlib's files gives dlib's numbers: recorded answers to made-up inputs."""

import hashlib
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lianpu.errors import PackDamagedError
from lianpu.packs.embedded.dlib_cascade import Cascade
from lianpu.packs.embedded.dlib_networks import CHIP_PX
from lianpu.runtime.session import SessionFactory

TOLERANCE = 1e-4

DETECTOR_CHECK_PX = 96
"""Side of the image whose score map is recorded: 9 x 9 cells."""

# Every eighth of the 128 numbers that dlib 20.0 computes for check_image(150).
_EMBEDDING = (
    -0.107274,
    0.09622,
    -0.171631,
    -0.105093,
    -0.182465,
    -0.145034,
    0.042242,
    -0.011946,
    0.278946,
    -0.087638,
    -0.117684,
    0.205606,
    -0.096526,
    -0.202328,
    0.238747,
    -0.042747,
)
# The score map's diagonal for check_image(96).
_SCORES = (-1.355026, -1.627173, -1.940447, -2.695671, -3.5927, -3.484919, -3.315739, -3.056996, -2.110227)
# The predictor's arrays hold the file's numbers unchanged, so a digest tells more than a tolerance.
_CASCADE_SHA256 = "697c773b402609ecf9110ea85fd697f4e56eb76ced7c5298e1532665abdbdbb8"


def check_image(side_px: int) -> NDArray[np.float32]:
    """A pattern with edges at every scale: [1, 3, side, side] float32, whole numbers 0…255."""
    y, x = np.mgrid[:side_px, :side_px]
    planes = [(x * x * (3 + channel) + y * y * 5 + x * y * (7 - channel)) // 64 % 256 for channel in range(3)]
    return np.stack(planes)[None].astype(np.float32)


def check_embedder(sessions: SessionFactory, model: Path) -> None:
    """Raises PackDamagedError where the network does not load or gives other numbers than dlib."""
    session = sessions.open(model)
    embedding = session.run({session.inputs[0].name: check_image(CHIP_PX)})[0]
    _compare(embedding[0, ::8], _EMBEDDING, model)


def check_detector(sessions: SessionFactory, model: Path) -> None:
    """Raises PackDamagedError where the network does not load or gives other scores."""
    session = sessions.open(model)
    scores = session.run({session.inputs[0].name: check_image(DETECTOR_CHECK_PX)})[0]
    _compare(np.diagonal(scores[0, 0]), _SCORES, model)


def check_cascade(cascade: Cascade, origin: str) -> None:
    """Raises PackDamagedError where an array differs from those of the released predictor."""
    if cascade_digest(cascade) != _CASCADE_SHA256:
        raise PackDamagedError(f"The translation of {origin} does not hold its numbers")


def cascade_digest(cascade: Cascade) -> str:
    """SHA-256 over all arrays: names, types, shapes, little-endian values."""
    digest = hashlib.sha256()
    for field in fields(cascade):
        array: NDArray[np.generic] = getattr(cascade, field.name)
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{field.name} {little.dtype.str} {little.shape}\n".encode())
        digest.update(little.tobytes())
    return digest.hexdigest()


def _compare(found: NDArray[np.float32], expected: tuple[float, ...], model: Path) -> None:
    difference = np.abs(found - np.array(expected)).max() if found.shape == (len(expected),) else np.inf
    # Not "greater than": a difference that is not a number must fail too.
    if not difference <= TOLERANCE:
        raise PackDamagedError(f"{model.name} does not reproduce its recorded answers (off by {difference:.3g})")
