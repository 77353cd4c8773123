"""`lianpu gallery export|import|key|check`: through the API, with reports for people and exit statuses for scripts."""

import json
import zipfile
from pathlib import Path

import pytest

from lianpu.gallery.transfer.signing import SigningKey
from tests.cli.conftest import Lianpu
from tests.gallery.archives import entries_of, write_archive


@pytest.mark.slow
def test_R_LIB_12_archive_is_examined_taken_in_checked_and_written_again(
    lianpu: Lianpu, home: Path, tmp_path: Path
) -> None:
    at = ("--home", home)
    other = SigningKey(tmp_path / "other.pem")
    archive = write_archive(tmp_path / "people.zip", other, entries_of(other))

    refused = lianpu("gallery", "import", archive, "--yes", *at)
    assert (refused.code, "archive_untrusted" in refused.err, other.fingerprint in refused.err) == (1, True, True)
    trust = ("--trust", other.fingerprint)
    dry = lianpu("gallery", "import", archive, "--dry-run", "--json", *trust, *at)
    assert (dry.code, json.loads(dry.out)["persons"]["added"]) == (0, 3)
    done = lianpu("gallery", "import", archive, "--yes", *trust, *at)
    assert done.code == 0
    assert "3 persons would be added" in done.out
    assert "3 persons were added" in done.out
    assert "6 embeddings of alpha@1 are left out: the pack is not installed here" in done.out

    clean = lianpu("gallery", "check", *at)
    assert (clean.code, "database, files and indexes agree" in clean.out) == (0, True)
    next(home.glob("gallery/*/*.thumbnail.jpeg")).unlink()
    broken = lianpu("gallery", "check", "--quick", *at)
    assert (broken.code, "1 findings, 0 repaired, 1 remain" in broken.out) == (1, True)
    mended = lianpu("gallery", "check", "--repair", "--json", *at)
    assert (mended.code, json.loads(mended.out)["counts"]) == (0, {"thumbnail_missing": 1})

    target = tmp_path / "again.zip"
    written = lianpu("gallery", "export", target, "--person", "p1", *at)
    assert written.code == 0, written.err
    assert lianpu("gallery", "key", *at).out.strip() in written.out
    with zipfile.ZipFile(target) as content:
        assert json.loads(content.read("persons.jsonl"))["person_id"] == "p1"
    assert lianpu("gallery", "export", target, *at).code == 1, "a file that is there is not overwritten"
