"""Image files to upright RGB pixels, within limits that hold before anything is decoded; and pixels to files."""

import io
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    ImageCms,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL import Image as PillowImage

from lianpu.engines.face.face import Box, Image
from lianpu.engines.image_header import ImageFormat, jpeg_is_whole, sniff_format, webp_size
from lianpu.errors import ImageDamagedError, ImageEmptyError, ImageError, ImageFormatError, ImageTooLargeError
from lianpu.observability.stages import Stage, stage

__all__ = [
    "DecodedImage",
    "ImageFormat",
    "ImageLimits",
    "decode_image",
    "encode_jpeg",
    "encode_photo",
    "encode_png",
    "exif_orientation",
    "fitted",
    "image_size",
    "open_image",
    "thumbnail",
    "upright",
]

# Opened by class, not by PIL.Image.open: that one tries every plugin, and checks sizes against a process-wide setting
# which warns instead of refusing.
_OPENERS: dict[ImageFormat, Any] = {
    ImageFormat.JPEG: JpegImagePlugin.JpegImageFile,
    ImageFormat.PNG: PngImagePlugin.PngImageFile,
    ImageFormat.WEBP: WebPImagePlugin.WebPImageFile,
    ImageFormat.BMP: BmpImagePlugin.BmpImageFile,
    ImageFormat.GIF: GifImagePlugin.GifImageFile,
    ImageFormat.TIFF: TiffImagePlugin.TiffImageFile,
    ImageFormat.AVIF: AvifImagePlugin.AvifImageFile,
}
_EXIF_ORIENTATION = 0x0112
_ROTATIONS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
_FLIPS = {2: 1, 4: 0, 7: -1}  # to cv2.flip's code: 1 left and right, 0 top and bottom, -1 both
_SIXTEEN_BIT_MODES = {"I;16", "I;16L", "I;16B", "I;16N"}
_WIDE_MODES = {"I", "F"}


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Largest image that is decoded; checked against the file's header.

    Above 89 megapixels Pillow's WebP and TIFF plugins refuse by a limit of their own (also as ImageTooLargeError).
    """

    max_pixels: int = 50_000_000
    max_side_px: int = 16_384


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An upright image: [height, width, 3] uint8 RGB, contiguous, without any of the file's metadata."""

    pixels: Image
    format: ImageFormat
    orientation: int
    """EXIF orientation (1…8) the file was stored with; already applied to `pixels`."""
    had_alpha: bool

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


def decode_image(data: bytes, limits: ImageLimits | None = None) -> DecodedImage:
    """Decode a JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC file; of an animation, the first frame.

    EXIF orientation is applied. Transparency is laid on white, as a page or an ID photo shows a cut-out portrait (black
    would drown dark hair, and what lies under full transparency is often rubbish). 16-bit values are scaled to 8, CMYK
    is converted through its embedded profile where it has one. Other colour profiles are not applied.

    Safe to call from many threads.

    Raises:
        ImageEmptyError: no bytes.
        ImageFormatError: the content is no supported format, whatever its name says.
        ImageTooLargeError: the header declares more than `limits`; nothing has been decoded then.
        ImageDamagedError: cut off or corrupt. A JPEG whose compressed data is corrupt inside can go unnoticed.
    """
    if not data:
        raise ImageEmptyError("The file is empty (0 bytes).")
    image_format = sniff_format(data)
    if image_format is None:
        supported = ", ".join(known.name for known in ImageFormat)
        raise ImageFormatError(f"The content is no image of a supported format ({supported}).")
    try:
        with stage(Stage.DECODE):
            return _decode(data, image_format, limits or ImageLimits())
    except ImageError:
        raise
    except (MemoryError, PillowImage.DecompressionBombError, PillowImage.DecompressionBombWarning) as error:
        raise ImageTooLargeError(f"The {image_format.name} needs more memory than there is.") from error
    except Exception as error:  # decoders raise nearly any class on hostile bytes
        raise ImageDamagedError(f"The {image_format.name} is damaged or cut off.") from error


