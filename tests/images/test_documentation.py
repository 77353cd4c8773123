"""docs/images.md, run as written."""

import json
from pathlib import Path

import httpx2
import pytest

from tests.transcripts import NEEDS, served, transcript


@pytest.mark.slow
@NEEDS
def test_R_INF_2_from_registration_to_a_pushed_result_as_written(tmp_path: Path, t1_photo: bytes) -> None:
    with served(tmp_path, LIANPU_ACCOUNTS__REGISTRATION="open") as server:
        token = server.setup_link.partition("#")[2]
        fields = {"setup_token": token, "name": "ada", "password": "the first administrator's own"}
        assert httpx2.post(f"{server.url}/api/v1/users/setup", json=fields).status_code == 201
        (tmp_path / "t1.jpg").write_bytes(t1_photo)
        done = server.run(transcript("docs/images.md"), LIANPU=server.url)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[:-1] == [
            "6 faces at once",
            "3 faces pushed",
            "the task is completed",
            "1 pending",
            "2 processing",
            "3 completed",
        ]
        assert json.loads(done.stdout.splitlines()[-1])["code"] == "result_not_found"
        assert json.loads((tmp_path / "registered.json").read_text())["user"]["role"] == "viewer"
