"""Image files to pixels: every awkward file of the kit, every orientation, bombs, cuts and random damage."""

import contextlib
import io
import struct
import threading
import time
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as PillowImage

from lianpu.engines.face.face import Box
from lianpu.engines.image import (
    ImageFormat,
    ImageLimits,
    decode_image,
    encode_jpeg,
    encode_png,
    image_size,
    thumbnail,
)
from lianpu.errors import (
    ImageDamagedError,
    ImageEmptyError,
    ImageError,
    ImageFormatError,
    ImageTooLargeError,
)

Pixels = NDArray[np.uint8]

EDGE_FILES: dict[str, tuple[ImageFormat, int, int] | type[ImageError]] = {
    "anim.gif": (ImageFormat.GIF, 200, 200),
    "anim.webp": (ImageFormat.WEBP, 200, 200),
    "avif.avif": (ImageFormat.AVIF, 640, 480),
    "base.jpg": (ImageFormat.JPEG, 640, 480),
    "bmp24.bmp": (ImageFormat.BMP, 160, 160),
    "bomb_20000x20000_1bit.png": ImageTooLargeError,
    "cmyk.jpg": (ImageFormat.JPEG, 640, 480),
    "empty.jpg": ImageEmptyError,
    "exif_gps.jpg": (ImageFormat.JPEG, 640, 480),
    "exif_orientation_2.jpg": (ImageFormat.JPEG, 640, 480),
    "exif_orientation_3.jpg": (ImageFormat.JPEG, 640, 480),
    "exif_orientation_4.jpg": (ImageFormat.JPEG, 640, 480),
    "exif_orientation_5.jpg": (ImageFormat.JPEG, 640, 480),
    "exif_orientation_6.jpg": (ImageFormat.JPEG, 640, 480),
    "exif_orientation_7.jpg": (ImageFormat.JPEG, 640, 480),
    "exif_orientation_8.jpg": (ImageFormat.JPEG, 640, 480),
    "extreme_aspect.jpg": (ImageFormat.JPEG, 4000, 8),
    "grey.jpg": (ImageFormat.JPEG, 640, 480),
    "grey_alpha.png": (ImageFormat.PNG, 200, 150),
    "lossless.webp": (ImageFormat.WEBP, 256, 256),
    "lossy.webp": (ImageFormat.WEBP, 640, 480),
    "not_an_image.jpg": ImageFormatError,
    "one_pixel.png": (ImageFormat.PNG, 1, 1),
    "png_16bit_alpha.png": (ImageFormat.PNG, 342, 256),
    "png_16bit_grey.png": (ImageFormat.PNG, 640, 480),
    "png_1bit.png": (ImageFormat.PNG, 640, 480),
    "png_named.jpg": (ImageFormat.PNG, 128, 128),
    "png_palette.png": (ImageFormat.PNG, 640, 480),
    "png_rgba_alpha.png": (ImageFormat.PNG, 566, 350),
    "progressive.jpg": (ImageFormat.JPEG, 640, 480),
    "tiff_lzw.tif": (ImageFormat.TIFF, 200, 200),
    "tiny_face_24px.jpg": (ImageFormat.JPEG, 48, 36),
    "truncated.jpg": ImageDamagedError,
    "uniform_grey_noface.jpg": (ImageFormat.JPEG, 640, 480),
}
# Greatest mean difference (0…255) to base.jpg, shrunk to the file's size, that the format's own loss explains.
LIKE_BASE = {name: 4.0 for name in EDGE_FILES if name.startswith(("exif_", "lossy", "avif", "progressive", "cmyk"))} | {
    "anim.gif": 9.0,
    "anim.webp": 5.0,
    "bmp24.bmp": 3.0,
    "lossless.webp": 3.0,
    "png_named.jpg": 6.0,
    "png_palette.png": 8.0,
    "tiff_lzw.tif": 3.0,
    "tiny_face_24px.jpg": 6.0,
}


