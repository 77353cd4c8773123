"""A photo to be enhanced: upright pixels, transparency, and what of its metadata the result may carry."""

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from lianpu.engines.face.face import Image
from lianpu.engines.image import (
    ImageFormat,
    ImageLimits,
    decode_image,
    exif_orientation,
    image_size,
    open_image,
    upright,
)
from lianpu.engines.restore.colour import is_grey
from lianpu.engines.restore.metadata import kept_exif
from lianpu.errors import ImageDamagedError

_TURNED = range(5, 9)
_PNG_DEPTH_AT, _PNG_DEEP = 24, 16
_PROFILE_SPACE = slice(16, 20)


@dataclass(frozen=True, slots=True)
class PhotoHeader:
    """What the file declares; width and height are the upright photo's."""

    format: ImageFormat
    width: int
    height: int
    has_alpha: bool


@dataclass(frozen=True, slots=True)
class Photo:
    pixels: Image
    """[H, W, 3] uint8 RGB, upright; what is transparent lies on white."""
    alpha: NDArray[np.uint8] | None
    """[H, W], 0 transparent … 255."""
    format: ImageFormat
    is_grey: bool
    profile: bytes | None
    """ICC profile that the pixels belong to."""
    exif: bytes | None
    """With orientation, previews and maker's notes left out, and the position too unless it is to be kept."""
    notes: tuple[str, ...]


def read_header(data: bytes, limits: ImageLimits) -> PhotoHeader:
    """Look at the header alone; nothing is decoded.

    Raises:
        ImageEmptyError, ImageFormatError, ImageTooLargeError, ImageDamagedError: as `lianpu.engines.image.image_size`.
    """
    image_format, width, height = image_size(data, limits)
    try:
        with open_image(data, image_format) as opened:
            # HEIF is turned by its own boxes, which the declared size has in it.
            orientation = 1 if image_format is ImageFormat.HEIC else exif_orientation(opened)
            has_alpha = opened.has_transparency_data
    except Exception as error:  # plugins raise nearly any class on hostile bytes
        raise ImageDamagedError(f"The {image_format.name} has no valid header.") from error
    if orientation in _TURNED:
        width, height = height, width
    return PhotoHeader(image_format, width, height, has_alpha)


def read_photo(data: bytes, limits: ImageLimits, *, keep_gps: bool, scale: int) -> Photo:
    """Decode a photo and what belongs to it.

    Args:
        keep_gps: leave the position in the EXIF data.
        scale: how many times the width and height will be, as the EXIF data say them.

    Raises:
        ImageEmptyError, ImageFormatError, ImageTooLargeError, ImageDamagedError: as `decode_image`.
    """
    decoded = decode_image(data, limits)
    notes: list[str] = []
    alpha: NDArray[np.uint8] | None = None
    profile: object = None
    exif: bytes | None = None
    mode = "RGB"
    try:
        with open_image(data, decoded.format) as opened:
            mode = opened.mode
            profile = opened.info.get("icc_profile")
            exif = kept_exif(opened, decoded.width * scale, decoded.height * scale, keep_gps=keep_gps)
            if getattr(opened, "is_animated", False):
                notes.append("Only the first picture of the animation was enhanced.")
            if decoded.had_alpha:
                alpha = _alpha(opened, decoded.orientation)
    except Exception as error:  # plugins raise nearly any class on hostile bytes
        raise ImageDamagedError(f"The {decoded.format.name} is damaged or cut off.") from error
    if _is_deep(data, decoded.format, mode):
        notes.append("The photo has 16 bits a channel; the result has 8.")
    grey = is_grey(decoded.pixels)
    kept = profile if isinstance(profile, bytes) and profile else None
    if kept is not None and not _fits(kept, mode, grey=grey):
        kept = None
        notes.append(f"The photo's colour profile is for {mode} and was left out; its colours were converted.")
    return Photo(decoded.pixels, alpha, decoded.format, grey, kept, exif, tuple(notes))


def _alpha(opened: PillowImage.Image, orientation: int) -> NDArray[np.uint8]:
    channel = np.array(opened.convert("RGBA").getchannel("A"), dtype=np.uint8)
    return np.ascontiguousarray(upright(channel, orientation))


def _is_deep(data: bytes, image_format: ImageFormat, mode: str) -> bool:
    is_deep_png = image_format is ImageFormat.PNG and data[_PNG_DEPTH_AT] == _PNG_DEEP
    return is_deep_png or mode.startswith("I;16")


def _fits(profile: bytes, mode: str, *, grey: bool) -> bool:
    """Whether a profile describes the pixels as they are decoded."""
    space = profile[_PROFILE_SPACE]
    if mode == "CMYK":
        return False
    return space == b"RGB " or (space == b"GRAY" and grey)


def without_matte(pixels: Image, alpha: NDArray[np.uint8]) -> None:
    """Take the white out again that shines through where pixels are half transparent; in place, stripe by stripe."""
    for start in range(0, pixels.shape[0], 256):
        rows, share = pixels[start : start + 256], alpha[start : start + 256, :, None].astype(np.float32) / 255
        # What is nearly transparent holds no colour that could be told from the white.
        visible = np.maximum(share, np.float32(0.05))
        colour = (rows.astype(np.float32) - (1 - share) * 255) / visible
        rows[:] = np.where(share > 0, np.clip(np.rint(colour), 0, 255), 255).astype(np.uint8)


def enlarged_alpha(alpha: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """[H, W] to [H·scale, W·scale], by a cubic curve, which leaves no rings."""
    size = (alpha.shape[1] * scale, alpha.shape[0] * scale)
    return cast(NDArray[np.uint8], cv2.resize(alpha, size, interpolation=cv2.INTER_CUBIC))
