"""XMP in JPEG, PNG, WebP and MP4 files: put in without touching a pixel, and read back.

XMP part 3 (ISO 16684-3) says where it lies: an APP1 segment, an iTXt chunk, an `XMP ` chunk, a `uuid` box.
"""

import io
import json
import re
import struct
import zlib
from dataclasses import dataclass
from typing import IO, cast
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from lianpu.engines.image_header import ImageFormat, webp_size
from lianpu.engines.provenance.origin import DigitalSource, Origin
from lianpu.errors import LabellingError

_XMP_OF_JPEG = b"http://ns.adobe.com/xap/1.0/\0"
_SEGMENT_MAX = 65_533
_PNG_KEYWORD = b"XML:com.adobe.xmp\0\0\0\0\0"
_MP4_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_TC260 = "http://www.tc260.org.cn/ns/AIGC/1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PACKET_MAX_BYTES = 1 << 20
_ANIMATED, _ALPHA, _XMP_FLAG = 0x02, 0x10, 0x04


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file's XMP says of its origin; None: nothing."""

    digital_source: str | None
    """URI of a digital source type."""
    aigc: dict[str, str] | None


NOTHING = Metadata(None, None)


def with_origin(data: bytes, image_format: ImageFormat, origin: Origin) -> bytes:
    """The file with both fields in its XMP; what XMP it has already is kept beside them.

    Whoever said before that the picture is generated is not made to say less: such a file stays as it is when it is
    only enhanced.

    Raises:
        LabellingError: it is none of JPEG, PNG and WebP, or its XMP is too long.
    """
    earlier = packet_in(data, image_format)
    if origin.source is DigitalSource.ENHANCEMENT and read_metadata(earlier) != NOTHING:
        return data
    packet = _packet(origin, earlier)
    try:
        if image_format is ImageFormat.JPEG:
            return _into_jpeg(data, packet)
        if image_format is ImageFormat.PNG:
            return _into_png(data, packet)
        if image_format is ImageFormat.WEBP:
            return _into_webp(data, packet)
    except (struct.error, IndexError, ValueError) as error:
        raise LabellingError(f"The {image_format.name} cannot be given metadata: it is damaged.") from error
    raise LabellingError(f"Metadata of origin is put into JPEG, PNG and WebP, not into {image_format.name}.")


def append_to_mp4(file: IO[bytes], origin: Origin) -> None:
    """Write the box at the file's end, where one may stand. `file`: open for update."""
    packet = _packet(origin, None)
    file.seek(0, io.SEEK_END)
    file.write(struct.pack(">I4s", 24 + len(packet), b"uuid") + _MP4_UUID + packet)


def read_metadata(packet: bytes | None) -> Metadata:
    """Of an XMP packet as it was met, whoever wrote it."""
    if packet is None or b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        return NOTHING
    try:
        root = ET.fromstring(packet.strip().rstrip(b"\0"))  # noqa: S314 (no entities: see above)
    except (ET.ParseError, ValueError):
        return NOTHING
    source = _value(root, _IPTC, "DigitalSourceType")
    text = _value(root, _TC260, "AIGC")
    try:
        fields: object = None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return Metadata(source, None)
    pairs = cast(dict[str, object], fields)
    return Metadata(source, {name: value for name, value in pairs.items() if isinstance(value, str)})


def packet_in(data: bytes, image_format: ImageFormat) -> bytes | None:
    """The XMP packet of a JPEG, PNG or WebP; None: it has none, or is damaged before it."""
    if image_format is ImageFormat.JPEG:
        return next((part[len(_XMP_OF_JPEG) :] for part in _jpeg_app1(data) if part.startswith(_XMP_OF_JPEG)), None)
    if image_format is ImageFormat.PNG:
        found = (body for kind, body, _ in _png_chunks(data) if kind == b"iTXt" and body.startswith(_PNG_KEYWORD))
        return next((body[len(_PNG_KEYWORD) :] for body in found), None)
    if image_format is ImageFormat.WEBP:
        return next((body for kind, body in _webp_chunks(data) if kind == b"XMP "), None)
    return None


def packet_in_mp4(file: IO[bytes]) -> bytes | None:
    """The XMP packet of an MP4 or MOV file."""
    file.seek(0, io.SEEK_END)
    end, place = file.tell(), 0
    while place + 8 <= end:
        file.seek(place)
        head = file.read(16)
        size, kind = struct.unpack(">I4s", head[:8])
        header = 8
        if size == 1 and len(head) == 16:
            size, header = int.from_bytes(head[8:], "big"), 16
        elif size == 0:
            size = end - place
        if size < header:
            return None
        if kind == b"uuid" and size - header <= PACKET_MAX_BYTES:
            file.seek(place + header)
            body = file.read(size - header)
            if body.startswith(_MP4_UUID):
                return body[len(_MP4_UUID) :]
        place += size
    return None


