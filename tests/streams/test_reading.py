"""Reading sources: what they hold is decoded, and nobody is led to where he may not go."""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from lianpu.errors import SourceLostError, SourceRefusedError
from lianpu.streams.addresses import SourceRules, checked_source
from lianpu.streams.reading import VideoReader
from lianpu.streams.relay import RtspAnswers
from lianpu.streams.shedding import Decoded
from tests.streams.clips import FPS, made_clip
from tests.streams.video_server import Bait, VideoServer, bait, camera_that_redirects, video_server

FRAMES = 60
RULES = SourceRules(hosts=frozenset({"camera.example"}))


def resolve(host: str, _port: int) -> Sequence[str]:
    """Names stand for this machine; the bait is what a public name may suddenly stand for."""
    return {"camera.example": ["127.0.0.1"], "inside.example": ["127.0.0.1"]}.get(host) or [
        str(ipaddress.ip_address(host))
    ]


@pytest.fixture(scope="module")
def clip() -> bytes:
    """Two seconds of a moving square, H.264 in MP4."""
    return made_clip("mp4", FRAMES)


@pytest.fixture
def server() -> Iterator[VideoServer]:
    with video_server() as one:
        yield one


@pytest.fixture
def trap() -> Iterator[Bait]:
    with bait() as one:
        yield one
        time.sleep(0.05)
        assert one.visits == []


def read(text: str, rules: SourceRules = RULES) -> int:
    with VideoReader(checked_source(text, rules, resolve), rules, paced=False, resolve=resolve) as reader:
        return sum(1 for frame in reader.frames() if frame.pixels.shape == (120, 160, 3))


def test_R_STR_2_a_file_on_a_web_server(server: VideoServer, clip: bytes) -> None:
    """Its index is at the end, as encoders write it: it is asked for in parts."""
    server.files["/clip.mp4"] = clip
    assert read(f"http://camera.example:{server.port}/clip.mp4") == FRAMES


@pytest.mark.parametrize("kind", ["mpjpeg", "mpegts"])
def test_R_STR_2_a_camera_that_sends_one_answer_without_end(server: VideoServer, kind: str) -> None:
    server.files["/feed"] = made_clip(kind, FRAMES)
    server.gives_parts = False
    source = checked_source(f"http://camera.example:{server.port}/feed", RULES, resolve)
    seen = 0
    with VideoReader(source, RULES, resolve=resolve) as reader, suppress(SourceLostError):  # it ends in the middle
        for _ in reader.frames():
            seen += 1
    assert seen >= FRAMES - 1


def test_R_STR_2_a_playlist_with_its_segments(server: VideoServer) -> None:
    server.files["/live/list.m3u8"] = playlist("a.ts", "a.ts")
    server.files["/live/a.ts"] = made_clip("mpegts", FRAMES)
    assert read(f"http://camera.example:{server.port}/live/list.m3u8") > FRAMES


def playlist(*segments: str) -> bytes:
    lines = [f"#EXTINF:2.0,\n{segment}" for segment in segments]
    return "\n".join(["#EXTM3U", "#EXT-X-TARGETDURATION:2", *lines, "#EXT-X-ENDLIST", ""]).encode()


def test_R_STR_2_redirects_are_followed_where_they_may_lead(server: VideoServer, clip: bytes, trap: Bait) -> None:
    server.files["/clip.mp4"] = clip
    server.redirects = {"/a": "/b", "/b": f"http://camera.example:{server.port}/clip.mp4"}
    assert read(f"http://camera.example:{server.port}/a") == FRAMES
    for target in (f"http://127.0.0.1:{trap.port}/", f"http://inside.example:{trap.port}/", "file:///etc/passwd"):
        server.redirects["/evil"] = target
        with pytest.raises(SourceRefusedError):
            read(f"http://camera.example:{server.port}/evil")
    server.redirects["/round"] = "/round"
    with pytest.raises(SourceLostError, match="redirects"):
        read(f"http://camera.example:{server.port}/round")


@pytest.mark.parametrize(
    "segment", ["http://127.0.0.1:{port}/a.ts", "file:///etc/passwd", "/etc/passwd", "concat:/etc/passwd|/etc/hosts"]
)
def test_R_STR_2_a_playlist_leads_nowhere_else(server: VideoServer, trap: Bait, segment: str) -> None:
    server.files["/list.m3u8"] = playlist(segment.format(port=trap.port))
    with pytest.raises((SourceLostError, SourceRefusedError)):
        read(f"http://camera.example:{server.port}/list.m3u8")


def test_R_STR_2_a_name_that_changes_its_address_leads_nowhere_else(
    server: VideoServer, clip: bytes, trap: Bait
) -> None:
    """DNS rebinding: connections go to the address that was checked, not to what the name stands for later."""
    server.files["/clip.mp4"] = clip
    answers = iter([["127.0.0.1"]])
    source = checked_source(f"http://camera.example:{server.port}/clip.mp4", RULES, lambda *_: next(answers))
    with VideoReader(source, RULES, resolve=lambda *_: pytest.fail("resolved again")) as reader:
        assert sum(1 for _ in reader.frames()) == FRAMES