def difference(a: Pixels, b: Pixels) -> float:
    """Mean absolute difference after bringing b to a's size."""
    if a.shape != b.shape:
        b = np.asarray(cv2.resize(b, a.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
    return float(np.abs(a.astype(np.int16) - b.astype(np.int16)).mean())


def photo(width: int = 64, height: int = 48) -> Pixels:
    """A smooth picture without symmetry, so that every turn of it looks different."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    return np.stack([255 * x, 255 * y, 200 * (1 - x) * y + 30], axis=-1).astype(np.uint8)


def written(image_format: str, pixels: Pixels | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    image = PillowImage.fromarray(photo() if pixels is None else pixels)
    if image_format == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(buffer, quality=90)
    else:
        image.save(buffer, image_format, **options)
    return buffer.getvalue()


FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF")


@pytest.mark.parametrize("name", EDGE_FILES)
def test_R_INF_1_every_awkward_file_gives_its_documented_result(testkit: Path, name: str) -> None:
    data = (testkit / "images/edge" / name).read_bytes()
    expected = EDGE_FILES[name]
    if isinstance(expected, type):
        with pytest.raises(expected) as refused:
            decode_image(data)
        assert type(refused.value) is expected
        assert refused.value.detail
        return
    image = decode_image(data)
    assert (image.format, image.width, image.height) == expected
    assert image.pixels.dtype == np.uint8
    assert image.pixels.shape == (image.height, image.width, 3)
    assert image.pixels.flags.c_contiguous
    assert image.pixels.flags.writeable
    if name in LIKE_BASE:
        base = decode_image((testkit / "images/edge/base.jpg").read_bytes()).pixels
        assert difference(image.pixels, base) < LIKE_BASE[name]


def test_R_INF_1_the_table_names_every_awkward_file_of_the_kit(testkit: Path) -> None:
    assert {path.name for path in (testkit / "images/edge").iterdir()} == set(EDGE_FILES)


@pytest.mark.parametrize("name", ["grey.jpg", "png_16bit_grey.png"])
def test_R_INF_1_grey_and_sixteen_bit_keep_their_brightness(testkit: Path, name: str) -> None:
    base = decode_image((testkit / "images/edge/base.jpg").read_bytes()).pixels
    grey = np.asarray(cv2.cvtColor(cv2.cvtColor(base, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)
    assert difference(decode_image((testkit / "images/edge" / name).read_bytes()).pixels, grey) < 3


def test_R_INF_1_photos_equal_opencv(testkit: Path, t1_photo: bytes) -> None:
    files = sorted((testkit / "images/lfw_small").rglob("*.jpg"))[:10] + sorted((testkit / "images/groups").iterdir())
    for data in [t1_photo, *(path.read_bytes() for path in files)]:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert bgr is not None
        assert np.array_equal(decode_image(data).pixels, bgr[:, :, ::-1])


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_R_ENH_9_every_orientation_of_every_format_is_upright(image_format: str, orientation: int) -> None:
    upright = photo()
    stored = {  # how a camera stores the upright picture under each orientation
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    image = decode_image(written(image_format, np.ascontiguousarray(stored), exif=exif, quality=95))
    assert (image.width, image.height) == (64, 48)
    assert difference(image.pixels, upright) < 3


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_R_ENH_9_senseless_orientations_are_ignored(orientation: int) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    image = decode_image(written("JPEG", exif=exif))
    assert (image.width, image.height, image.orientation) == (64, 48, 1)


def test_R_ENH_9_broken_exif_does_not_harm_the_photo() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert decode_image(written("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")).width == 64


def test_R_INF_1_heic_decodes() -> None:
    image = decode_image(written("HEIF"))
    assert image.format is ImageFormat.HEIC
    assert difference(image.pixels, photo()) < 4


def test_R_INF_1_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, axis=0)
    for image_format in ("PNG", "TIFF"):
        buffer = io.BytesIO()
        PillowImage.fromarray(ramp).save(buffer, image_format)
        assert np.array_equal(decode_image(buffer.getvalue()).pixels[0, :, 0], np.arange(256))


def test_R_INF_1_transparency_lies_on_white() -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = (200, 10, 20, 255)
    pixels[0, 1] = (0, 0, 0, 127)
    for image_format in ("PNG", "WEBP"):
        image = decode_image(written(image_format, pixels, lossless=True))
        assert image.had_alpha
        assert image.pixels[0, 0].tolist() == [200, 10, 20]
        assert abs(int(image.pixels[0, 1, 0]) - 128) <= 1
        assert image.pixels[1].tolist() == [[255, 255, 255]] * 2
    palette = PillowImage.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    buffer = io.BytesIO()
    palette.save(buffer, "PNG", transparency=0)
    assert decode_image(buffer.getvalue()).pixels.tolist() == [[[255, 255, 255], [40, 50, 60]]]


def test_R_INF_1_animations_give_their_first_frame() -> None:
    frames = [PillowImage.new("RGB", (32, 32), colour) for colour in ("red", "lime", "blue")]
    for image_format in ("GIF", "WEBP", "PNG"):
        buffer = io.BytesIO()
        frames[0].save(buffer, image_format, save_all=True, append_images=frames[1:], duration=50)
        mean = decode_image(buffer.getvalue()).pixels.reshape(-1, 3).mean(axis=0)
        assert mean[0] > 240
        assert max(mean[1:]) < 20


def test_R_INF_1_thirty_two_bit_channels_are_refused() -> None:
    buffer = io.BytesIO()
    PillowImage.fromarray(np.zeros((4, 4), np.float32)).save(buffer, "TIFF")
    with pytest.raises(ImageFormatError, match="32 bits"):
        decode_image(buffer.getvalue())


@pytest.mark.parametrize("data", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"PK\x03\x04", b"\0" * 64])
def test_R_INF_1_other_files_are_unsupported(data: bytes) -> None:
    with pytest.raises(ImageFormatError) as refused:
        decode_image(data)
    assert refused.value.status == 415


def huge_headers() -> dict[str, bytes]:
    """Small files that declare 16000x16000 pixels."""
    side = 16000
    png = bytearray(written("PNG"))
    png[16:24] = struct.pack(">II", side, side)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    jpeg = bytearray(written("JPEG"))
    sof = jpeg.index(b"\xff\xc0")
    jpeg[sof + 5 : sof + 9] = struct.pack(">HH", side, side)
    gif = bytearray(written("GIF"))
    gif[6:10] = struct.pack("<HH", side, side)
    bmp = bytearray(written("BMP"))
    bmp[18:26] = struct.pack("<ii", side, side)
    extended = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (side - 1).to_bytes(3, "little") * 2
    lossless = (
        b"VP8L" + struct.pack("<I", 10) + b"\x2f" + (side - 1 | (side - 1) << 14).to_bytes(4, "little") + b"\0" * 5
    )
    lossy = b"VP8 " + struct.pack("<I", 10) + b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", side, side) + b"\0" * 4
    webp = {kind: b"RIFF" + struct.pack("<I", len(kind) + 4) + b"WEBP" + kind for kind in (extended, lossless, lossy)}
    tiff = bytearray(written("TIFF"))
    for tag in (256, 257):
        at = tiff.index(struct.pack("<HHI", tag, 4, 1)) + 8
        tiff[at : at + 4] = struct.pack("<I", side)
    return {
        "png": bytes(png),
        "jpeg": bytes(jpeg),
        "gif": bytes(gif),
        "bmp": bytes(bmp),
        "webp_extended": webp[extended],
        "webp_lossless": webp[lossless],
        "webp_lossy": webp[lossy],
        "tiff": bytes(tiff),
    }


@pytest.mark.parametrize("name", list(huge_headers()))
def test_R_ENH_7_bombs_are_refused_by_their_header(name: str) -> None:
    data = huge_headers()[name]
    begun = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageTooLargeError, match="16000x16000") as refused:
            decode_image(data)
    assert time.monotonic() - begun < 1
    assert refused.value.status == 413


def test_R_ENH_7_limits_count_pixels_and_sides() -> None:
    data = written("PNG", photo(300, 20))
    decode_image(data, ImageLimits(max_pixels=6000, max_side_px=300))
    for limits in (ImageLimits(max_pixels=5999), ImageLimits(max_side_px=299)):
        with pytest.raises(ImageTooLargeError):
            decode_image(data, limits)


def test_R_ENH_7_pillows_process_wide_limit_is_neither_met_nor_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    for pillows_own in (2000, 1000):  # its open() would warn at the first and raise at the second
        monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", pillows_own)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for name, data in SMALL_FILES.items():
                if name in {"WEBP", "TIFF"}:  # their plugins check for themselves
                    with contextlib.suppress(ImageTooLargeError):
                        decode_image(data)
                else:
                    decode_image(data)
        assert pillows_own == PillowImage.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("progressive", [False, True])
def test_R_INF_1_a_jpeg_cut_anywhere_is_damaged_never_grey(progressive: bool) -> None:
    data = written("JPEG", progressive=progressive)
    for length in range(4, len(data)):
        with pytest.raises(ImageDamagedError):
            decode_image(data[:length])


def test_R_INF_1_bytes_after_a_jpeg_are_allowed() -> None:
    data = written("JPEG")
    assert np.array_equal(decode_image(data + b"\0" * 100 + data).pixels, decode_image(data).pixels)


def test_R_ENH_7_a_jpeg_of_a_thousand_scans_is_refused() -> None:
    data = written("JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(ImageDamagedError):
        decode_image(data[:-2] + data[last:-2] * 1000 + data[-2:])


@pytest.mark.parametrize("image_format", FORMATS)
def test_R_INF_1_a_file_cut_in_half_is_damaged(image_format: str) -> None:
    data = written(image_format)
    with pytest.raises(ImageDamagedError):
        decode_image(data[: len(data) // 2])


SMALL_FILES = {image_format: written(image_format) for image_format in FORMATS} | {
    "progressive": written("JPEG", progressive=True),
    "palette": written("GIF", photo(9, 7)),
}
FUZZ_LIMITS = ImageLimits(max_pixels=1_000_000)


def decode_or_image_error(data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pixels = decode_image(data, FUZZ_LIMITS).pixels
        except ImageError:
            return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", *(data[:16] for data in SMALL_FILES.values())]))
@example(b"", b"")
def test_R_INF_1_random_bytes_raise_image_errors_alone(tail: bytes, head: bytes) -> None:
    decode_or_image_error(head + tail)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(st.data())
def test_R_INF_1_damaged_files_raise_image_errors_alone(draw: st.DataObject) -> None:
    data = bytearray(SMALL_FILES[draw.draw(st.sampled_from(sorted(SMALL_FILES)))])
    for _ in range(draw.draw(st.integers(0, 12))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    decode_or_image_error(bytes(data[: draw.draw(st.integers(1, len(data)))] if draw.draw(st.booleans()) else data))


def test_R_LIB_2_many_threads_decode_at_once() -> None:
    expected = {name: decode_image(data).pixels for name, data in SMALL_FILES.items()}
    wrong: list[str] = []

    def work() -> None:
        for _ in range(10):
            wrong.extend(n for n, d in SMALL_FILES.items() if not np.array_equal(decode_image(d).pixels, expected[n]))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_R_ENH_9_outputs_carry_no_metadata(testkit: Path) -> None:
    source = (testkit / "images/edge/exif_gps.jpg").read_bytes()
    assert b"Exif" in source
    pixels = decode_image(source).pixels
    for data in (encode_jpeg(pixels), encode_png(pixels), encode_jpeg(thumbnail(pixels, Box(100, 100, 200, 200)))):
        assert b"Exif" not in data
        with PillowImage.open(io.BytesIO(data)) as image:
            assert not image.getexif()
            assert not {"exif", "xmp", "icc_profile", "comment"} & set(image.info)


def test_R_LIB_4_encoded_pixels_come_back() -> None:
    pixels = photo()
    assert np.array_equal(decode_image(encode_png(pixels)).pixels, pixels)
    assert difference(decode_image(encode_jpeg(pixels, 95)).pixels, pixels) < 2
    assert len(encode_jpeg(pixels, 30)) < len(encode_jpeg(pixels, 95))


@pytest.mark.parametrize(
    "box",
    [Box(20, 15, 40, 35), Box(-30, -30, 10, 10), Box(50, 30, 200, 200), Box(0, 0, 64, 48), Box(30, 30, 30, 30)],
)
def test_R_LIB_4_thumbnails_are_square_and_inside(box: Box) -> None:
    crop = thumbnail(photo() // 2 + 60, box, side_px=32)
    assert crop.shape == (32, 32, 3)
    assert crop.min() >= 55, "no padding is seen"


def test_R_LIB_4_a_thumbnail_is_centred_on_the_face() -> None:
    pixels = np.zeros((400, 600, 3), np.uint8)
    pixels[150:250, 250:350] = 255
    crop = thumbnail(pixels, Box(250, 150, 350, 250), side_px=170, margin=0.35)
    assert crop[0, 0].tolist() == [0, 0, 0]
    assert crop[85, 85].tolist() == [255, 255, 255]
    assert np.argwhere(crop[:, :, 0] > 127).mean(axis=0) == pytest.approx([84.5, 84.5], abs=0.5)


def test_R_LIB_12_declared_size_is_that_of_the_decoded_image(testkit: Path) -> None:
    """Whatever decodes declares its size, up to the EXIF turn; what declares too much is refused as in decoding."""
    limits = ImageLimits()
    sized = 0
    for path in sorted((testkit / "images/edge").iterdir()):
        data = path.read_bytes()
        try:
            decoded = decode_image(data, limits)
        except ImageTooLargeError:
            with pytest.raises(ImageTooLargeError):
                image_size(data, limits)
        except ImageError:
            with contextlib.suppress(ImageError):
                image_size(data, limits)
        else:
            image_format, width, height = image_size(data, limits)
            assert (image_format, {width, height}) == (decoded.format, {decoded.width, decoded.height}), path.name
            sized += 1
    assert sized > 20
