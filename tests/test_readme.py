"""The README's transcript and the API guide's, run as written against a real server, from the one-time link on."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.transcripts import NEEDS, Served, served, transcript

pytestmark = pytest.mark.slow
PASSWORD = "the first administrator's own"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


def set_up(server: Served) -> None:
    """What the page behind the link does."""
    setup_token = server.setup_link.partition("#")[2]
    fields = {"setup_token": setup_token, "name": "ada", "password": PASSWORD}
    assert httpx2.post(f"{server.url}/api/v1/users/setup", json=fields).status_code == 201


@NEEDS
@pytest.mark.parametrize(
    ("readme", "names", "renamed"),
    [
        ("README.md", ["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn"], "Ada Lovelace"),
        ("README.zh-CN.md", ["安娜", "本", "陈晨", "丁丁", "艾娃", "方方"], "安娜·李"),
    ],
)
def test_R_OPS_1_readme_transcript_works_as_written(
    server: Served, tmp_path: Path, t1_photo: bytes, readme: str, names: list[str], renamed: str
) -> None:
    set_up(server)
    (tmp_path / "t1.jpg").write_bytes(t1_photo)
    done = server.run(transcript(readme), LIANPU=server.url)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "6 faces"
    assert [line.split(" score ")[0] for line in lines[1:7]] == names
    assert lines[7] == "same person"
    rest = "\n".join(lines[8:])
    assert f'"name":"{renamed}"' in rest
    assert '"code":"person_not_found"' in rest

    # Nobody else sees what was made.
    assert httpx2.get(f"{server.url}/api/v1/faces").status_code == 401
    login = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    token = httpx2.post(f"{server.url}/api/v1/users/token", data=login).json()["access_token"]
    mine = httpx2.get(f"{server.url}/api/v1/faces", headers={"Authorization": f"Bearer {token}"})
    assert len(mine.json()["persons"]) == 5


@NEEDS
def test_R_OPS_1_the_api_guide_sends_a_photo_in_each_of_three_ways(
    server: Served, tmp_path: Path, portraits: list[bytes]
) -> None:
    set_up(server)
    (tmp_path / "photo.jpg").write_bytes(portraits[0])
    done = server.run(transcript("docs/api.md"), LIANPU=server.url)
    assert done.returncode == 0, done.stderr
    # One document after another.
    answers = [json.loads(text) for text in done.stdout.replace("}{", "}\n{").splitlines()]
    assert [len(answer["faces"]) for answer in answers] == [1, 1, 1]
