"""R-SWP 4: labels put on, read back, and what of them a change leaves."""

import io
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage
from PIL import PngImagePlugin

from lianpu.engines.image import ImageLimits, decode_image, encode_jpeg, encode_photo, encode_png
from lianpu.engines.image_header import ImageFormat
from lianpu.engines.lettering import Lettering
from lianpu.engines.provenance.labelling import Labeller, Photo
from lianpu.engines.provenance.manifest import ManifestSigner
from lianpu.engines.provenance.metadata import packet_in, packet_in_mp4, read_metadata, with_origin
from lianpu.engines.provenance.origin import LABEL_TEXT, DigitalSource, LabelKind, Origin
from lianpu.engines.provenance.signing_key import SigningCredentials, make_credentials, read_credentials
from lianpu.engines.provenance.verification import Conclusion, ProvenanceReport, Verifier
from lianpu.engines.provenance.visible_label import FOUND_LEAST, LEAST_SHARE, VisibleLabel
from lianpu.errors import LabellingError, LianpuError, SigningKeyError

ORIGIN = Origin(DigitalSource.SWAP, 0x0123456789ABCDEF, 'Käse & "Söhne" 张三', "landmark", "1.2.3")
FORMATS = (ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP)
ALL = set(LabelKind)


def no_video(source: Path, target: Path, paint: object) -> None:
    raise AssertionError("photos alone")


@pytest.fixture(scope="module")
def credentials() -> SigningCredentials:
    return make_credentials("Test & Co", datetime.now(UTC))


@pytest.fixture(scope="module")
def labeller(credentials: SigningCredentials) -> Labeller:
    return Labeller(lambda: ManifestSigner(credentials), no_video)


@pytest.fixture(scope="module")
def verify(
    credentials: SigningCredentials, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[bytes], ProvenanceReport]:
    verifier, path = Verifier(credentials.anchor, ImageLimits()), tmp_path_factory.mktemp("verify") / "file"

    def verified(data: bytes) -> ProvenanceReport:
        path.write_bytes(data)
        return verifier.verify(path)

    return verified


