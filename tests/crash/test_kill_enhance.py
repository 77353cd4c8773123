"""kill -9 while photos are enhanced: afterwards those tasks have failed, and nothing of them is left."""

import shutil
import time
from pathlib import Path

import pytest

from tests.archives import zipped
from tests.enhance.server import client_of, fetched, sent, sent_archive, serving
from tests.enhance.test_witness import MAGIC, noise, windows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_R_ENH_6_a_killed_server_leaves_nothing_and_says_so(tmp_path: Path, translated_packs: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(translated_packs, home / "cache" / "packs")
    server = serving(home, tmp_path / "server.log")
    server.start()
    photos = [noise(number, 700, 500) for number in range(1, 40)]
    try:
        with client_of(server) as client:
            waiting = sent(client, photos[0], enhancement_level="2")
            batches = [
                sent_archive(client, zipped({f"{n}.jpg": photo for n, photo in enumerate(photos)}), "a.zip")
                for _ in range(3)
            ]
            address = f"/api/v1/enhance/{batches[0]['enhancement']['enhancement_id']}"
            while client.get(address).json()["enhancement"]["done"] < 2:
                time.sleep(0.05)
        server.kill()
        server.start()
        with client_of(server) as client:
            for submitted in batches:
                told = client.get(f"/api/v1/enhance/{submitted['enhancement']['enhancement_id']}").json()["enhancement"]
                assert (told["status"], told["error"]["code"]) == ("failed", "enhancement_lost")
                assert (told["cleaned_by"], told["photos"]) == ("stopped", [])
                assert told["cleaned_at"] is not None
            told = client.get(f"/api/v1/enhance/{waiting['enhancement']['enhancement_id']}").json()["enhancement"]
            assert (told["status"], told["cleaned_by"]) == ("cleaned", "stopped")
            headers = {"X-Retrieval-Token": waiting["retrieval_token"]}
            gone = client.get(f"/api/v1/enhance/{waiting['enhancement']['enhancement_id']}/result", headers=headers)
            assert (gone.status_code, gone.json()["code"]) == (410, "enhancement_gone")
            # And it goes on.
            assert fetched(client, sent(client, photos[1], enhancement_level="1"))
    finally:
        server.stop()
    secrets = [window for photo in photos for window in windows(photo, 20)]
    for path in tmp_path.rglob("*"):
        if path.is_file() and "cache" not in path.relative_to(tmp_path).parts:
            content = path.read_bytes()
            assert [secret for secret in (*secrets, *MAGIC) if secret in content] == [], path
