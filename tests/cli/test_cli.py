"""Commands as a person or a script calls them, on real faces."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from filelock import FileLock

from lianpu.cli.home_lock import server_address
from lianpu.gallery.identity import person_id_from
from lianpu.settings import known_keys
from tests.cli.conftest import Lianpu
from tests.conftest import FACES
from tests.small_classifiers import drop_classifier

COMMANDS = ("serve", "enroll", "search", "compare", "detect", "doctor", "openapi", "config", "models")
HEAVY = ("onnxruntime", "onnx", "cv2", "numpy", "PIL", "fastapi", "uvicorn", "sqlalchemy", "httpx2")


def test_R_OPS_4_config_show_names_every_key_with_its_source(lianpu: Lianpu, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LIANPU_SERVER__API_KEY=0123456789abcdef\n")
    (tmp_path / "other.yaml").write_text("server:\n  port: 9001\n")
    done = lianpu("config", "show", "--json", "--home", tmp_path / "家", "--config", "other.yaml")
    assert done.code == 0
    shown = {item["key"]: (item["value"], item["source"]) for item in json.loads(done.out)}
    assert list(shown) == [*known_keys()]
    assert shown["home"] == (str(tmp_path / "家"), "command line")
    assert shown["server.port"] == (9001, str(tmp_path / "other.yaml"))
    assert shown["server.api_key"] == ("**********", ".env")
    assert shown["gallery.max_faces"][1] == "defaults.yaml"
    table = lianpu("config", "show", "--config", "other.yaml").out
    assert "9001" in table
    assert "0123456789abcdef" not in done.out + table
    assert not (tmp_path / "家").exists()


def test_R_OPS_4_config_check_ends_with_0_or_2(lianpu: Lianpu, tmp_path: Path) -> None:
    done = lianpu("config", "check")
    assert (done.code, done.out) == (0, "settings are valid (read: defaults.yaml)\n")
    (tmp_path / "lianpu.yaml").write_text("server:\n  prot: 1\n  port: x\n")
    done = lianpu("config", "check")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error [settings_invalid]: ")
    assert "did you mean server.port?" in done.err
    assert len(done.err.splitlines()) == 2
    assert lianpu("config", "check", "--config", "missing.yaml").code == 2


def test_R_OPS_4_config_check_helps_who_comes_with_a_config_ini(lianpu: Lianpu, tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text("[server]\nport = 80\n")
    done = lianpu("config", "check")
    assert done.code == 0
    assert "move its values into lianpu.yaml" in done.err
    (tmp_path / "lianpu.yaml").write_text("server:\n  port: 9001\n")
    assert lianpu("config", "check").err == ""


def test_R_OPS_3_doctor_says_what_works(lianpu: Lianpu, home: Path, free_port: int) -> None:
    os.environ["LIANPU_SERVER__PORT"] = str(free_port)
    done = lianpu("doctor", "--json", "--home", home)
    findings = json.loads(done.out)
    assert done.code == 0, done.out
    by_subject = {item["subject"]: item for item in findings}
    assert {"python", "runtime", "opencv", "pack", "index", "home", "port", "console"} <= by_subject.keys()
    assert by_subject["index"]["text"].startswith("in memory, every row; ")
    assert {item["level"] for item in findings} <= {"ok", "notice"}
    assert {"subject": "pack", "level": "ok", "text": "dlib@1 (default): ready"} in findings
    assert by_subject["port"]["text"] == f"127.0.0.1:{free_port} is free"
    people = lianpu("doctor", "--home", home)
    assert (people.code, "✓" in people.out) == (0, True)


def test_R_OPS_3_doctor_shows_brackets(lianpu: Lianpu, tmp_path: Path) -> None:
    """`lianpu[embedded]` is advice, not markup."""
    home = tmp_path / "[embedded]"
    assert str(home) in lianpu("doctor", "--home", home).out


def test_R_OPS_3_doctor_says_what_does_not(lianpu: Lianpu, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "lianpu.yaml").write_text("packs: {default: none}\nserver: {host: no.such.host.invalid}\n")
    done = lianpu("doctor", "--json", "--home", tmp_path / "file" / "home")
    assert done.code == 1
    problems = [item["subject"] for item in json.loads(done.out) if item["level"] == "problem"]
    assert sorted(problems) == ["home", "pack", "port"]


def test_R_OPS_3_doctor_changes_nothing(lianpu: Lianpu, tmp_path: Path) -> None:
    assert lianpu("doctor", "--home", tmp_path / "none").code == 0
    assert not (tmp_path / "none").exists()


def test_R_LIB_1_enroll_then_search_without_a_server(lianpu: Lianpu, home: Path, people: Path, t1_path: Path) -> None:
    done = lianpu("enroll", people, "--home", home)
    assert (done.code, done.out) == (0, "5 added, 0 known already, 0 refused\n"), done.err
    again = lianpu("enroll", people, "--home", home)
    assert (again.code, again.out) == (0, "0 added, 5 known already, 0 refused\n")
    found = lianpu("search", t1_path, "--json", "--home", home)
    assert found.code == 0
    best = [face["best_match"] and face["best_match"]["name"] for face in json.loads(found.out)["faces"]]
    assert best == ["Ada Lovelace", "张三", None, None, None, "[red] [&]"]
    table = lianpu("search", people / "Eileen Collins" / "nasa" / "astronaut.png", "--home", home).out
    assert "Eileen Collins" in table
    assert "dlib@1" in table
    strangers = lianpu("search", t1_path, "--threshold", "1", "--home", home).out
    assert "unknown; nearest: Ada Lovelace" in strangers
    # What looks like a terminal's markup is a name.
    assert "unknown; nearest: [red] [&]" in strangers


def test_R_LIB_1_refused_photos_are_told_and_the_others_enrolled(
    lianpu: Lianpu, home: Path, people: Path, portraits: list[bytes], t1_photo: bytes
) -> None:
    nobody = people / "Nobody"
    nobody.mkdir()
    (nobody / "wall.png").write_bytes(cv2.imencode(".png", np.full((200, 300, 3), 128, np.uint8))[1].tobytes())
    (nobody / "cut off.jpg").write_bytes(portraits[3][:2000])
    (nobody / "group.jpg").write_bytes(t1_photo)
    done = lianpu("enroll", people, "--home", home)
    assert (done.code, done.out) == (1, "5 added, 0 known already, 3 refused\n")
    told = " ".join(done.err.split())
    for name, code in (
        ("wall.png", "face_not_found"),
        ("cut off.jpg", "image_damaged"),
        ("group.jpg", "several_faces"),
    ):
        assert name in told
        assert code in told
    largest = lianpu("enroll", people, "--largest", "--home", home)
    assert largest.out == "1 added, 5 known already, 2 refused\n"


def test_R_LIB_1_folders_that_would_become_one_person_are_refused(
    lianpu: Lianpu, home: Path, people: Path, portraits: list[bytes]
) -> None:
    (home / "lianpu.db").unlink()
    (people / "Ada_Lovelace").mkdir()
    (people / "Ada_Lovelace" / "1.jpg").write_bytes(portraits[4])
    done = lianpu("enroll", people, "--home", home)
    assert (done.code, done.out) == (1, "")
    assert "'Ada Lovelace' and 'Ada_Lovelace' would both get the id 'Ada_Lovelace'" in done.err
    assert not (home / "lianpu.db").exists()


def test_R_LIB_1_enroll_wants_a_folder_per_person(lianpu: Lianpu, home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = lianpu("enroll", tmp_path / "empty", "--home", home)
    assert done.code == 1
    assert "expected" in done.err
    assert lianpu("enroll", tmp_path / "missing", "--home", home).code == 2


@pytest.mark.parametrize(
    ("folder", "person_id"),
    [
        ("张三", "张三"),
        ("Ada Lovelace", "Ada_Lovelace"),
        ("a/b", "a_b"),
        ("-x", "p-x"),
        ("…", "p_"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("R&D (2)", "R_D__2_"),
    ],
)
def test_R_LIB_1_folder_names_become_ids(folder: str, person_id: str) -> None:
    assert person_id_from(folder) == person_id


def test_R_LIB_3_compare_ends_with_0_for_the_same_person_and_1_for_others(
    lianpu: Lianpu, home: Path, people: Path, t1_path: Path
) -> None:
    ada, zhang = people / "Ada Lovelace" / "1.jpg", people / "张三" / "正面 1.JPG"
    same = lianpu("compare", ada, t1_path, "--face-selection", "largest", "--home", home)
    assert (same.code, same.out.startswith("same person: score 0.")) == (0, True), same.err
    other = lianpu("compare", ada, zhang, "--json", "--home", home)
    assert other.code == 1
    answer = json.loads(other.out)
    assert answer["is_match"] is False
    assert answer["score"] < answer["threshold"]
    assert lianpu("compare", ada, zhang, "--threshold", "0", "--home", home).code == 0
    several = lianpu("compare", ada, t1_path, "--home", home)
    assert (several.code, several.out) == (1, "")
    assert "[several_faces]" in several.err
    assert lianpu("compare", ada, t1_path.parent / "missing.jpg", "--home", home).code == 2


@pytest.mark.parametrize("name", ["faces out.jpg", "脸.png"])
def test_R_LIB_4_detect_draws_on_a_copy(lianpu: Lianpu, home: Path, tmp_path: Path, t1_path: Path, name: str) -> None:
    done = lianpu("detect", t1_path, "--draw", tmp_path / name, "--json", "--home", home)
    assert done.code == 0, done.err
    boxes = [face["box"] for face in json.loads(done.out)["faces"]]
    for box, (left, top, side) in zip(boxes, FACES, strict=True):
        assert max(abs(box["x"] - left), abs(box["y"] - top), abs(box["width"] - side)) < 2
    before = cv2.imread(str(t1_path)).astype(int)
    drawn = cv2.imdecode(np.fromfile(tmp_path / name, np.uint8), cv2.IMREAD_COLOR).astype(int)
    assert drawn.shape == before.shape
    changed = np.abs(drawn - before).max(axis=2) > 60
    for left, top, side in FACES:
        assert changed[top - 4 : top + side + 4, left - 4 : left + side + 4].any(), (left, top)
    # Far from all faces nothing is painted.
    assert not changed[600:, :].any()


def test_R_LIB_4_detect_without_faces_and_with_a_target_that_cannot_be(
    lianpu: Lianpu, home: Path, tmp_path: Path, t1_path: Path
) -> None:
    wall = tmp_path / "wall.png"
    wall.write_bytes(cv2.imencode(".png", np.full((200, 300, 3), 128, np.uint8))[1].tobytes())
    assert lianpu("detect", wall, "--home", home).out == "no face found\n"
    assert lianpu("detect", t1_path, "--draw", tmp_path / "out.gif", "--home", home).code == 2
    unwritable = lianpu("detect", t1_path, "--draw", tmp_path / "missing" / "out.jpg", "--home", home)
    assert unwritable.code == 1
    assert "cannot be written" in unwritable.err


def test_R_INF_5_unknown_pack_is_told(lianpu: Lianpu, home: Path, t1_path: Path) -> None:
    done = lianpu("search", t1_path, "--pack", "dlip", "--home", home)
    assert done.code == 1
    assert "[pack_not_found]" in done.err
    assert "Did you mean 'dlib'?" in done.err


def test_R_OPS_1_home_that_another_command_writes_is_in_use(
    lianpu: Lianpu, home: Path, people: Path, t1_path: Path
) -> None:
    """As while `enroll` runs: there is no server to go through. What a killed server left is no server either."""
    home.mkdir(exist_ok=True)
    with FileLock(home / "lianpu.lock"):
        done = lianpu("enroll", people, "--home", home)
        assert done.code == 2
        assert "error [home_in_use]" in done.err
        # Reading is allowed meanwhile.
        assert lianpu("search", t1_path, "--home", home).code == 0
    (home / "server.json").write_text('{"url": "http://127.0.0.1:9"}')
    assert server_address(home) is None
    assert lianpu("enroll", people, "--home", home).code == 0
    assert not (home / "server.json").exists()


def test_R_OPS_1_help_loads_nothing_heavy(environment: dict[str, str], tmp_path: Path) -> None:
    """Help and shell completion answer at once: what a command needs is imported when it runs."""
    script = f"""