def image_size(data: bytes, limits: ImageLimits) -> tuple[ImageFormat, int, int]:
    """Format, width and height as the file's header declares them, before any EXIF turn; nothing is decoded.

    Raises:
        ImageEmptyError, ImageFormatError, ImageTooLargeError, ImageDamagedError: as `decode_image`, from the header.
    """
    if not data:
        raise ImageEmptyError("The file is empty (0 bytes).")
    image_format = sniff_format(data)
    if image_format is None:
        raise ImageFormatError("The content is no image of a supported format.")
    try:
        width, height = _declared_size(data, image_format)
    except Exception as error:  # plugins raise nearly any class on hostile bytes
        raise ImageDamagedError(f"The {image_format.name} has no valid header.") from error
    _check_size((width, height), limits)
    return image_format, width, height


def open_image(data: bytes, image_format: ImageFormat) -> PillowImage.Image:
    """The opened file, of which only the header was read: size, mode and metadata. Close it after use.

    Raises:
        Exception: nearly any class, on hostile bytes.
    """
    if image_format is ImageFormat.HEIC:
        import pillow_heif  # pyright: ignore[reportMissingTypeStubs]

        return cast(Any, pillow_heif).open_heif(data, convert_hdr_to_8bit=True).to_pillow()
    return cast(PillowImage.Image, _OPENERS[image_format](io.BytesIO(data)))


def _declared_size(data: bytes, image_format: ImageFormat) -> tuple[int, int]:
    if image_format is ImageFormat.WEBP:
        size = webp_size(data)
        if size is None:
            raise ValueError("no size")
        return size
    if image_format is ImageFormat.HEIC:
        import pillow_heif  # pyright: ignore[reportMissingTypeStubs]

        return cast(Any, pillow_heif).open_heif(data).size
    with _OPENERS[image_format](io.BytesIO(data)) as opened:
        return cast(PillowImage.Image, opened).size


def _decode(data: bytes, image_format: ImageFormat, limits: ImageLimits) -> DecodedImage:
    if image_format is ImageFormat.WEBP:
        size = webp_size(data)
        if size is None:
            raise ImageDamagedError("The WEBP has no valid header.")
        _check_size(size, limits)
    if image_format is ImageFormat.HEIC:
        return _decode_heic(data, limits)
    with _OPENERS[image_format](io.BytesIO(data)) as opened:
        image = cast(PillowImage.Image, opened)
        _check_size(image.size, limits)
        if image_format is ImageFormat.JPEG:
            if not jpeg_is_whole(data):
                raise ImageDamagedError("The JPEG is cut off: its end is missing.")
            if image.mode != "CMYK":
                return _decode_jpeg(data, image)
        image.load()
        # After load(): TIFF applies its orientation there itself.
        orientation = exif_orientation(image)
        return _finished(image, image_format, orientation)


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageDamagedError(f"The image declares a size of {width}x{height}.")
    if width * height > limits.max_pixels:
        raise ImageTooLargeError(
            f"The image has {width}x{height} = {width * height / 1e6:.1f} megapixels; "
            f"at most {limits.max_pixels / 1e6:g} are allowed."
        )
    if max(size) > limits.max_side_px:
        raise ImageTooLargeError(
            f"The image has {width}x{height} pixels; a side may have at most {limits.max_side_px}."
        )


def _decode_jpeg(data: bytes, header: PillowImage.Image) -> DecodedImage:
    """OpenCV's JPEG decoder is several times faster than Pillow's."""
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cast(Image | None, cv2.imdecode(np.frombuffer(data, np.uint8), flags))
    if pixels is None or pixels.shape[1::-1] != header.size:
        raise ImageDamagedError("The JPEG is damaged.")
    orientation = exif_orientation(header)
    return DecodedImage(upright(pixels, orientation), ImageFormat.JPEG, orientation, had_alpha=False)


def _decode_heic(data: bytes, limits: ImageLimits) -> DecodedImage:
    import pillow_heif  # pyright: ignore[reportMissingTypeStubs]

    heif = cast(Any, pillow_heif).open_heif(data, convert_hdr_to_8bit=True)
    _check_size(heif.size, limits)
    # HEIF turns by its own boxes, which the decoder applies; an EXIF orientation beside them is not to be used.
    return _finished(heif.to_pillow(), ImageFormat.HEIC, 1)


def _finished(image: PillowImage.Image, image_format: ImageFormat, orientation: int) -> DecodedImage:
    had_alpha = image.has_transparency_data
    return DecodedImage(upright(_rgb(image), orientation), image_format, orientation, had_alpha)


