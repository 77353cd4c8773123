"""R-OPS 2: a whole installation behind Nginx, parts of which are killed in the middle of everything."""

import threading
import time
import urllib.error
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lianpu.packs.install import import_pack
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.crash.server import API_KEY, CrashingServer
from tests.crash.test_kill import photos
from tests.deploy.proxy import NEEDS_NGINX
from tests.nodes.installation import enrol_batch, items_done
from tests.nodes.scaled import KINDS, Scaled, scaled

__all__ = ["photos"]
pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(900), NEEDS_NGINX]
PHOTOS = 150
ENHANCEMENTS = 50
STREAMS = 4
TAKEOVER_S = 30
TELLS_S = 120
"""Whoever waits for an enhancement of a killed server is told within a minute; the machine is busy."""


@pytest.fixture(scope="module", params=KINDS)
def running(
    request: pytest.FixtureRequest, testkit: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scaled]:
    folder = tmp_path_factory.mktemp("installation")
    import_pack(
        None,
        folder / "home" / "packs",
        OnnxSessionFactory(threads=1),
        name="kit",
        detector=str(testkit / "models/detection/scrfd_2.5g_bnkps.onnx"),
        embedder=str(testkit / "models/recognition/mobilefacenet_foamliu_arc.onnx"),
        accept_licence=True,
    )
    environment = {
        "LIANPU_SERVER__API_KEY": API_KEY,
        "LIANPU_PACKS__DEFAULT": "kit",
        "LIANPU_CONFLICTS__MODE": "off",
        "LIANPU_STREAMS__FOLDERS": str(testkit / "videos"),
        "LIANPU_ENHANCE__PER_USER": "null",
        "LIANPU_ENHANCE__MAX_WAITING": "60",
        "LIANPU_ENHANCE__QUICK_S": "0.001",
        "LIANPU_LOGGING__FORMAT": "json",
    }
    with scaled(request.param, folder / "home", folder, environment) as one:
        yield one


def test_R_OPS_2_whatever_is_killed_in_the_middle_of_everything_nothing_is_lost_untold(
    running: Scaled, photos: list[tuple[str, bytes]], testkit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = running.servers
    streams = [_stream(running.servers[number % 2], testkit / "videos") for number in range(STREAMS)]
    running.until(lambda: all(_is_seen(two, stream) for stream in streams), within_s=120)
    job_id = enrol_batch(two, photos[:PHOTOS])
    enhancements = {
        server.port: [_enhance(server, data) for _, data in photos[: ENHANCEMENTS // 2]] for server in running.servers
    }
    running.until(lambda: items_done(two, job_id) >= 5, within_s=120)

    begun = time.monotonic()
    running.workers[0].kill()
    one.kill()
    running.until(lambda: all(_is_seen(two, stream) for stream in streams), within_s=TAKEOVER_S)
    taken_over_s = time.monotonic() - begun
    running.workers[0].start()
    one.start()

    assert running.redis is not None
    running.redis.stop()
    time.sleep(2)
    running.redis.start()

    running.until(lambda: two.job(job_id)["finished_at"] is not None, within_s=400)
    enrolled_s = time.monotonic() - begun
    job = two.job(job_id)
    assert (job["status"], job["items"]) == ("completed", {"enrolled": PHOTOS}), job
    assert sorted(item["position"] for item in one.items(job_id)) == list(range(PHOTOS))
    checked = one.check()
    assert checked["is_clean"], checked
    assert checked["looked_at"]["images"] == PHOTOS

    ends = {port: Counter(_ended(two, submitted) for submitted in sent) for port, sent in enhancements.items()}
    told = ends[two.port]
    assert sum(told.values()) == sum(ends[one.port].values()) == ENHANCEMENTS // 2
    assert set(told) | set(ends[one.port]) <= {"completed", "cleaned", "failed"}
    running.until(lambda: all(_is_seen(one, stream) for stream in streams), within_s=TAKEOVER_S)
    for stream in streams:
        assert _stop(one, stream)["end_reason"] == "stopped"
    with capsys.disabled():
        print(
            f"\nstreams seen again {taken_over_s:.1f} s after the kill; batch of {PHOTOS} done after {enrolled_s:.1f} s"
        )
        print(f"enhancements of the killed server: {dict(ends[one.port])}; of the other: {dict(told)}")


def test_R_OPS_2_who_is_enrolled_at_one_server_is_found_at_the_other(
    running: Scaled, photos: list[tuple[str, bytes]]
) -> None:
    by_name: dict[str, bytes] = {}
    for name, data in photos:
        by_name.setdefault(name, data)
    for number, (name, data) in enumerate(list(by_name.items())[:10]):
        here, there = running.servers[number % 2], running.servers[1 - number % 2]
        person_id = _post(here, "/api/v1/faces", data, name=name, face_selection="largest")["person"]["person_id"]
        found = there.call("POST", "/api/v1/search", data, {"Content-Type": "image/jpeg"})
        assert person_id in str(found)


def test_R_OPS_2_requests_through_nginx_are_answered_while_one_server_is_killed(running: Scaled) -> None:
    """A server that dies takes the answers with it that it owed, and no other request fails."""
    outcomes: Counter[str] = Counter()
    is_over = threading.Event()
    behind = CrashingServer(running.servers[0].home, {}, running.servers[0].log)
    behind._port = int(running.url.rpartition(":")[2])

    def ask() -> None:
        while not is_over.is_set():
            try:
                behind.call("GET", "/api/v1/faces")
                outcomes["answered"] += 1
            except (urllib.error.URLError, ConnectionError) as error:
                outcomes[type(error).__name__] += 1

    callers = [threading.Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    time.sleep(1)
    running.servers[0].kill()
    time.sleep(3)
    running.servers[0].start()
    time.sleep(1)
    is_over.set()
    for caller in callers:
        caller.join()
    assert outcomes["answered"] > 50
    assert sum(outcomes.values()) - outcomes["answered"] <= len(callers)


def _stream(server: CrashingServer, clips: Path) -> str:
    source = str(clips / "short_hamilton_clip.mp4")
    return str(server.call("POST", "/api/v1/stream/start", source=source, loop=True)["stream"]["stream_id"])


def _is_seen(server: CrashingServer, stream_id: str) -> bool:
    """It runs, and its frames are looked at."""
    stream = server.call("GET", f"/api/v1/stream/{stream_id}")["stream"]
    assert stream["end_reason"] is None, stream
    return stream["state"] == "running" and stream["health"]["processed_fps"] > 0


def _stop(server: CrashingServer, stream_id: str) -> dict[str, Any]:
    return server.call("POST", "/api/v1/stream/stop", stream_id=stream_id)["stream"]


def _enhance(server: CrashingServer, photo: bytes) -> str:
    """Its id. By a network, so that some wait while others run."""
    submitted = _post(
        server, "/api/v1/enhance", photo, enhancement_level="2", restorer="none", upscaler="realesrgan-compact"
    )
    return str(submitted["enhancement"]["enhancement_id"])


def _ended(server: CrashingServer, enhancement_id: str) -> str:
    deadline = time.monotonic() + TELLS_S
    while True:
        found = server.call("GET", f"/api/v1/enhance/{enhancement_id}")["enhancement"]
        if found["status"] not in {"pending", "processing"}:
            return str(found["status"])
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def _post(server: CrashingServer, path: str, photo: bytes, **fields: str) -> Any:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'.encode()
    body = b"".join([*parts, head, photo, f"\r\n--{boundary}--\r\n".encode()])
    return server.call("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
