"""An archive is read whole and unchanged from a trusted key, or not at all."""

import json
import random
import stat
import zipfile
from pathlib import Path

import pytest

from lianpu.engines.image import ImageLimits, encode_png
from lianpu.errors import (
    ArchiveDamagedError,
    ArchivePassphraseError,
    ArchiveUntrustedError,
    ArchiveVersionError,
    InvalidInputError,
)
from lianpu.gallery.transfer import encryption
from lianpu.gallery.transfer.encryption import CHUNK_BYTES, ArchiveKey, decrypt, encrypt, is_encrypted
from lianpu.gallery.transfer.reading import Archive, ArchivedPerson
from lianpu.gallery.transfer.signing import SigningKey
from tests.gallery.archives import (
    Change,
    Entries,
    entries_of,
    in_json,
    renamed,
    with_number,
    with_value,
    write_archive,
)

SMALL = ImageLimits(max_pixels=1000, max_side_px=100)


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey(tmp_path / "keys" / "signing.pem")


@pytest.fixture
def entries(key: SigningKey) -> Entries:
    return entries_of(key)


def read(path: Path, *trusted: str) -> list[ArchivedPerson]:
    archive = Archive(path, trusted)
    try:
        return list(archive.checked_people(SMALL))
    finally:
        archive.close()


def test_R_LIB_12_whole_archive_is_read(tmp_path: Path, key: SigningKey, entries: Entries) -> None:
    people = read(write_archive(tmp_path / "a.zip", key, entries), key.fingerprint)
    assert [person.line.person_id for person in people] == ["p0", "p1", "p2"]
    assert [len(person.images) for person in people] == [2, 2, 2]
    assert all(len(image.embeddings) == 1 for person in people for image in person.images)


def test_R_LIB_12_signing_key_is_the_owners_alone_and_stays(tmp_path: Path, key: SigningKey) -> None:
    fingerprint = key.fingerprint
    assert stat.S_IMODE((tmp_path / "keys" / "signing.pem").stat().st_mode) == 0o600
    assert SigningKey(tmp_path / "keys" / "signing.pem").fingerprint == fingerprint


def test_R_LIB_12_any_changed_byte_is_refused(tmp_path: Path, key: SigningKey, entries: Entries) -> None:
    path = write_archive(tmp_path / "a.zip", key, entries)
    whole = path.read_bytes()
    chosen = random.Random(12)
    # The zip's own lists and the signature are at the end.
    lists = range(len(whole) - 1500, len(whole))
    places = [*chosen.sample(range(lists.start), 150), *chosen.sample(lists, 350)]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << chosen.randrange(8)
        path.write_bytes(changed)
        with pytest.raises((ArchiveDamagedError, ArchiveUntrustedError, ArchiveVersionError)):
            Archive(path, [key.fingerprint])


def test_R_LIB_12_cut_or_extended_archive_is_refused(tmp_path: Path, key: SigningKey, entries: Entries) -> None:
    path = write_archive(tmp_path / "a.zip", key, entries)
    whole = path.read_bytes()
    for length in [0, 1, 21, *random.Random(1).sample(range(len(whole)), 50), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ArchiveDamagedError):
            Archive(path, [key.fingerprint])
    path.write_bytes(whole + b"\0")
    with pytest.raises((ArchiveDamagedError, ArchiveUntrustedError)):
        Archive(path, [key.fingerprint])


def test_R_LIB_12_foreign_archive_is_refused_and_names_its_signer(
    tmp_path: Path, key: SigningKey, entries: Entries
) -> None:
    other = SigningKey(tmp_path / "other.pem")
    path = write_archive(tmp_path / "a.zip", key, entries)
    with pytest.raises(ArchiveUntrustedError) as refused:
        Archive(path, [other.fingerprint])
    assert refused.value.context == {"fingerprint": key.fingerprint}
    assert len(read(path, other.fingerprint, key.fingerprint)) == 3


def test_R_LIB_12_repacked_archive_is_refused(tmp_path: Path, key: SigningKey, entries: Entries) -> None:
    signed = write_archive(tmp_path / "a.zip", key, entries)
    comment = zipfile.ZipFile(signed).comment
    forged = {**entries, "persons.jsonl": entries["persons.jsonl"].replace(b"p0", b"p9")}
    for kept, error in ((b"", ArchiveUntrustedError), (comment, ArchiveDamagedError)):
        with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
            for name, data in forged.items():
                archive.writestr(name, data)
            archive.comment = kept
        with pytest.raises(error):
            Archive(tmp_path / "b.zip", [key.fingerprint])


