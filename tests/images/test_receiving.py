"""R-INF 1: an upload goes to disk as it comes, and is refused by the first bytes that rule it out."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from lianpu.engines.image import ImageLimits
from lianpu.engines.image_header import ImageFormat
from lianpu.errors import (
    FieldsInvalidError,
    ImageEmptyError,
    ImageFormatError,
    ImageTooLargeError,
    LianpuError,
    MalformedRequestError,
    UnsupportedMediaError,
    UploadTooLargeError,
)
from lianpu.images.receiving import ReceivedImage, receive_image, shown_name

BOUNDARY = "a-boundary"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"
LIMITS = ImageLimits(max_pixels=1_000_000, max_side_px=2000)


def encoded(kind: str, width: int = 60, height: int = 40) -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    PillowImage.fromarray(noise).save(file, kind)
    return file.getvalue()


def body(*files: tuple[str, str | None, bytes]) -> bytes:
    parts: list[bytes] = []
    for field, filename, content in files:
        disposition = f'form-data; name="{field}"' + ("" if filename is None else f'; filename="{filename}"')
        head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: image/png\r\n\r\n"
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


class Sender:
    """Sends a body in pieces, and knows how many were taken."""

    def __init__(self, data: bytes, piece: int = 1000) -> None:
        self._pieces = [data[start : start + piece] for start in range(0, len(data), piece)]
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.taken += len(piece)
            yield piece


def receive(
    sender: Sender, folder: Path, *, max_bytes: int = 1_000_000, content_type: str = TYPE
) -> tuple[ReceivedImage, bytes]:
    path = folder / "received"
    path.unlink(missing_ok=True)
    received = asyncio.run(receive_image(content_type, aiter(sender), path, max_bytes=max_bytes, limits=LIMITS))
    return received, path.read_bytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "WEBP"])
def test_R_INF_1_each_format_is_known_by_its_content(tmp_path: Path, kind: str) -> None:
    image = encoded(kind)
    received, stored = receive(Sender(body(("file", "holiday.txt", image))), tmp_path)
    assert (received.format, received.name) == (ImageFormat(kind.lower()), "holiday.txt")
    assert stored == image
    assert (received.size_bytes, received.sha256) == (len(image), hashlib.sha256(image).hexdigest())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(piece=st.integers(1, 400))
def test_R_INF_1_however_the_client_cuts_its_request(tmp_path: Path, piece: int) -> None:
    image = encoded("PNG", 12, 9)
    received, stored = receive(Sender(body(("file", "a.png", image)), piece), tmp_path)
    assert stored == image
    assert received.format is ImageFormat.PNG


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=600), framed=st.booleans())
def test_R_INF_1_any_bytes_are_received_or_refused_with_a_code(tmp_path: Path, data: bytes, framed: bool) -> None:
    sent = body(("file", "a.png", data)) if framed else data
    try:
        received, stored = receive(Sender(sent, 50), tmp_path)
    except LianpuError:
        return
    assert stored == data
    assert received.size_bytes == len(data)


@pytest.mark.parametrize("kind", ["TIFF", "PDF", "ICO"])
def test_R_INF_1_another_kind_is_refused_by_its_first_bytes_whatever_its_name(tmp_path: Path, kind: str) -> None:
    sender = Sender(body(("file", "photo.jpg", encoded(kind, 64, 64) + bytes(500_000))))
    with pytest.raises(ImageFormatError, match="JPEG, PNG, BMP, GIF, WEBP"):
        receive(sender, tmp_path)
    assert sender.taken <= 2000


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "WEBP"])
def test_R_INF_1_too_many_pixels_are_refused_while_they_arrive(tmp_path: Path, kind: str) -> None:
    sender = Sender(body(("file", "big.png", encoded(kind, 1500, 900))))
    with pytest.raises(ImageTooLargeError, match="1500x900"):
        receive(sender, tmp_path, max_bytes=100_000_000)
    assert sender.taken <= 3000


def test_R_INF_1_a_header_behind_a_long_preface_is_looked_for_as_it_comes(tmp_path: Path) -> None:
    """A JPEG whose size stands behind 200 kB of application segments."""
    image = encoded("JPEG", 1500, 900)
    preface = (b"\xff\xed\xff\xff" + bytes(65_533)) * 3
    sender = Sender(body(("file", "a.jpg", image[:2] + preface + image[2:] + bytes(600_000))), 10_000)
    with pytest.raises(ImageTooLargeError):
        receive(sender, tmp_path, max_bytes=100_000_000)
    assert sender.taken < 500_000


def test_R_INF_1_a_file_that_grows_too_large_is_read_no_further(tmp_path: Path) -> None:
    sender = Sender(body(("file", "a.png", encoded("PNG", 300, 300))))
    with pytest.raises(UploadTooLargeError, match="20,000"):
        receive(sender, tmp_path, max_bytes=20_000)
    assert sender.taken <= 23_000


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ([], "missing"),
        ([("image", "a.png", b"x")], "field_unknown"),
        ([("file", None, b"x")], "file_expected"),
        ([("file", "a.bmp", b"BM" + bytes(40)), ("file", "b.bmp", b"BM" + bytes(40))], "repeated"),
    ],
)
def test_R_INF_1_exactly_one_file_is_wanted(
    tmp_path: Path, files: list[tuple[str, str | None, bytes]], code: str
) -> None:
    with pytest.raises(FieldsInvalidError) as raised:
        receive(Sender(body(*files)), tmp_path)
    assert [error.code for error in raised.value.errors] == [code]


def test_R_INF_1_what_is_no_file_is_refused(tmp_path: Path) -> None:
    whole = body(("file", "a.png", encoded("PNG")))
    with pytest.raises(ImageEmptyError):
        receive(Sender(body(("file", "a.png", b""))), tmp_path)
    with pytest.raises(MalformedRequestError):
        receive(Sender(whole[:-20]), tmp_path)
    with pytest.raises(UnsupportedMediaError):
        receive(Sender(whole), tmp_path, content_type="image/png")
    with pytest.raises(UnsupportedMediaError):
        receive(Sender(whole), tmp_path, content_type="")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\me.jpg", "me.jpg"),
        ("家庭 照片.jpg", "家庭 照片.jpg"),
        ("a\x00b\nc\u202e.jpg", "abc.jpg"),
        ("/", ""),
        ("x" * 500 + ".jpg", "x" * 196 + ".jpg"),
    ],
)
def test_R_INF_1_a_name_is_shown_and_leads_nowhere(given: str, shown: str) -> None:
    assert shown_name(given) == shown
