"""R-ENH 6: after the result was fetched, or its time is over, its bytes are nowhere in the server's memory."""

import io
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zipfile import ZIP_STORED, ZipFile

import pytest

from tests.archives import zipped
from tests.crash.server import CrashingServer
from tests.enhance.server import cleaned, client_of, fetched, sent, sent_archive, serving
from tests.enhance.test_witness import noise, windows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no /proc"),
]
TTL_S = 4.0
CHUNK_BYTES = 64 << 20
WINDOWS = 24


@pytest.fixture
def server(tmp_path: Path, translated_packs: Path) -> Iterator[CrashingServer]:
    home = tmp_path / "home"
    shutil.copytree(translated_packs, home / "cache" / "packs")
    one = serving(home, tmp_path / "server.log", LIANPU_ENHANCE__RESULT_TTL_S=str(TTL_S))
    one.start()
    yield one
    one.stop()


def found_in_memory(pid: int, secrets: list[bytes]) -> set[bytes]:
    """Of these, those that a process has anywhere in what it can write."""
    found: set[bytes] = set()
    folder = Path("/proc") / str(pid)
    try:
        with (folder / "maps").open() as maps, (folder / "mem").open("rb", 0) as memory:
            for line in maps:
                parts = line.split()
                if parts[1].startswith("rw"):
                    start, end = (int(place, 16) for place in parts[0].split("-"))
                    for chunk in _chunks(memory, start, end):
                        found |= {secret for secret in secrets if secret in chunk}
    except PermissionError:
        pytest.skip("the memory of another process may not be read here")
    return found


def _chunks(memory: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    for place in range(start, end, CHUNK_BYTES):
        try:
            memory.seek(place)
            # A little more, for what lies across.
            chunk = memory.read(min(CHUNK_BYTES + 64, end - place))
        except (OSError, ValueError):  # what the system keeps there for itself
            continue
        if chunk.strip(b"\0"):
            yield chunk


def photo_windows(archive: bytes) -> list[bytes]:
    with ZipFile(io.BytesIO(archive)) as packed:
        photos = [packed.read(name) for name in packed.namelist() if name.endswith(".jpg")]
    return [window for photo in photos for window in windows(photo, WINDOWS // len(photos))]


def pid_of(server: CrashingServer) -> int:
    assert server._process is not None
    return server._process.pid


def test_R_ENH_6_the_scan_sees_what_there_is(server: CrashingServer) -> None:
    """A photo that is being worked on is there: the other tests' finding nothing means something."""
    with client_of(server) as client:
        fetched(client, sent(client, noise(0, 100, 80)))
        photo = noise(1, 3000, 2200)
        submitted = sent_archive(
            client, zipped({f"{n}.jpg": photo for n in range(4)}, ZIP_STORED), "a.zip", enhancement_level="2"
        )
        secrets = windows(photo, WINDOWS)
        assert found_in_memory(pid_of(server), secrets)
        client.delete(f"/api/v1/enhance/{submitted['enhancement']['enhancement_id']}")


@pytest.mark.parametrize("kind", ["photo", "batch"])
def test_R_ENH_6_nothing_of_the_result_is_left_once_it_was_fetched(server: CrashingServer, kind: str) -> None:
    with client_of(server) as client:
        fetched(client, sent(client, noise(0, 100, 80)))
        photo = noise(2, 900, 700)
        if kind == "photo":
            submitted = sent(client, photo, enhancement_level="2")
        else:
            files = {f"{number}.jpg": noise(10 + number, 500, 400) for number in range(5)}
            submitted = sent_archive(client, zipped(files), "a.zip", enhancement_level="2")
        result = fetched(client, submitted)
        assert len(result) > 100_000
        # Of a ZIP its photos: names and numbers, of which its end consists, are told by the status too.
        secrets = windows(result, WINDOWS) if kind == "photo" else photo_windows(result)
        told = cleaned(client, submitted)
        assert (told["status"], told["cleaned_by"]) == ("cleaned", "retrieved")
    assert found_in_memory(pid_of(server), secrets) == set()


def test_R_ENH_6_nothing_of_the_result_is_left_once_its_time_is_over(server: CrashingServer) -> None:
    with client_of(server) as client:
        first = fetched(client, sent(client, noise(3, 900, 700), enhancement_level="2"))
        # The same photo again gives the same bytes, which nobody fetches this time.
        submitted = sent(client, noise(3, 900, 700), enhancement_level="2")
        address = f"/api/v1/enhance/{submitted['enhancement']['enhancement_id']}"
        while (told := client.get(address).json()["enhancement"])["status"] == "completed":
            time.sleep(0.2)
        assert told["cleaned_by"] == "expired"
    assert found_in_memory(pid_of(server), windows(first, WINDOWS)) == set()