def _rgb(image: PillowImage.Image) -> Image:
    """[H, W, 3] uint8 of a loaded image of any mode."""
    if image.mode in _SIXTEEN_BIT_MODES:
        grey = np.asarray(image).astype(np.uint32)
        # 257 = 65535 / 255: full scale stays full scale.
        return cv2.cvtColor(((grey + 128) // 257).astype(np.uint8), cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    if image.mode in _WIDE_MODES:
        raise ImageFormatError("Images with 32 bits a channel have no defined brightness and are not supported.")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = PillowImage.new("RGBA", image.size, (255, 255, 255, 255))
        return np.array(PillowImage.alpha_composite(white, rgba).convert("RGB"))
    if image.mode == "CMYK":
        image = _from_cmyk(image)
    try:
        return np.array(image.convert("RGB"))
    except ValueError as error:
        raise ImageFormatError(f"Images of colour mode {image.mode} are not supported.") from error


def _from_cmyk(image: PillowImage.Image) -> PillowImage.Image:
    """To RGB by the embedded profile; without one (or with a broken one) by Pillow's plain formula."""
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes):
        try:
            source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), cast(Any, ImageCms).createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            return image
        if converted is not None:
            return converted
    return image


def exif_orientation(image: PillowImage.Image) -> int:
    """1…8; 1 where there is none, or nothing that can be read."""
    try:
        value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # broken EXIF data raises nearly any class, and does not harm the pixels
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo an EXIF orientation (EXIF 3.0, tag 0x0112) of [H, W] or [H, W, 3] pixels.

    OpenCV turns about four times faster than a copied view.
    """
    if orientation in _ROTATIONS:
        return cast(Image, cv2.rotate(pixels, _ROTATIONS[orientation]))
    if orientation in {5, 7}:  # mirrored and on its side
        pixels = cast(Image, cv2.transpose(pixels))
    if orientation in _FLIPS:
        return cast(Image, cv2.flip(pixels, _FLIPS[orientation]))
    return pixels


def encode_jpeg(image: Image, quality: int = 90) -> bytes:
    """Encode [H, W, 3] uint8 RGB as JPEG; the file holds pixels and no metadata."""
    return _encode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])


def encode_png(image: Image, compression: int = 3) -> bytes:
    """Encode [H, W, 3] uint8 RGB as PNG (compression 0…9); the file holds pixels and no metadata."""
    return _encode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, compression])


def encode_photo(image: Image, image_format: ImageFormat, quality: int = 92) -> bytes:
    """Encode [H, W, 3] uint8 RGB as JPEG, PNG or WebP (`quality` 1…100, not of PNG); pixels and no metadata.

    Raises:
        ValueError: another format.
    """
    if image_format is ImageFormat.PNG:
        return encode_png(image)
    if image_format is ImageFormat.JPEG:
        return encode_jpeg(image, quality)
    if image_format is ImageFormat.WEBP:
        return _encode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])
    raise ValueError(f"photos are not written as {image_format}")


def _encode(extension: str, image: Image, parameters: list[int]) -> bytes:
    done, data = cv2.imencode(extension, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), parameters)
    if not done:
        raise ValueError(f"an image of shape {image.shape} cannot be written as {extension}")
    return cast(NDArray[np.uint8], data).tobytes()


def fitted(image: Image, side_px: int) -> Image:
    """The whole image, made smaller where its longer side has more than `side_px`: [h, w, 3] uint8 RGB."""
    height, width = image.shape[:2]
    scale = side_px / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cast(Image, cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def thumbnail(image: Image, box: Box, side_px: int = 160, margin: float = 0.35) -> Image:
    """Square crop around a face: [side_px, side_px, 3] uint8 RGB.

    Args:
        box: the face, in pixels of `image`; may reach outside.
        margin: added on each side, as a share of the box's longer side. Near an edge the square moves inwards, and it
            shrinks where the image is too small for it, so that no padding is ever seen.
    """
    height, width = image.shape[:2]
    side = round(max(box.width, box.height, 1.0) * (1 + 2 * margin))
    side = max(1, min(side, width, height))
    left = min(max(round((box.x1 + box.x2 - side) / 2), 0), width - side)
    top = min(max(round((box.y1 + box.y2 - side) / 2), 0), height - side)
    crop = image[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > side_px else cv2.INTER_CUBIC
    return cast(Image, cv2.resize(crop, (side_px, side_px), interpolation=method))