@pytest.fixture(scope="module", params=FORMATS)
def labelled(
    request: pytest.FixtureRequest,
    labeller: Labeller,
    astronaut_photo: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[ImageFormat, bytes]:
    image_format: ImageFormat = request.param
    target = tmp_path_factory.mktemp("labelled") / "out"
    made = labeller.label(Photo(decode_image(astronaut_photo).pixels, image_format), target, ORIGIN, visible=True)
    assert set(made.labels) == ALL
    assert made.media_type == image_format.media_type
    assert [path.name for path in target.parent.iterdir()] == ["out"]
    return image_format, target.read_bytes()


def test_R_SWP_4_every_label_of_an_untouched_photo_is_read_back(
    labelled: tuple[ImageFormat, bytes], verify: Callable[[bytes], ProvenanceReport]
) -> None:
    report = verify(labelled[1])
    assert (report.conclusion, set(report.survived)) == (Conclusion.INTACT, ALL)
    assert report.marks == [ORIGIN.mark]
    assert report.digital_source is DigitalSource.SWAP
    assert report.metadata.digital_source == DigitalSource.SWAP.uri
    assert report.metadata.aigc == {
        "Label": "1",
        "ContentProducer": ORIGIN.producer,
        "ProduceID": "0123456789abcdef",
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }
    assert report.manifest is not None
    assert (report.manifest.issuer, report.manifest.generator) == ("Test & Co", "Lianpu")


def test_R_SWP_4_a_picture_saved_anew_keeps_what_is_in_its_pixels(
    labelled: tuple[ImageFormat, bytes], verify: Callable[[bytes], ProvenanceReport]
) -> None:
    pixels = decode_image(labelled[1]).pixels
    half = np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    for data in (encode_jpeg(pixels, 70), encode_png(pixels), encode_jpeg(half, 85)):
        report = verify(data)
        assert report.conclusion is Conclusion.ALTERED
        assert set(report.survived) == {LabelKind.VISIBLE, LabelKind.WATERMARK}
        assert report.marks == [ORIGIN.mark]


def test_R_SWP_4_a_changed_bit_breaks_the_signature_and_is_told(
    labelled: tuple[ImageFormat, bytes], verify: Callable[[bytes], ProvenanceReport]
) -> None:
    image_format, data = labelled
    if image_format is ImageFormat.PNG:
        # A bit inside of a PNG makes it unreadable: another chunk is put before its end instead.
        changed = data[:-12] + _png_text() + data[-12:]
    else:
        broken = bytearray(data)
        broken[len(broken) // 3] ^= 0x10
        changed = bytes(broken)
    report = verify(changed)
    assert report.conclusion is Conclusion.ALTERED
    assert report.manifest is not None
    assert (report.manifest.is_valid, report.manifest.is_trusted) == (False, False)
    assert "assertion.dataHash.mismatch" in report.manifest.problems
    assert LabelKind.C2PA not in report.survived
    assert LabelKind.WATERMARK in report.survived


def test_R_SWP_4_a_signature_of_somebody_else_is_valid_and_not_trusted(
    labelled: tuple[ImageFormat, bytes], tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(labelled[1])
    other = make_credentials("Somebody else", datetime.now(UTC))
    report = Verifier(other.anchor, ImageLimits()).verify(tmp_path / "f")
    assert report.conclusion is Conclusion.SIGNED
    assert report.manifest is not None
    assert (report.manifest.is_valid, report.manifest.is_trusted) == (True, False)


def test_R_SWP_4_the_manifest_holds_no_picture_of_what_was_before(
    labelled: tuple[ImageFormat, bytes], astronaut_photo: bytes
) -> None:
    data = labelled[1]
    place = data.find(b"c2pa")
    assert place > 0
    assert b"c2pa.thumbnail" not in data
    plain = encode_photo(decode_image(astronaut_photo).pixels, labelled[0], 93)
    assert len(data) < 1.35 * len(plain) + 20_000


def test_R_SWP_4_what_has_no_label_says_nothing(
    astronaut_photo: bytes, verify: Callable[[bytes], ProvenanceReport]
) -> None:
    report = verify(astronaut_photo)
    assert (report.conclusion, report.survived, report.marks) == (Conclusion.UNLABELLED, [], [])


def test_R_SWP_4_no_file_is_left_where_a_label_cannot_be_put_on(astronaut_photo: bytes, tmp_path: Path) -> None:
    def no_key() -> ManifestSigner:
        raise SigningKeyError("no key")

    pixels = decode_image(astronaut_photo).pixels
    with pytest.raises(SigningKeyError):
        Labeller(no_key, no_video).label(Photo(pixels, ImageFormat.JPEG), tmp_path / "out", ORIGIN, visible=True)
    tiny = Photo(np.zeros((100, 300, 3), np.uint8), ImageFormat.JPEG)
    with pytest.raises(LabellingError, match="no room"):
        Labeller(no_key, no_video).label(tiny, tmp_path / "out", ORIGIN, visible=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [(160, 200), (512, 300), (720, 1280), (1000, 700), (3000, 2000)])
def test_R_SWP_4_letters_of_the_visible_label_have_a_twentieth_of_the_shorter_side(size: tuple[int, int]) -> None:
    grey = np.full((*size, 3), 100, np.uint8)
    drawn = VisibleLabel().draw(grey)
    rows, columns = np.nonzero((drawn > 140).all(axis=2))
    # The text's first letter is a capital: up to the first empty column.
    filled = np.unique(columns)
    first = filled[: np.argmax(np.diff(filled) > 1) + 1]
    heights = rows[np.isin(columns, first)]
    assert heights.max() - heights.min() + 1 >= LEAST_SHARE * min(size) - 1
    assert VisibleLabel().find(drawn) >= FOUND_LEAST
    assert columns.max() < size[1]
    assert Lettering(fonts=()).can_draw(LABEL_TEXT)


@pytest.mark.parametrize("image_format", FORMATS)
def test_R_SWP_4_metadata_touches_no_pixel_and_keeps_what_was_there(
    image_format: ImageFormat, astronaut_photo: bytes
) -> None:
    picture, file = PillowImage.open(io.BytesIO(astronaut_photo)).convert("RGBA"), io.BytesIO()
    picture.putalpha(200)
    earlier = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="a camera"/>'
        b"</rdf:RDF></x:xmpmeta>"
    )
    if image_format is ImageFormat.PNG:
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", earlier.decode())
        picture.save(file, "PNG", pnginfo=info)
    elif image_format is ImageFormat.WEBP:
        picture.save(file, "WEBP", xmp=earlier)
    else:
        exif = PillowImage.Exif()
        exif[0x010E] = "described"
        picture.convert("RGB").save(file, "JPEG", xmp=earlier, exif=exif, icc_profile=b"a profile")
    data = file.getvalue()
    marked = with_origin(data, image_format, ORIGIN)
    assert np.array_equal(decode_image(marked).pixels, decode_image(data).pixels)
    packet = packet_in(marked, image_format)
    assert packet is not None
    assert b"a camera" in packet
    assert read_metadata(packet).digital_source == DigitalSource.SWAP.uri
    with PillowImage.open(io.BytesIO(marked)) as opened:
        opened.load()
        assert opened.size == picture.size
        if image_format is ImageFormat.JPEG:
            assert opened.getexif()[0x010E] == "described"
            assert opened.info["icc_profile"] == b"a profile"
        else:
            assert "A" in opened.mode
        assert "DigitalSourceType" in str(opened.info.get("xmp") or opened.info.get("XML:com.adobe.xmp"))


def test_R_SWP_4_enhancing_a_labelled_photo_does_not_make_it_say_less(
    labeller: Labeller, astronaut_photo: bytes, verify: Callable[[bytes], ProvenanceReport]
) -> None:
    enhancement = Origin(DigitalSource.ENHANCEMENT, 7, "Lianpu", "gfpgan", "1.4")
    plain = encode_jpeg(decode_image(astronaut_photo).pixels, 90)
    enhanced, labels = labeller.enhanced(plain, enhancement)
    assert set(labels) == {LabelKind.XMP, LabelKind.AIGC, LabelKind.C2PA}
    assert np.array_equal(decode_image(enhanced).pixels, decode_image(plain).pixels)
    report = verify(enhanced)
    assert (report.conclusion, report.digital_source) == (Conclusion.INTACT, DigitalSource.ENHANCEMENT)
    swapped = with_origin(plain, ImageFormat.JPEG, ORIGIN)
    again, _ = labeller.enhanced(swapped, enhancement)
    assert read_metadata(packet_in(again, ImageFormat.JPEG)).digital_source == DigitalSource.SWAP.uri


@settings(deadline=None, max_examples=200)
@given(data=st.binary(max_size=400), image_format=st.sampled_from(FORMATS), framed=st.booleans())
def test_R_SWP_4_any_bytes_have_metadata_or_none(data: bytes, image_format: ImageFormat, framed: bool) -> None:
    begin = {
        ImageFormat.JPEG: b"\xff\xd8\xff\xe1",
        ImageFormat.PNG: b"\x89PNG\r\n\x1a\n",
        ImageFormat.WEBP: b"RIFF\0\0\0\0WEBP",
    }[image_format]
    content = begin + data if framed else data
    read_metadata(packet_in(content, image_format))
    packet_in_mp4(io.BytesIO(content))
    try:
        with_origin(content, image_format, ORIGIN)
    except LianpuError:
        return


@settings(deadline=None, max_examples=100)
@given(text=st.text(max_size=200), name=st.sampled_from(["DigitalSourceType", "AIGC"]))
def test_R_SWP_4_any_packet_is_read_or_not(text: str, name: str) -> None:
    read_metadata(text.encode("utf-8", "surrogatepass"))
    packet = f"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>{text}<{name}/></rdf:RDF>"
    read_metadata(packet.encode("utf-8", "surrogatepass"))


def test_R_SWP_4_entities_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><a>&d;</a>'
    assert read_metadata(bomb).digital_source is None
    assert read_metadata(None).aigc is None


def test_R_SWP_4_keys_that_do_not_fit_are_refused(credentials: SigningCredentials) -> None:
    other = make_credentials("other", datetime.now(UTC))
    over = make_credentials("over", datetime.now(UTC) - timedelta(days=4000))
    assert read_credentials(credentials.key, credentials.chain) == credentials
    for key, chain, what in (
        (other.key, credentials.chain, "another key"),
        (over.key, over.chain, "was good until"),
        (b"nonsense", credentials.chain, "cannot be read"),
        (credentials.key, b"nonsense", "cannot be read"),
    ):
        with pytest.raises(SigningKeyError, match=what):
            read_credentials(key, chain)
    # A file that holds both gives no key away.
    both = credentials.key + credentials.chain
    assert b"PRIVATE" not in read_credentials(both, both).chain


def _png_text() -> bytes:
    body = b"tEXta\0b"
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