def _packet(origin: Origin, earlier: bytes | None) -> bytes:
    description = (
        f'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{_IPTC}" xmlns:TC260="{_TC260}" '
        f"Iptc4xmpExt:DigitalSourceType={quoteattr(origin.source.uri)} TC260:AIGC={quoteattr(origin.aigc)}/>"
    ).encode()
    if earlier is not None and read_metadata(earlier) == NOTHING:
        opened = re.search(rb"<(\w+:)?RDF[\s>]", earlier)
        end = earlier.rfind(b"</rdf:RDF>")
        if opened is not None and opened[1] == b"rdf:" and end > 0 and b'rdf="' + _RDF.encode() in earlier:
            return earlier[:end] + description + earlier[end:]
    return (
        b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        b'<rdf:RDF xmlns:rdf="' + _RDF.encode() + b'">' + description + b'</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )


def _value(root: ET.Element, namespace: str, name: str) -> str | None:
    """XMP writes a property as an attribute of its description, or as an element in it."""
    key = f"{{{namespace}}}{name}"
    for element in root.iter(f"{{{_RDF}}}Description"):
        if key in element.attrib:
            return element.attrib[key]
        child = element.find(key)
        if child is not None:
            return child.text or child.attrib.get(f"{{{_RDF}}}resource")
    return None


def _jpeg_app1(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and 0xE0 <= data[place + 1] <= 0xEF:
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if data[place + 1] == 0xE1:
            found.append(data[place + 4 : place + 2 + length])
        place += 2 + length
    return found


def _into_jpeg(data: bytes, packet: bytes) -> bytes:
    body = _XMP_OF_JPEG + packet
    if len(body) > _SEGMENT_MAX:
        raise LabellingError("The photo's own XMP is too long to be kept beside its label.")
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    kept, place, after = bytearray(data[:2]), 2, 2
    while place + 4 <= len(data) and data[place] == 0xFF and 0xE0 <= data[place + 1] <= 0xEF:
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        part = data[place : place + 2 + length]
        if not (part[1] == 0xE1 and part[4:].startswith(_XMP_OF_JPEG)):
            kept += part
            # JFIF and EXIF come first.
            if part[1] == 0xE0 or part[4:].startswith(b"Exif\0"):
                after = len(kept)
        place += 2 + length
    return bytes(kept[:after]) + segment + bytes(kept[after:]) + data[place:]


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Kind, body and the whole chunk of each."""
    found: list[tuple[bytes, bytes, bytes]] = []
    place = 8
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        whole = data[place : place + 12 + length]
        found.append((whole[4:8], whole[8 : 8 + length], whole))
        place += 12 + length
    return found


def _into_png(data: bytes, packet: bytes) -> bytes:
    body = b"iTXt" + _PNG_KEYWORD + packet
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    chunks = [
        whole for kind, text, whole in _png_chunks(data) if not (kind == b"iTXt" and text.startswith(_PNG_KEYWORD))
    ]
    return data[:8] + chunks[0] + chunk + b"".join(chunks[1:])


def _webp_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    place = 12
    while place + 8 <= len(data):
        kind, length = struct.unpack("<4sI", data[place : place + 8])
        found.append((kind, data[place + 8 : place + 8 + length]))
        place += 8 + length + (length & 1)
    return found


def _into_webp(data: bytes, packet: bytes) -> bytes:
    chunks = [(kind, body) for kind, body in _webp_chunks(data) if kind != b"XMP "]
    if chunks[0][0] == b"VP8X":
        head = bytes([chunks[0][1][0] | _XMP_FLAG]) + chunks[0][1][1:]
        chunks = chunks[1:]
    else:
        size = webp_size(data)
        if size is None:
            raise ValueError("no size")
        # In a lossless picture the bit behind both sizes says that there is transparency.
        alpha = _ALPHA if chunks[0][0] == b"VP8L" and chunks[0][1][4] & 0x10 else 0
        sides = (size[0] - 1).to_bytes(3, "little") + (size[1] - 1).to_bytes(3, "little")
        head = bytes([_XMP_FLAG | alpha, 0, 0, 0]) + sides
    parts = [(b"VP8X", head), *chunks, (b"XMP ", packet)]
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(part)) + part + b"\0" * (len(part) & 1) for kind, part in parts
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body
