"""Fixtures of command-line tests: commands in this process, ports, a folder of people."""

import importlib.util
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lianpu.cli import main


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Lianpu = Callable[..., Done]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a command's process finds in its environment: nothing of this machine's own."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "COLUMNS": "400", "PYTHONUTF8": "1"}


@pytest.fixture
def lianpu(
    tmp_path: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Lianpu:
    """`lianpu("search", photo, …)`: runs a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("LIANPU_"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str | Path) -> Done:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["lianpu", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return Done(code or 0, *capsys.readouterr())

    return call


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def free_port() -> int:
    return unused_port()


@pytest.fixture(scope="session")
def t1_path(t1_photo: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "t1.jpg"
    path.write_bytes(t1_photo)
    return path


@pytest.fixture
def people(tmp_path: Path, portraits: list[bytes], astronaut_photo: bytes) -> Path:
    """A folder as `lianpu enroll` wants it: five persons, and things that are none."""
    found = importlib.util.find_spec("insightface")
    assert found is not None
    assert found.origin is not None
    tom = Path(found.origin).parent / "data" / "images" / "Tom_Hanks_54745.png"
    folder = tmp_path / "my people"
    photos = {
        "Ada Lovelace/1.jpg": portraits[0],
        "张三/正面 1.JPG": portraits[1],
        "[red] [&]/1.jpg": portraits[5],
        "张三/notes.txt": b"no photo",
        "Eileen Collins/nasa/astronaut.png": astronaut_photo,
        "Tom Hanks/Tom_Hanks_54745.png": tom.read_bytes(),
        ".hidden/1.jpg": portraits[2],
        "Tom Hanks/._1.jpg": b"left by another system",
    }
    for name, content in photos.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "readme.txt").write_text("not a folder")
    return folder
