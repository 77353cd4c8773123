"""Photos that a pack looks through in a second, as a search or an enrolment does: decoded, detected, embedded."""

from lianpu.capacity.rate import Rate, rate_of, warm_up
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.image import decode_image


def faces_rate(analyzer: FaceAnalyzer, photo: bytes, callers: int, seconds: float) -> Rate | None:
    """Faces a second with so many requests in flight; None: the pack finds no face in the photo."""

    def look() -> int:
        pixels = decode_image(photo).pixels
        return len(analyzer.embed(pixels, analyzer.detect(pixels)))

    found = look()
    if found == 0:
        return None
    warm_up(look, callers)
    return rate_of(look, callers, seconds).times(found)
