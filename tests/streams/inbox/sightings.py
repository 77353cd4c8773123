"""Tracks of unknown people as the pipeline ends them: real faces, looked at by a real pack."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.image import decode_image
from lianpu.engines.lettering import Lettering
from lianpu.streams.frames import Frame
from lianpu.streams.pipeline import Person, Pipeline, PipelineOptions
from lianpu.streams.voting import Recognised, VotingOptions

Pixels = NDArray[np.uint8]
OPTIONS = PipelineOptions(
    detect_every=1, min_quality=0, min_side_px=0, keeps_portraits=True, voting=VotingOptions(votes_for_unknown=1)
)


def tracks_of(analyzer: FaceAnalyzer, pixels: Pixels, looks: int = 2) -> list[Person]:
    """Everybody in a picture, whom the gallery does not know, once they have left."""
    pipeline = Pipeline(analyzer, OPTIONS, Lettering(fonts=[]))
    # A track is confirmed by the second look, and embedded in it if it is among the four best.
    for number in range(looks):
        seen = pipeline.look(Frame(number, pixels, float(number)))
        nobody = [(probe.track_id, Recognised(None, 0.3, -0.4, probe.quality), None) for probe in seen.probes]
        pipeline.take_names(nobody)
    return pipeline.end()


def track_of(analyzer: FaceAnalyzer, pixels: Pixels) -> Person:
    [person] = tracks_of(analyzer, pixels)
    return person


def views(photo: bytes) -> Sequence[Pixels]:
    """The same face as it was, mirrored, and smaller and darker."""
    pixels = decode_image(photo).pixels
    smaller = cv2.resize(pixels, None, fx=0.85, fy=0.85, interpolation=cv2.INTER_AREA)
    return pixels, np.ascontiguousarray(pixels[:, ::-1]), (0.8 * smaller).astype(np.uint8)
