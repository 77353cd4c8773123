"""R-OPS 5: both clients and the examples against a real server on a real port: streams, pushed events, logins."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from lianpu.client import AsyncLianpu, Lianpu, NotFoundError, UnreachableError
from lianpu.engines.image import decode_image
from lianpu.settings import Settings
from tests.api.conftest import API_KEY
from tests.api.streams.server import StreamServer, serving_streams
from tests.streams.clips import photo_clip

pytestmark = pytest.mark.anyio
EXAMPLES = Path(__file__).parents[2] / "examples" / "client"
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut_photo: bytes) -> Path:
    """Two seconds of one face."""
    pixels = decode_image(astronaut_photo).pixels[:320, 100:420]
    small = np.asarray(cv2.resize(np.ascontiguousarray(pixels), (256, 256)), np.uint8)
    path = tmp_path_factory.mktemp("clips") / "astronaut.mp4"
    path.write_bytes(photo_clip([small], 45))
    return path


@pytest.fixture
async def server(settings_for: Callable[..., Settings], clip: Path) -> AsyncIterator[StreamServer]:
    settings = settings_for(server__api_key=API_KEY, streams__folders=[str(clip.parent)])
    async with serving_streams(settings) as one:
        yield one


def url_of(server: StreamServer) -> str:
    return str(server.client.base_url)


def example(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


async def test_R_OPS_5_the_blocking_client_enrols_searches_and_logs_in(
    server: StreamServer, portraits: list[bytes], tmp_path: Path
) -> None:
    def work() -> None:
        with Lianpu(url_of(server), api_key=API_KEY, trust_env=False) as lianpu:
            (tmp_path / "ada.jpg").write_bytes(portraits[0])
            lianpu.persons.enrol(tmp_path / "ada.jpg", person_id="ada", name="Ada")
            with (tmp_path / "ada.jpg").open("rb") as file:
                assert lianpu.search(file).faces[0].matches[0].person_id == "ada"
                assert not file.closed
            job = lianpu.persons.enrol_batch(photos={"Ben/1.jpg": portraits[1]})
            assert lianpu.jobs.wait(job.job_id, poll_s=0.02).items == {"enrolled": 1}
            assert {person.name for person in lianpu.persons.list(page_size=1)} == {"Ada", "Ben"}
            exported = lianpu.jobs.wait(lianpu.transfers.export().job_id, poll_s=0.02)
            archive = lianpu.transfers.archive(exported.job_id, tmp_path / "gallery.zip")
            lianpu.jobs.wait(lianpu.transfers.examine(archive, dry_run=True).job_id, poll_s=0.02)
            with archive.open("rb") as file:
                lianpu.jobs.wait(lianpu.transfers.examine(file, on_conflict="skip").job_id, poll_s=0.02)
            with pytest.raises(NotFoundError):
                lianpu.transfers.archive("00000000-0000-7000-8000-000000000000", tmp_path / "none.zip")
            assert not list(tmp_path.glob("*none*"))
            messages = lianpu.jobs.events()
            assert next(messages).type == "ready"
            started = lianpu.gallery.check(quick=True)
            assert next(message.job.job_id for message in messages if message.job) == started.job_id
            messages.close()  # type: ignore[attr-defined]
            lianpu.users.create("ada", PASSWORD, role="viewer", must_change_password=False)
        with Lianpu(url_of(server), username="ada", password=PASSWORD, trust_env=False) as lianpu:
            assert lianpu.account.get().name == "ada"
            assert len(lianpu.account.sessions()) == 1
        with pytest.raises(UnreachableError), Lianpu("http://127.0.0.1:9", trust_env=False) as nobody:
            nobody.status()

    await asyncio.to_thread(work)


async def test_R_STR_1_a_stream_is_started_watched_extended_and_stopped(
    server: StreamServer, clip: Path, astronaut_photo: bytes
) -> None:
    async with AsyncLianpu(url_of(server), api_key=API_KEY, trust_env=False) as lianpu:
        await lianpu.persons.enrol(astronaut_photo, person_id="eileen", name="Eileen")
        messages = lianpu.streams.events()
        assert (await anext(messages)).type == "ready"
        stream = await lianpu.streams.start(str(clip), name="door", loop=True, lifetime_minutes=5)
        assert [one.name for one in (await lianpu.streams.list()).streams] == ["door"]
        appeared = await anext(messages)
        assert appeared.event is not None
        assert (appeared.event.kind, appeared.event.person_id) == ("person_appeared", "eileen")
        assert (await lianpu.streams.extend(stream.stream_id, 10)).lifetime_minutes == 10
        assert (await lianpu.streams.snapshot(stream.stream_id)).startswith(b"\xff\xd8")
        stopped = await lianpu.streams.stop(stream.stream_id)
        assert stopped.end_reason == "stopped"
        left = await anext(messages)
        assert left.event is not None
        assert left.event.kind == "person_left"
        await messages.aclose()  # type: ignore[attr-defined]
        past = [event.kind async for event in lianpu.streams.past_events(stream.stream_id, page_size=1)]
        assert past == ["person_left", "person_appeared"]
        # What was missed comes again.
        again = lianpu.streams.events(last_event_id=appeared.event_id)
        assert (await anext(again)).type == "ready"
        resumed = await anext(again)
        assert resumed.event == left.event
        await again.aclose()  # type: ignore[attr-defined]


@pytest.mark.slow
async def test_R_OPS_5_the_examples_run(
    server: StreamServer, clip: Path, astronaut_photo: bytes, portraits: list[bytes], tmp_path: Path, capsys: Any
) -> None:
    files = {"Ada/1.jpg": portraits[0], "Ben/1.jpg": portraits[1], "face.jpg": astronaut_photo}
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    ours = (url_of(server), API_KEY)
    face = str(tmp_path / "face.jpg")
    await asyncio.to_thread(example("enrol_and_search").main, *ours, "Eileen", face, face)
    out = capsys.readouterr().out
    assert out.startswith("Eileen has 1 image(s)\n")
    assert out.endswith("Eileen, score 1.00\n")
    await asyncio.to_thread(example("enrol_folder").main, *ours, str(tmp_path))
    assert "{'enrolled': 2}\n" in capsys.readouterr().out
    await example("watch_stream").main(*ours, str(clip))
    assert capsys.readouterr().out.splitlines() == ["ready", "person_appeared Eileen", "person_left Eileen"]
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == ["enrol_and_search", "enrol_folder", "watch_stream"]
