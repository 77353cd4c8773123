"""R-SWP 4 from the command line: which labels a file carries, in words, in JSON and as an exit status."""

import json
from pathlib import Path

import pytest

from lianpu.engines.image import ImageFormat, decode_image, encode_png
from lianpu.engines.provenance.labelling import Labeller, Photo
from lianpu.engines.provenance.origin import DigitalSource, Origin
from lianpu.provenance.keys import ProvenanceKey
from tests.cli.conftest import Lianpu

ORIGIN = Origin(DigitalSource.SWAP, 0x0BADCAFE12345678, "Lianpu", "landmark", "1")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """No pack is needed here."""
    return tmp_path / "home"


@pytest.fixture
def labelled(home: Path, tmp_path: Path, astronaut_photo: bytes) -> Path:
    """Signed with the key of the home, which it makes."""
    key = ProvenanceKey(home / "keys", "Lianpu", key=None, certificates=None)
    target = tmp_path / "swapped.jpg"
    pixels = decode_image(astronaut_photo).pixels
    Labeller(key.signer, _no_video).label(Photo(pixels, ImageFormat.JPEG), target, ORIGIN, visible=True)
    return target


def test_R_SWP_4_an_untouched_file_is_intact(lianpu: Lianpu, home: Path, labelled: Path) -> None:
    done = lianpu("provenance", "verify", labelled, "--home", home)
    assert (done.code, done.out.splitlines()[0]) == (0, "swapped.jpg: intact")
    assert "compositeWithTrainedAlgorithmicMedia" in done.out
    assert "signed by Lianpu" in done.out
    assert "0badcafe12345678: not given out by this installation" in done.out
    shown = json.loads(lianpu("provenance", "verify", labelled, "--json", "--home", home).out)
    assert sorted(shown["survived"]) == ["aigc", "c2pa", "visible", "watermark", "xmp"]


def test_R_SWP_4_what_was_saved_anew_is_altered_and_what_never_was_labelled_is_not(
    lianpu: Lianpu, home: Path, labelled: Path, tmp_path: Path, astronaut_photo: bytes
) -> None:
    again, plain = tmp_path / "again.png", tmp_path / "plain.png"
    again.write_bytes(encode_png(decode_image(labelled.read_bytes()).pixels))
    plain.write_bytes(astronaut_photo)
    altered = lianpu("provenance", "verify", again, "--home", home)
    assert (altered.code, altered.out.splitlines()[0]) == (3, "again.png: altered")
    unlabelled = lianpu("provenance", "verify", plain, "--home", home)
    assert (unlabelled.code, unlabelled.out.splitlines()[0]) == (4, "plain.png: unlabelled")
    text = tmp_path / "notes.txt"
    text.write_text("no picture at all")
    refused = lianpu("provenance", "verify", text, "--home", home)
    assert (refused.code, "video_damaged" in refused.err) == (1, True)


def test_R_SWP_4_the_key_is_for_its_owners_eyes_alone_and_one_of_the_operators_own_is_used(
    home: Path, tmp_path: Path, labelled: Path
) -> None:
    made = home / "keys" / "provenance.pem"
    assert made.stat().st_mode & 0o777 == 0o600
    made.chmod(0o644)
    assert ProvenanceKey(home / "keys", "Lianpu", key=None, certificates=None).credentials.key
    assert made.stat().st_mode & 0o777 == 0o600
    other = ProvenanceKey(tmp_path / "keys", "Somebody", key=made, certificates=made).credentials
    assert other.chain in made.read_bytes()
    assert b"PRIVATE" not in labelled.read_bytes()


def _no_video(*_: object) -> None:
    raise AssertionError("photos alone")
