"""`lianpu models`: what people see and what scripts read."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lianpu.cli import app
from lianpu.cli.client import AnswerError
from lianpu.errors import PackLicenceError

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIANPU_CONFIG", raising=False)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["models", *arguments, "--home", str(tmp_path / "home")])

    return invoke


@pytest.fixture
def kit(testkit: Path) -> list[str]:
    models = testkit / "models"
    return [
        "--detector",
        str(models / "detection/scrfd_500m_kps_640.onnx"),
        "--embedder",
        str(models / "recognition/mobilefacenet_foamliu_arc.onnx"),
        "--name",
        "kit",
    ]


def test_R_INF_5_models_list(run: Run, kit: list[str]) -> None:
    assert run("import", *kit, "--licence", "MIT").exit_code == 0
    packs = {pack["name"]: pack for pack in json.loads(run("list", "--json").stdout)}
    assert (packs["dlib"]["state"], packs["dlib"]["default"], packs["dlib"]["embedded"]) == ("installed", True, True)
    assert packs["kit"]["licence"] == {"id": "MIT", "commercial": True, "acceptance": False, "url": None}
    assert (packs["kit"]["metric"], packs["kit"]["threshold"]) == ("cosine", 0.4)
    assert packs["kit"]["size_bytes"] == 6522457
    table = run("list").stdout
    for shown in ("dlib@1", "(default)", "kit@1", "6.5 MB", "MIT", "commercial use: yes", "Translated to ONNX"):
        assert shown in table


def test_R_INF_5_models_import_asks_for_the_licence(run: Run, kit: list[str]) -> None:
    refused = run("import", *kit)
    assert isinstance(refused.exception, PackLicenceError)
    assert "--accept-licence" in refused.exception.detail
    accepted = run("import", *kit, "--accept-licence")
    assert "kit@1 is installed (LicenseRef-Unknown; commercial use: no)" in accepted.stdout
    again = json.loads(run("import", *kit, "--accept-licence", "--json").stdout)
    assert (again["name"], again["licence"]["id"]) == ("kit", "LicenseRef-Unknown")


def test_R_INF_5_models_import_needs_a_source(run: Run) -> None:
    assert run("import").exit_code == 2
    assert run("import", "--detector", "x.onnx").exit_code == 2


def test_R_INF_5_models_verify(run: Run, kit: list[str], tmp_path: Path) -> None:
    run("import", *kit, "--licence", "MIT")
    whole = run("verify")
    assert whole.exit_code == 0
    lines = whole.stdout.splitlines()
    assert {"dlib@1: ok", "kit@1: ok"} <= {*lines}
    assert all(line.endswith(": ok") for line in lines)
    file = next((tmp_path / "home/packs/kit@1").glob("mobilefacenet*"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    damaged = run("verify", "kit", "--json")
    assert damaged.exit_code == 1
    (answer,) = json.loads(damaged.stdout)
    assert (answer["pack"], answer["ok"]) == ("kit", False)
    assert "has SHA-256" in answer["problems"][0]
    file.write_bytes(data[:10])
    assert "10 bytes instead of" in run("verify").stdout


def test_R_INF_5_models_remove(run: Run, kit: list[str], tmp_path: Path) -> None:
    run("import", *kit, "--licence", "MIT")
    assert run("remove", "kit").exit_code == 1
    assert (tmp_path / "home/packs/kit@1").is_dir()
    assert run("remove", "kit", "--yes").stdout == "kit@1 is removed.\n"
    assert not (tmp_path / "home/packs/kit@1").exists()
    refused = run("remove", "dlib", "-y").exception
    assert isinstance(refused, AnswerError)
    assert refused.problem["code"] == "pack_in_use"
