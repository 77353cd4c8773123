"""`lianpu worker`, and a home that several nodes hold."""

import os
import signal
from pathlib import Path

import pytest

from lianpu.cli.home_lock import held_home, locked_home, server_address, shared_home
from lianpu.errors import HomeInUseError
from lianpu.nodes.presence import Node, living
from lianpu.settings import load_settings
from tests.cli.conftest import Lianpu

URL = "http://127.0.0.1:8123"


@pytest.fixture(autouse=True)
def _signals_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)


def test_R_OPS_2_worker_needs_a_database_that_others_share(lianpu: Lianpu, tmp_path: Path) -> None:
    done = lianpu("worker", "--home", tmp_path / "home")
    assert done.code == 2
    assert "database.url names none" in done.err


def test_R_OPS_2_broker_without_workers_is_refused(lianpu: Lianpu, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its jobs would never run."""
    monkeypatch.setenv("LIANPU_JOBS__BROKER", "redis://127.0.0.1:9/0")
    done = lianpu("gallery", "check", "--home", home)
    assert done.code == 2
    assert "leaves all jobs to workers" in done.err


def test_R_OPS_3_check_says_whether_a_worker_works(lianpu: Lianpu, tmp_path: Path) -> None:
    assert lianpu("worker", "--check", "--home", tmp_path).code == 1
    node = Node(tmp_path)
    node.register()
    assert lianpu("worker", "--check", "--home", tmp_path).code == 1
    node.beat()
    assert lianpu("worker", "--check", "--home", tmp_path).code == 0
    [beat] = (tmp_path / "nodes").glob("*.beat")
    os.utime(beat, (beat.stat().st_mtime - 60,) * 2)
    assert lianpu("worker", "--check", "--home", tmp_path).code == 1
    node.leave()


def test_R_OPS_2_nodes_share_a_home_and_who_must_be_alone_waits_for_them(tmp_path: Path) -> None:
    with shared_home(tmp_path, None), shared_home(tmp_path, URL) as server:
        assert len(living(tmp_path)) == 2
        assert server_address(tmp_path) == URL
        with pytest.raises(HomeInUseError, match="2 nodes"), locked_home(tmp_path, None):
            pass
        assert server.is_registered
    assert living(tmp_path) == []
    assert server_address(tmp_path) is None
    with locked_home(tmp_path, None), pytest.raises(HomeInUseError), shared_home(tmp_path, None):
        pass


def test_R_OPS_2_a_node_that_was_killed_holds_the_home_no_longer(tmp_path: Path) -> None:
    dead = Node(tmp_path, url=URL)
    dead.register()
    assert dead._lock is not None
    # As the system does it for a process that has ended.
    dead._lock.release()
    assert server_address(tmp_path) is None
    with locked_home(tmp_path, None):
        pass
    with shared_home(tmp_path, None) as node:
        assert [file.stem for file in (tmp_path / "nodes").glob("*.json")] == [node.id]


def test_R_OPS_2_home_of_sqlite_is_held_alone(tmp_path: Path) -> None:
    settings = load_settings({"home": str(tmp_path)}, environment={}, folder=tmp_path).settings
    with held_home(settings, URL) as node:
        assert node is None
        assert server_address(tmp_path) == URL
        with pytest.raises(HomeInUseError), held_home(settings, None):
            pass
