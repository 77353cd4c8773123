"""Pixels to the file that is given back: JPEG, PNG or WebP, with colour profile and EXIF, in memory."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from lianpu.engines.face.face import Image
from lianpu.engines.image import ImageFormat
from lianpu.engines.restore.enhancement import OutputFormat

_JPEG_QUALITY, _WEBP_QUALITY = 92, 90
# Real photos shrink hardly more by the higher levels, which take many times as long.
_PNG_LEVEL, _WEBP_EFFORT = 3, 2
_SUFFIXES = {OutputFormat.JPEG: ".jpg", OutputFormat.PNG: ".png", OutputFormat.WEBP: ".webp"}
_MAX_SIDES_PX = {OutputFormat.JPEG: 65_500, OutputFormat.PNG: 65_500, OutputFormat.WEBP: 16_383}
_SAME = {
    ImageFormat.JPEG: OutputFormat.JPEG,
    ImageFormat.PNG: OutputFormat.PNG,
    ImageFormat.WEBP: OutputFormat.WEBP,
    ImageFormat.AVIF: OutputFormat.JPEG,
    ImageFormat.HEIC: OutputFormat.JPEG,
}


@dataclass(frozen=True, slots=True)
class EncodedPhoto:
    data: bytearray
    media_type: str
    suffix: str


def result_format(wanted: OutputFormat, source: ImageFormat, *, has_alpha: bool) -> OutputFormat:
    """JPEG, PNG or WebP: what is wanted, or what comes nearest to the format that came in."""
    if wanted is not OutputFormat.SAME:
        return wanted
    nearest = _SAME.get(source, OutputFormat.PNG)
    return OutputFormat.PNG if has_alpha and nearest is OutputFormat.JPEG else nearest


def max_side_px(output: OutputFormat) -> int:
    """The longest side that a format can store."""
    return _MAX_SIDES_PX[output]


def encode_photo(
    pixels: Image,
    alpha: NDArray[np.uint8] | None,
    output: OutputFormat,
    *,
    as_grey: bool,
    profile: bytes | None,
    exif: bytes | None,
) -> EncodedPhoto:
    """
    Args:
        pixels: [H, W, 3] uint8 RGB.
        alpha: [H, W]; JPEG knows none, and leaves it out.
        output: JPEG, PNG or WebP.
        as_grey: one channel, where there is no alpha.
    """
    image = PillowImage.fromarray(pixels)
    if alpha is not None and output is not OutputFormat.JPEG:
        image.putalpha(PillowImage.fromarray(alpha))
    elif as_grey and output is not OutputFormat.WEBP:
        image = image.convert("L")
    options: dict[str, object] = {}
    match output:
        case OutputFormat.JPEG:
            options = {"quality": _JPEG_QUALITY, "subsampling": "4:4:4"}
        case OutputFormat.PNG:
            options = {"compress_level": _PNG_LEVEL}
        case _:
            options = {"quality": _WEBP_QUALITY, "method": _WEBP_EFFORT}
    if profile is not None:
        options["icc_profile"] = profile
    if exif is not None:
        options["exif"] = exif
    buffer = io.BytesIO()
    image.save(buffer, output.value, **options)
    image.close()
    with buffer.getbuffer() as view:
        data = bytearray(view)
        # The caller can overwrite what it is given; this copy nobody else can reach.
        view[:] = bytes(len(view))
    return EncodedPhoto(data, f"image/{output.value}", _SUFFIXES[output])
