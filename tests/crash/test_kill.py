"""kill -9 at random moments of what takes long: afterwards all is done once, and database, files and index agree."""

import hashlib
import io
import os
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lianpu.gallery.transfer.signing import SigningKey
from lianpu.gallery.transfer.weights import weights_digest
from lianpu.packs.install import import_pack
from lianpu.packs.manifest import PackManifest
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.crash.server import CrashingServer
from tests.gallery.archives import Pack, Photo, entries_of, write_archive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
# How often each job is interrupted; for a release: CRASH_KILLS=10 CRASH_IMAGES=500 pytest -m slow tests/crash
KILLS = int(os.environ.get("CRASH_KILLS", "3"))
SEED = int(os.environ.get("CRASH_SEED", "9"))
IMAGES = int(os.environ.get("CRASH_IMAGES", "200"))
DIMENSION = 128
FACE = (78.0, 66.0, 172.0, 188.0)
"""Where LFW's photos have it."""
ENVIRONMENT = {
    "LIANPU_PACKS__DEFAULT": "kit",
    "LIANPU_JOBS__MAX_ATTEMPTS": "50",
    "LIANPU_LOGGING__FORMAT": "json",
    "LIANPU_CONFLICTS__MODE": "off",
}

Photos = list[tuple[str, bytes]]
"""(person's name, JPEG)"""


@pytest.fixture(scope="module")
def photos(testkit: Path) -> Photos:
    with zipfile.ZipFile(testkit / "images" / "lfw_view2.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))[:IMAGES]
        return [(name.rpartition("/")[0].rpartition("/")[2], archive.read(name)) for name in names]


@pytest.fixture
def home(tmp_path: Path, testkit: Path) -> tuple[Path, dict[str, PackManifest]]:
    """With two packs of the same dimension whose embeddings must not be compared."""
    sessions = OnnxSessionFactory(threads=1)
    packs = {
        name: import_pack(
            None,
            tmp_path / "home" / "packs",
            sessions,
            name=name,
            detector=str(testkit / "models/detection/scrfd_2.5g_bnkps.onnx"),
            embedder=str(testkit / f"models/recognition/mobilefacenet_{network}.onnx"),
            accept_licence=True,
        ).manifest
        for name, network in (("kit", "foamliu_arc"), ("other", "insightface_y1"))
    }
    return tmp_path / "home", packs


@pytest.fixture
def server(home: tuple[Path, dict[str, PackManifest]], tmp_path: Path) -> Iterator[CrashingServer]:
    one = CrashingServer(home[0], ENVIRONMENT, tmp_path / "server.log")
    one.start()
    yield one
    one.stop()


@pytest.fixture
def archive(home: tuple[Path, dict[str, PackManifest]], photos: Photos, tmp_path: Path) -> bytes:
    """The photos as an archive of this very installation, with random embeddings of the pack `kit`."""
    folder, packs = home
    key = SigningKey(folder / "keys" / "signing.pem")
    kit = packs["kit"]
    pack = Pack(kit.name, kit.version, DIMENSION, weights_digest(kit) or "")
    entries = entries_of(key, [Photo(name, data, "jpeg", (250, 250), FACE) for name, data in photos], pack)
    return write_archive(tmp_path / "archive.zip", key, entries).read_bytes()


def test_R_LIB_12_import_survives_kill_9(server: CrashingServer, archive: bytes, photos: Photos) -> None:
    job_id = _import(server, archive)
    # Half of the steps are the examination before anything is taken in.
    persons = len({name for name, _ in photos})
    job = server.complete(job_id, 2 * persons, kills=KILLS, seed=SEED)
    assert (job["status"], job["items"]) == ("completed", {"added": persons}), job
    assert len(server.kills) == KILLS
    assert job["attempts"] > KILLS
    assert sorted(item["position"] for item in server.items(job_id)) == list(range(persons))
    _assert_whole(server, photos, {"kit": len(photos)})


def test_R_LIB_5_bulk_enrolment_survives_kill_9(server: CrashingServer, photos: Photos) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as upload:
        for number, (name, data) in enumerate(photos):
            upload.writestr(f"{name}/{number:03}.jpg", data)
    path = "/api/v1/faces/batch?face_selection=largest"
    headers = {"Content-Type": "application/zip", "Idempotency-Key": "the one"}
    job_id = server.call("POST", path, packed.getvalue(), headers)["job"]["job_id"]
    job = server.complete(job_id, len(photos), kills=KILLS, seed=SEED + 2)
    assert job["status"] == "completed", job
    assert len(server.kills) == KILLS
    assert job["attempts"] > KILLS
    items = server.items(job_id)
    assert sorted(item["position"] for item in items) == list(range(len(photos)))
    failed = [item["name"] for item in items if item["status"] != "enrolled"]
    assert len(failed) < len(photos) / 50, failed
    kept = [photo for number, photo in enumerate(photos) if f"{photo[0]}/{number:03}.jpg" not in failed]
    _assert_whole(server, kept, {"kit": len(kept)})
    assert server.call("POST", path, packed.getvalue(), headers)["job"]["job_id"] == job_id


def test_R_LIB_5_reembedding_survives_kill_9(server: CrashingServer, archive: bytes, photos: Photos) -> None:
    server.complete(_import(server, archive), 0, kills=0, seed=0)
    job_id = server.call("POST", "/api/v1/gallery/reembed", pack="other")["job"]["job_id"]
    job = server.complete(job_id, len(photos), kills=KILLS, seed=SEED + 1)
    assert job["status"] == "completed", job
    assert len(server.kills) == KILLS
    failed = job["result"]["failed"]
    assert failed < len(photos) / 10
    _assert_whole(server, photos, {"kit": len(photos), "other": len(photos) - failed})


def _import(server: CrashingServer, archive: bytes) -> str:
    headers = {"Content-Type": "application/zip"}
    return server.call("POST", "/api/v1/gallery/import", archive, headers)["job"]["job_id"]


def _assert_whole(server: CrashingServer, photos: Photos, embeddings: dict[str, int]) -> None:
    result = server.check()
    assert result["is_clean"], result
    assert result["looked_at"]["images"] == len(photos)
    assert result["looked_at"]["files"] == 2 * len(photos)
    assert not list((server.home / "unfinished").glob("*"))
    with sqlite3.connect(server.home / "lianpu.db") as database:
        stored = database.execute("SELECT sha256 FROM person_images").fetchall()
        rows = database.execute("SELECT pack, image_id FROM face_embeddings").fetchall()
    database.close()
    assert Counter(sha256 for (sha256,) in stored) == Counter(hashlib.sha256(data).hexdigest() for _, data in photos)
    assert Counter(pack for pack, _ in rows) == embeddings
    assert len(set(rows)) == len(rows)