import json, sys
from typer.testing import CliRunner
from lianpu.cli import app
for command in ([], *([name] for name in {COMMANDS})):
    shown = CliRunner().invoke(app, [*command, "--help"])
    assert shown.exit_code == 0, command
    assert "Usage" in shown.output
print(json.dumps(sorted(set(sys.modules) & set({HEAVY}))))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


def test_R_OPS_1_version_and_unknown_command(lianpu: Lianpu) -> None:
    assert lianpu("--version").out.startswith("lianpu 0.")
    assert lianpu("serv").code == 2


@pytest.mark.slow
def test_R_OPS_1_no_file_outside_home(tmp_path: Path, environment: dict[str, str], people: Path, t1_path: Path) -> None:
    """Neither telemetry nor caches: with a home from nothing, so that the pack's translation is watched too."""
    outside = tmp_path / "outside"
    home = outside / "the home"
    for name in ("user", "tmp", "cwd", "config", "cache", "data", "state", "runtime"):
        (outside / name).mkdir(parents=True)
    watched = {
        **environment,
        "HOME": str(outside / "user"),
        "USERPROFILE": str(outside / "user"),
        "APPDATA": str(outside / "user"),
        **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(outside / "tmp")),
        **{f"XDG_{name.upper()}_HOME": str(outside / name) for name in ("config", "cache", "data", "state")},
        "XDG_RUNTIME_DIR": str(outside / "runtime"),
    }
    for command in (["enroll", str(people)], ["search", str(t1_path), "--json"], ["doctor"]):
        done = subprocess.run(
            [sys.executable, "-m", "lianpu", *command, "--home", str(home)],
            env=watched,
            cwd=outside / "cwd",
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
    written = [path for path in outside.rglob("*") if path.is_file()]
    assert [path for path in written if not path.is_relative_to(home)] == []
    assert home / "lianpu.db" in written
    assert any(path.name == "detector.onnx" for path in written)


def test_R_INF_4_doctor_tells_which_inference_models_cannot_be_used(lianpu: Lianpu, tmp_path: Path) -> None:
    home = tmp_path / "home"
    drop_classifier(home / "models", "good")
    drop_classifier(home / "models", "bad", manifest="softmaks = true")
    done = lianpu("doctor", "--json", "--home", home)
    findings = [item for item in json.loads(done.out) if item["subject"] == "inference"]
    assert done.code == 0
    assert [item["level"] for item in findings] == ["ok", "notice"]
    assert findings[0]["text"] == "models added here: good (folder models/good)"
    assert findings[1]["text"].startswith(
        "bad: The folder models/bad cannot be used: model.toml is not valid: softmaks"
    )
