"""R-STR 1–8 with a real RTSP server that plays the kit's clip over and over, and is pulled away meanwhile."""

import asyncio
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import av
import pytest

from lianpu.engines.image import decode_image
from lianpu.settings import Settings
from tests.api.calls import enrol
from tests.api.streams.server import Stream, StreamServer, left_behind, serving_streams

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PYTHON = Path("/usr/bin/python3")
CAMERA = Path(__file__).parents[2] / "streams" / "rtsp_camera.py"
PEOPLE = {
    "Lin-Manuel Miranda": "lin_manuel_miranda/lin-manuel-miranda.png",
    "Barack Obama": "obama/obama_small.jpg",
    "Joe Biden": "biden/biden.jpg",
    "Kit Harington": "kit_harington/john1.jpeg",
}
IN_CLIP = {"Lin-Manuel Miranda", "Barack Obama"}
OpenKitStreams = Callable[..., AbstractAsyncContextManager[StreamServer]]


@pytest.fixture(scope="module")
def long_clip(testkit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit's clip, ten times one after the other."""
    target = tmp_path_factory.mktemp("clip") / "loop.mp4"
    with av.open(testkit / "videos/short_hamilton_clip.mp4") as source, av.open(target, "w") as long:
        taken = source.streams.video[0]
        given = long.add_stream_from_template(taken)
        packets = [packet for packet in source.demux(taken) if packet.dts is not None]
        times = [(packet.pts or 0, packet.dts or 0, packet.duration or 0) for packet in packets]
        length = max(pts + duration for pts, _, duration in times) - min(pts for pts, _, _ in times)
        for turn in range(10):
            for packet, (pts, dts, _) in zip(packets, times, strict=True):
                packet.pts, packet.dts, packet.stream = pts + turn * length, dts + turn * length, given
                long.mux(packet)
    return target


@pytest.fixture(scope="module")
def gstreamer() -> None:
    """Skips where the camera cannot run; `.ci/run` installs what it needs."""
    asked = "import gi; gi.require_version('GstRtspServer', '1.0')"
    if not PYTHON.exists() or subprocess.run([PYTHON, "-c", asked], capture_output=True, check=False).returncode:
        pytest.skip("needs GStreamer's RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0, see .ci/run")


@contextmanager
def camera(clip: Path, port: int = 0) -> Iterator[int]:
    """A camera's port."""
    command = [str(PYTHON), str(CAMERA), str(clip), str(port), "admin", "geheim"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            word, _, found = process.stdout.readline().partition(" ")
            assert word == "ready"
            yield int(found)
        finally:
            process.kill()


@pytest.fixture
def open_kit_streams(settings_for: Callable[..., Settings], home: Path, kit_packs: Path) -> OpenKitStreams:
    shutil.copytree(kit_packs, home / "packs")

    @asynccontextmanager
    async def opened(**overrides: Any) -> AsyncIterator[StreamServer]:
        values = {
            "server__api_key": "a-key-that-may-do-everything",
            "packs__default": "kit",
            "streams__networks": ["127.0.0.0/8"],
            "streams__cooldown_s": 1,
            **overrides,
        }
        async with serving_streams(settings_for(**values)) as server:
            yield server

    return opened


async def enrol_people(server: StreamServer, testkit: Path) -> None:
    for name, file in PEOPLE.items():
        answer = await enrol(server.client, (testkit / "images/video_people" / file).read_bytes(), name=name)
        assert answer.status_code in {200, 201}, answer.text


def names(events: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["person_name"] for event in events if event["kind"] == "person_appeared")


def assert_no_flicker(events: list[dict[str, Any]]) -> None:
    """Nobody is called what he is not, and no track has two names."""
    assert set(names(events)) <= IN_CLIP
    by_track: dict[int, set[str]] = {}
    for event in events:
        if event["person_name"] is not None:
            by_track.setdefault(event["track"], set()).add(event["person_name"])
    assert all(len(found) == 1 for found in by_track.values())


async def test_R_STR_5_known_people_of_a_file_are_named_once_and_others_never(
    open_kit_streams: OpenKitStreams, testkit: Path
) -> None:
    async with open_kit_streams(streams__folders=[str(testkit / "videos")], streams__cooldown_s=30) as server:
        await enrol_people(server, testkit)
        stream = await server.start("short_hamilton_clip.mp4")
        over = await server.until(stream, lambda one: one["state"] == "ended")
        assert over["end_reason"] == "end_of_file"
        events = await server.events(stream)
        assert names(events) == dict.fromkeys(IN_CLIP, 1)
        assert_no_flicker(events)


async def test_R_STR_4_a_camera_is_recognised_pulled_away_and_comes_back(
    open_kit_streams: OpenKitStreams, testkit: Path, long_clip: Path, gstreamer: None
) -> None:
    async with open_kit_streams() as server:
        await enrol_people(server, testkit)
        with camera(long_clip) as port:
            source = f"rtsp://admin:geheim@127.0.0.1:{port}/cam"
            stream = await server.start(source, lifetime_minutes=-1, permanent=True)
            before = await until_both(server, stream, 1)
            await until_drawn(server, stream)
            running = await server.until(stream, lambda one: one["state"] == "running")
            assert running["source"] == f"rtsp://***@127.0.0.1:{port}/cam"
            assert running["health"]["source_fps"] > 20
            others = await asyncio.to_thread(wrong_password, port)
        assert "401" in others
        gone = await server.until(stream, lambda one: one["state"] == "reconnecting")
        assert "geheim" not in gone["reason"]
        # Nobody is in a picture that there is not.
        gone = await server.until(stream, lambda one: one["health"]["persons"] == 0)
        before = await server.events(stream)
        await asyncio.sleep(20)
        with camera(long_clip, port):
            back = await server.until(stream, lambda one: one["state"] == "running")
            assert back["stream_id"] == stream["stream_id"]
            after = await until_both(server, stream, 2)
            assert after[: len(before)] == before
            assert_no_flicker(after)
            stopped = await server.stop(stream)
            assert stopped["end_reason"] == "stopped"
        assert left_behind() == []
    assert left_behind() == []


async def until_both(server: StreamServer, stream: Stream, times: int) -> list[dict[str, Any]]:
    while True:
        events = await server.events(stream)
        if all(names(events)[name] >= times for name in IN_CLIP):
            return events
        await asyncio.sleep(0.1)


async def until_drawn(server: StreamServer, stream: Stream) -> None:
    """A green box, that of a known face, is in the feed's picture."""
    async for jpeg in server.pictures(await server.get(stream)):
        pixels = decode_image(jpeg).pixels.astype(int)
        assert pixels.shape == (360, 640, 3)
        green = (pixels[..., 1] - pixels[..., 0] > 60) & (pixels[..., 1] - pixels[..., 2] > 60)
        if green.sum() > 300:
            return


def wrong_password(port: int) -> str:
    """The server of this test does ask for one."""
    with pytest.raises(av.error.FFmpegError) as refused:
        av.open(f"rtsp://admin:wrong@127.0.0.1:{port}/cam", options={"rtsp_transport": "tcp"}, timeout=5)
    return str(refused.value)