def test_R_STR_2_passwords_go_to_their_own_host_alone(server: VideoServer, clip: bytes) -> None:
    with video_server() as other:
        other.files["/clip.mp4"] = clip
        server.redirects["/a"] = f"http://camera.example:{other.port}/clip.mp4"
        assert read(f"http://admin:geheim@camera.example:{server.port}/a") == FRAMES
        assert server.asked[0][1] == "Basic YWRtaW46Z2VoZWlt"
        assert {credential for _, credential in other.asked} == {None}


def test_R_STR_2_a_camera_that_redirects_leads_nowhere_else(trap: Bait) -> None:
    with camera_that_redirects(f"rtsp://127.0.0.1:{trap.port}/a") as port, pytest.raises(SourceRefusedError):
        read(f"rtsp://admin:geheim@camera.example:{port}/a")


def test_R_STR_2_files_of_a_playlist_are_not_opened(tmp_path: Path, trap: Bait) -> None:
    (tmp_path / "list.m3u8").write_bytes(playlist(f"http://127.0.0.1:{trap.port}/a.ts", "/etc/passwd"))
    rules = SourceRules(folders=(tmp_path,))
    with pytest.raises(SourceLostError):
        read("list.m3u8", rules)


@pytest.mark.parametrize(("paced", "pause_s"), [(True, 0.12), (True, 0.0), (False, 0.02)])
def test_R_STR_5_a_file_that_cannot_keep_its_speed_is_decoded_less(
    tmp_path: Path, clip: bytes, paced: bool, pause_s: float
) -> None:
    (tmp_path / "clip.mp4").write_bytes(clip)
    rules = SourceRules(folders=(tmp_path,))
    source = checked_source(str(tmp_path / "clip.mp4"), rules, resolve)
    numbers: list[int] = []
    decoded: list[Decoded] = []
    began_s = time.monotonic()
    with VideoReader(source, rules, paced=paced) as reader:
        for frame in reader.frames():
            numbers.append(frame.number)
            decoded.append(reader.decoded)
            time.sleep(pause_s)
    if paced and pause_s:
        assert Decoded.REFERENCED in decoded
        assert decoded[-1] is not Decoded.ALL
        assert len(numbers) < FRAMES * 2 / 3
        # What was left out is counted; some of the last frames may still have been inside the decoder.
        assert FRAMES - 8 <= numbers[-1] + 1 <= FRAMES
        assert numbers == sorted(set(numbers))
    else:
        assert numbers == list(range(FRAMES))
        assert set(decoded) == {Decoded.ALL}
    if paced:
        assert time.monotonic() - began_s > (FRAMES - 8) / FPS


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\x00" * 5000])
def test_R_STR_4_what_is_no_video_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(SourceLostError, match=r"a\.mp4"):
        read("a.mp4", SourceRules(folders=(tmp_path,)))


def test_R_STR_4_nobody_there_is_told_without_the_password() -> None:
    for scheme in ("http", "rtsp"):
        with pytest.raises(SourceLostError) as told:
            read(f"{scheme}://admin:geheim@camera.example:1/a")
        assert "geheim" not in told.value.detail


def test_R_STR_3_reading_ends_at_once_and_leaves_nothing(tmp_path: Path, clip: bytes) -> None:
    (tmp_path / "clip.mp4").write_bytes(clip)
    rules = SourceRules(folders=(tmp_path,))
    before = set(threading.enumerate())
    with VideoReader(checked_source("clip.mp4", rules), rules) as reader:
        seen = 0
        for _ in reader.frames():
            seen += 1
            reader.end()
    assert seen == 1
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http", "https"])
def test_R_STR_3_a_camera_that_says_nothing_is_left_at_once(scheme: str) -> None:
    """Neither to the request, nor to the greeting of TLS."""
    with bait() as silent:
        left(f"{scheme}://camera.example:{silent.port}/a", until=lambda: bool(silent.held))


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_R_STR_3_a_camera_that_cannot_be_reached_is_left_at_once(scheme: str) -> None:
    """As one that is switched off: nobody refuses the connection, and nobody takes it."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as one, socket.socket() as other:
        for caller in (one, other):
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        time.sleep(0.05)
        left(f"{scheme}://camera.example:{full.getsockname()[1]}/a", until=lambda: True)


def left(source: str, until: Callable[[], bool]) -> None:
    before = set(threading.enumerate())
    with VideoReader(checked_source(source, RULES, resolve), RULES, resolve=resolve) as reader:
        thread = threading.Thread(target=lambda: [list(reader.frames())])
        thread.start()
        while not until():
            time.sleep(0.01)
        time.sleep(0.2)
        assert thread.is_alive()
        reader.end()
        thread.join(5)
        assert not thread.is_alive()
    assert set(threading.enumerate()) <= before


def test_R_STR_2_answers_between_packets_are_read_whatever_their_pieces() -> None:
    stream = (
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 9\r\n\r\nRTSP/1.0 "
        b"$\x00\x00\x05RTSP/"
        b"RTSP/1.0 301 Moved\r\nLocation: rtsp://x/y\r\n\r\n"
    )
    for size in range(1, len(stream)):
        answers = RtspAnswers()
        told = [answers.redirect_in(stream[start : start + size]) for start in range(0, len(stream), size)]
        assert [one for one in told if one is not None] == ["rtsp://x/y"]
