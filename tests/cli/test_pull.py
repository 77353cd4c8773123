"""`lianpu models available|pull|remove`: from a server on loopback, in a home of the test's own."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tomli_w
from click.testing import Result
from typer.testing import CliRunner

from lianpu.cli import app
from lianpu.cli.client import AnswerError
from lianpu.errors import PackDigestError, PackDownloadError, PackLicenceError
from tests.packs.nasty_server import NastyServer, nasty_server
from tests.packs.test_pull import NON_COMMERCIAL, file_of

Run = Callable[..., Result]
WEIGHTS = random.Random(3).randbytes(50_000)


@pytest.fixture
def server() -> Iterator[NastyServer]:
    with nasty_server() as one:
        yield one


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: NastyServer) -> Run:
    """`lianpu models …` with a catalogue of `restorer@1`, whose own address is that of `server`."""
    entry = {"name": "restorer", "version": "1", "family": "restore", "licence": NON_COMMERCIAL}
    file = file_of("restorer.pth", WEIGHTS, f"{server.address}/w")
    (tmp_path / "own.toml").write_text(tomli_w.dumps({"packs": [{**entry, "files": [file]}]}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIANPU_CONFIG", raising=False)
    monkeypatch.setenv("LIANPU_PACKS__CATALOGUE", str(tmp_path / "own.toml"))

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["models", *arguments, "--home", str(tmp_path / "home")])

    return invoke


def test_R_INF_5_available_lists_the_catalogue(run: Run) -> None:
    answer = run("available", "--json")
    assert answer.exit_code == 0, answer.exception
    models = {f"{model['name']}@{model['version']}": model for model in json.loads(answer.stdout)}
    assert models["restorer@1"]["licence"] == NON_COMMERCIAL
    assert {"buffalo_l@0.7", "yunet-sface@2021dec", "gfpgan@1.4"} <= models.keys()


def test_R_INF_5_pull_asks_for_the_terms_then_downloads_and_remove_deletes(
    run: Run, server: NastyServer, tmp_path: Path
) -> None:
    server.serve("/w", WEIGHTS)
    refused = run("pull", "restorer").exception
    assert isinstance(refused, PackLicenceError)
    assert "--accept-licence" in refused.detail
    assert server.asked == []
    pulled = run("pull", "restorer", "--accept-licence")
    assert pulled.stdout.splitlines()[0].startswith("restorer@1 is installed (LicenseRef-InsightFace")
    assert (tmp_path / "home/packs/restorer@1/restorer.pth").read_bytes() == WEIGHTS
    again = json.loads(run("pull", "restorer@1", "--accept-licence", "--json").stdout)
    assert (again["name"], again["downloaded_bytes"]) == ("restorer", 0)
    removed = json.loads(run("remove", "restorer", "--yes", "--json").stdout)
    assert (removed["name"], removed["embeddings"]) == ("restorer", 0)
    assert not (tmp_path / "home/packs/restorer@1").exists()
    gone = run("remove", "restorer", "--yes").exception
    assert isinstance(gone, AnswerError)
    assert gone.problem["code"] == "pack_not_found"


def test_R_INF_5_pull_tries_the_mirror_first_and_fails_clearly(run: Run, server: NastyServer) -> None:
    assert isinstance(run("pull", "restorer", "--accept-licence").exception, PackDownloadError)
    server.serve("/w", b"another file of ours".ljust(len(WEIGHTS)))
    assert isinstance(run("pull", "restorer", "--accept-licence").exception, PackDigestError)
    server.asked.clear()
    server.serve("/mirror/restorer.pth", WEIGHTS)
    mirrored = run("pull", "restorer", "--accept-licence", "--mirror", f"{server.address}/mirror")
    assert mirrored.exit_code == 0, mirrored.exception
    assert [asked.path for asked in server.asked] == ["/mirror/restorer.pth"]
