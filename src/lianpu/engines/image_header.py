"""What the first bytes of an image file say: its format, its declared size, and whether a JPEG is whole."""

import re
from enum import StrEnum


class ImageFormat(StrEnum):
    """Formats that can be decoded."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    BMP = "bmp"
    GIF = "gif"
    TIFF = "tiff"
    AVIF = "avif"
    HEIC = "heic"

    @property
    def media_type(self) -> str:
        return f"image/{self}"


_MAGIC = (
    (b"\xff\xd8\xff", ImageFormat.JPEG),
    (b"\x89PNG\r\n\x1a\n", ImageFormat.PNG),
    (b"GIF87a", ImageFormat.GIF),
    (b"GIF89a", ImageFormat.GIF),
    (b"BM", ImageFormat.BMP),
    (b"II*\x00", ImageFormat.TIFF),
    (b"MM\x00*", ImageFormat.TIFF),
    (b"II+\x00", ImageFormat.TIFF),
    (b"MM\x00+", ImageFormat.TIFF),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

# A marker inside entropy-coded data: FF followed by neither a stuffed zero, a restart marker nor a fill byte.
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_SOS, _EOI, _STANDALONE = 0xDA, 0xD9, {0x01, *range(0xD0, 0xD9)}
# Encoders write about ten scans; thousands of them, each a few bytes for a whole image, are an attack on the CPU.
_MAX_JPEG_SCANS = 100


def sniff_format(data: bytes) -> ImageFormat | None:
    """Format by content, never by name; None where it is none that can be decoded."""
    for magic, image_format in _MAGIC:
        if data.startswith(magic):
            return image_format
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ImageFormat.WEBP
    if data[4:8] == b"ftyp":  # ISO base media: box size, "ftyp", major brand, version, compatible brands
        box = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
        brands = {box[:4], *(box[start : start + 4] for start in range(8, len(box), 4))}
        if brands & _AVIF_BRANDS:
            return ImageFormat.AVIF
        if brands & _HEIC_BRANDS:
            return ImageFormat.HEIC
    return None


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in a WebP header, before any decoder reserves memory for them; None where there are none."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return None


def jpeg_is_whole(data: bytes) -> bool:
    """Whether a JPEG's segments lead from its start to its end marker, with a sane number of scans.

    Decoders fill what a cut file lacks with grey and say so on stderr at most; this is how a cut is noticed.
    Bytes after the end marker are allowed: cameras append previews there.
    """
    position, scans = 2, 0
    while True:
        found = _JPEG_MARKER.search(data, position)
        if found is None:
            return False
        marker, position = found.group(1)[0], found.end()
        if marker == _EOI:
            return scans > 0
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            return False
        position += length
        if marker == _SOS:
            scans += 1
            if scans > _MAX_JPEG_SCANS:
                return False