def test_R_LIB_12_archive_of_another_version_is_refused(tmp_path: Path, key: SigningKey, entries: Entries) -> None:
    with_value("manifest.json", format_version=2)(entries)
    path = write_archive(tmp_path / "a.zip", key, entries)
    with pytest.raises(ArchiveVersionError, match="format 2"):
        Archive(path, [key.fingerprint])
    path.write_bytes(path.read_bytes().replace(b"lianpu-archive/1", b"lianpu-archive/2"))
    with pytest.raises(ArchiveVersionError, match="format 2"):
        Archive(path, [key.fingerprint])


def _photo_too_large(entries: Entries) -> None:
    import hashlib

    import numpy as np

    data = encode_png(np.zeros((200, 10, 3), np.uint8))
    name = next(entry for entry in entries if entry.startswith("images/"))
    entries[name] = data
    values = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data), "width": 10, "height": 200}
    with_value("images.jsonl", **values)(entries)


def _photo_of_another(entries: Entries) -> None:
    first, second = [entry for entry in entries if entry.startswith("images/")][:2]
    entries[first] = entries[second]


def _twice(name: str) -> Change:
    def apply(entries: Entries) -> None:
        lines = entries[name].splitlines(keepends=True)
        entries[name] = b"".join([lines[0], *lines])

    return apply


def _reversed(name: str) -> Change:
    def apply(entries: Entries) -> None:
        entries[name] = b"".join(reversed(entries[name].splitlines(keepends=True)))

    return apply


def _without(prefix: str) -> Change:
    def apply(entries: Entries) -> None:
        del entries[next(entry for entry in entries if entry.startswith(prefix))]

    return apply


def _pack(**values: object) -> Change:
    return in_json("manifest.json", lambda manifest: manifest["packs"][0].update(values))


EVIL: dict[str, Change] = {
    "path that leaves the archive": renamed("images/", "images/../../../etc/cron.d/x.png"),
    "absolute path": renamed("images/", "/etc/passwd"),
    "entry that no export writes": lambda entries: entries.update({"run.sh": b"rm"}),
    "image without photo": _without("images/"),
    "no persons": _without("persons.jsonl"),
    "pack name with a path": _pack(name="../../alpha"),
    "pack twice": in_json("manifest.json", lambda manifest: manifest["packs"].append(manifest["packs"][0])),
    "dimension that does not fit": _pack(dimension=16),
    "vectors cut off": lambda entries: entries.update(
        {"embeddings/alpha@1.f32": entries["embeddings/alpha@1.f32"][:-4]}
    ),
    "NaN": with_number(float("nan")),
    "infinity": with_number(float("inf")),
    "gallery of another key": with_value("manifest.json", gallery_id="f" * 64),
    "too few persons": with_value("manifest.json", persons=4),
    "too few images": with_value("manifest.json", images=7),
    "manifest that is none": lambda entries: entries.update({"manifest.json": b"[]"}),
    "deep JSON": lambda entries: entries.update({"manifest.json": b'{"a":' * 5000 + b"1" + b"}" * 5000}),
    "person id with a slash": with_value("persons.jsonl", person_id="a/b"),
    "person without name": with_value("persons.jsonl", name=" "),
    "control character in a name": with_value("persons.jsonl", name="a\u0000b"),
    "metadata too large": with_value("persons.jsonl", metadata={"a": "x" * 20_000}),
    "metadata with infinity": in_json("persons.jsonl", lambda line: line["metadata"].update(a=1e400)),
    "threshold out of range": with_value("persons.jsonl", threshold=1.5),
    "moment without zone": with_value("persons.jsonl", created_at="2026-11-22T10:00:00"),
    "moment beyond the calendar": with_value("persons.jsonl", created_at="9999-12-31T23:59:59-10:00"),
    "unknown field": with_value("persons.jsonl", role="admin"),
    "person twice": _twice("persons.jsonl"),
    "images out of order": _reversed("images.jsonl"),
    "embeddings out of order": _reversed("embeddings/alpha@1.jsonl"),
    "image of nobody": with_value("images.jsonl", person_id="nobody"),
    "image twice": _twice("images.jsonl"),
    "image id with a path": with_value("images.jsonl", image_id="../../x"),
    "two primary images": in_json("images.jsonl", lambda line: line.update(is_primary=False)),
    "format that is none": with_value("images.jsonl", format="exe"),
    "other format": with_value("images.jsonl", format="jpeg"),
    "other digest": with_value("images.jsonl", sha256="0" * 64),
    "other size": with_value("images.jsonl", width=11),
    "box with NaN": with_value("images.jsonl", box=[0.0, 0.0, float("nan"), 1.0]),
    "quality with infinity": in_json("images.jsonl", lambda line: line["quality"].update(overall=1e400)),
    "photo too large": _photo_too_large,
    "photo of another": _photo_of_another,
    "line without end": lambda entries: entries.update({"persons.jsonl": entries["persons.jsonl"][:-1]}),
    "endless line": lambda entries: entries.update({"persons.jsonl": b"x" * 400_000 + b"\n"}),
    "line that is no UTF-8": lambda entries: entries.update({"persons.jsonl": b"\xff\xfe\n"}),
    "checksum of another": lambda entries: entries.update({"checksums.sha256": b"0" * 64 + b"  persons.jsonl\n"}),
}


@pytest.mark.parametrize("change", EVIL.values(), ids=EVIL.keys())
def test_R_LIB_12_what_no_gallery_holds_is_refused_from_trusted_keys_too(
    tmp_path: Path, key: SigningKey, entries: Entries, change: Change
) -> None:
    change(entries)
    path = write_archive(tmp_path / "a.zip", key, entries)
    with pytest.raises(ArchiveDamagedError):
        read(path, key.fingerprint)


def test_R_LIB_12_bombs_are_refused_before_they_are_opened(tmp_path: Path, key: SigningKey, entries: Entries) -> None:
    packed = write_archive(tmp_path / "a.zip", key, entries, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ArchiveDamagedError, match="compressed"):
        Archive(packed, [key.fingerprint])
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", b"x" * 5000)
        # Many names for the same bytes.
        first = archive.infolist()[0]
        for number in range(50):
            copy = zipfile.ZipInfo(f"images/{number}")
            for field in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(copy, field, getattr(first, field))
            archive.filelist.append(copy)
        archive.comment = key.comment_placeholder()
        archive._didModify = True  # type: ignore[attr-defined]
    key.sign(path)
    with pytest.raises(ArchiveDamagedError, match="overlap"):
        Archive(path, [key.fingerprint])


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    folder = tmp_path_factory.mktemp("sealed")
    plain = random.Random(3).randbytes(2 * CHUNK_BYTES + 100)
    (folder / "plain").write_bytes(plain)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encryption, "LOG2_N", 10)  # as costly as it is meant to be, each guess takes half a second
        key = ArchiveKey.new("correct horse battery")
    encrypt(folder / "plain", folder / "sealed", key)
    return plain, (folder / "sealed").read_bytes()


def test_R_LIB_12_encrypted_archive_opens_with_its_passphrase_alone(
    tmp_path: Path, sealed: tuple[bytes, bytes]
) -> None:
    plain, content = sealed
    (tmp_path / "sealed").write_bytes(content)
    assert is_encrypted(tmp_path / "sealed")
    decrypt(tmp_path / "sealed", tmp_path / "plain", "correct horse battery")
    assert (tmp_path / "plain").read_bytes() == plain
    for wrong in (None, "", "correct horse battery "):
        with pytest.raises(ArchivePassphraseError):
            decrypt(tmp_path / "sealed", tmp_path / "other", wrong)
    assert not (tmp_path / "other").exists()


def test_R_LIB_12_encrypted_archive_that_was_changed_is_refused(tmp_path: Path, sealed: tuple[bytes, bytes]) -> None:
    _, content = sealed
    header, step = 34, CHUNK_BYTES + 16
    chunks = [content[header + start : header + start + step] for start in range(0, len(content) - header, step)]
    assert len(chunks) == 3
    flipped = bytearray(content)
    flipped[-20] ^= 1
    changed = {
        "flipped bit": bytes(flipped),
        "last chunk gone": content[:header] + chunks[0] + chunks[1],
        "cut inside a chunk": content[:-50],
        "chunks swapped": content[:header] + chunks[1] + chunks[0] + chunks[2],
        "more at the end": content + b"\0",
        "other cost": content[:8] + bytes((9,)) + content[9:],
        "hungry": content[:8] + bytes((40,)) + content[9:],
        "header alone": content[:header],
        "less than a header": content[:20],
    }
    for what, data in changed.items():
        (tmp_path / "sealed").write_bytes(data)
        with pytest.raises(InvalidInputError) as refused:
            decrypt(tmp_path / "sealed", tmp_path / "plain", "correct horse battery")
        assert isinstance(refused.value, ArchiveDamagedError | ArchivePassphraseError), what
        assert not (tmp_path / "plain").exists(), what


def test_R_LIB_12_archive_is_a_zip_that_other_programs_can_check(
    tmp_path: Path, key: SigningKey, entries: Entries
) -> None:
    path = write_archive(tmp_path / "a.zip", key, entries)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("manifest.json"))["format"] == "lianpu-gallery"
