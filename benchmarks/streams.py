"""Streams that this machine carries in real time, against a plain loop of OpenCV and InsightFace on the same weights.

720p H.264 at 25 fps with faces in it, SCRFD 500M at 640 and MobileFaceNet; ours looks for faces in every third frame,
the loop in every one. Both run in real time, all streams at once, and one more until they fall behind. Then far more
streams than the machine carries, the latency from a picture's making to the viewer's decoded JPEG, over HTTP both ways,
what viewers cost, and the CPU of one stream by stage. The kit's detector has a fixed input; both sides get it with a
dynamic one, as InsightFace's own file has it. Needs the test kit (`LIANPU_TESTKIT`). Prints Markdown for RESULTS.md.
"""

import argparse
import multiprocessing
import os
import platform
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import av
import cv2
import httpx2
import numpy as np
import onnx

from lianpu.engines.face.analyzer import load_analyzer
from lianpu.engines.face.face import DetectedFace
from lianpu.engines.lettering import Lettering
from lianpu.packs.install import import_pack
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.streams.finding import FrameFinder
from lianpu.streams.frames import Frame
from lianpu.streams.pipeline import Pipeline, PipelineOptions
from lianpu.streams.voting import Recognised

T = TypeVar("T")
Spent = defaultdict[str, list[float]]
"""Seconds of CPU by stage."""
KEY = secrets.token_urlsafe(24)
FPS, WIDTH, HEIGHT, EVERY = 25, 1280, 720, 3
KEPT_UP = 0.95
"""Of the frames that were due, so many must have been looked at."""
WARM_S, MEASURED_S = 8.0, 20.0
ASKED_EVERY_S = 0.2
PARTS = ["loop", "ours", "overload", "latency", "viewers", "stages"]
BITS, BLOCK = 32, 24
"""The time that a picture was made at, drawn into it as black and white blocks."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=24, help="streams at once, at most")
    parser.add_argument("--part", choices=PARTS, action="append", help="all, if none is named")
    parser.add_argument("--overload", type=int, default=48, help="streams of the part overload")
    parser.add_argument("--seconds", type=float, default=MEASURED_S, help="measured each time")
    arguments = parser.parse_args()
    parts = arguments.part or PARTS
    measured_s = arguments.seconds
    kit = Path(os.environ["LIANPU_TESTKIT"])
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        clip = work / "clip.mp4"
        make_clip(kit / "videos" / "short_hamilton_clip.mp4", clip)
        import_weights(kit, work)
        carried = {}
        if "loop" in parts:
            carried["cv2.VideoCapture + insightface"] = most_carried(
                lambda count: run_loops(work, clip, count, measured_s), 8
            )
        if "ours" in parts:
            carried["lianpu"] = most_carried(lambda count: run_ours(kit, work, clip, count, measured_s), arguments.most)
        if carried:
            print("\n| | streams carried in real time |\n|---|---|")
            for name, count in carried.items():
                print(f"| {name} | {count} |")
        if "overload" in parts:
            print_overload(kit, work, clip, arguments.overload, measured_s)
        if "latency" in parts:
            print_latency(kit, work, clip, measured_s)
        if "viewers" in parts:
            print_viewers(kit, work, clip, measured_s)
        if "stages" in parts:
            print_stages(work, clip)


def make_clip(source: Path, target: Path) -> None:
    """The kit's clip, 720p at 25 fps."""
    with av.open(str(source)) as container, av.open(str(target), "w") as made:
        stream = made.add_stream("libx264", rate=FPS, options={"preset": "medium", "crf": "23", "g": str(2 * FPS)})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in container.decode(video=0):
            pixels = cv2.resize(frame.to_ndarray(format="rgb24"), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
            made.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        made.mux(stream.encode(None))


def import_weights(kit: Path, work: Path) -> None:
    detector = work / "scrfd_500m_kps.onnx"
    save_with_dynamic_input(kit / "models" / "detection" / "scrfd_500m_kps_640.onnx", detector)
    embedder = kit / "models" / "recognition" / "mobilefacenet_insightface_y1.onnx"
    import_pack(
        None,
        work / "packs",
        OnnxSessionFactory(),
        name="bench",
        detector=str(detector),
        embedder=str(embedder),
        accept_licence=True,
    )
    folder = work / "insightface" / "models" / "bench"
    folder.mkdir(parents=True)
    shutil.copyfile(detector, folder / "det_500m.onnx")
    shutil.copyfile(embedder, folder / "w600k_mbf.onnx")


def save_with_dynamic_input(fixed: Path, target: Path) -> None:
    """The same network: inside, nothing of it depends on the size."""
    network = onnx.load(str(fixed))
    shapes = [network.graph.input[0].type.tensor_type.shape.dim[2:]]
    shapes += [output.type.tensor_type.shape.dim[1:2] for output in network.graph.output]
    for place, axes in enumerate(shapes):
        for axis, dimension in enumerate(axes):
            dimension.ClearField("dim_value")
            dimension.dim_param = f"axis_{place}_{axis}"
    onnx.save(network, str(target))


def most_carried(run: Callable[[int], tuple[float, str]], most: int) -> int:
    """One more at a time, until they fall behind."""
    for count in range(1, most + 1):
        share, line = run(count)
        print(f"  {count}: {share:.0%} of the frames that were due; {line}", flush=True)
        if share < KEPT_UP:
            return count - 1
    return most


# The peer.


def run_loops(work: Path, clip: Path, count: int, measured_s: float) -> tuple[float, str]:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    loops = [context.Process(target=plain_loop, args=(work, clip, results, measured_s)) for _ in range(count)]
    for loop in loops:
        loop.start()
    rates = [results.get(timeout=300) for _ in loops]
    for loop in loops:
        loop.join()
    return min(rates) / FPS, f"{min(rates):.1f} fps each"


def plain_loop(work: Path, clip: Path, results: Any, measured_s: float) -> None:
    """As it is written everywhere: read, find and embed, draw, encode, each frame."""
    from insightface.app import FaceAnalysis

    application = FaceAnalysis("bench", root=str(work / "insightface"), allowed_modules=["detection", "recognition"])
    application.prepare(ctx_id=-1, det_size=(640, 640))
    capture = cv2.VideoCapture(str(clip))
    started = due = time.monotonic()
    done = 0
    while (elapsed := time.monotonic() - started) < WARM_S + measured_s:
        read, frame = capture.read()
        if not read:
            capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            continue
        due += 1 / FPS
        time.sleep(max(0.0, due - time.monotonic()))
        for face in application.get(frame):
            x1, y1, x2, y2 = face.bbox.astype(int)
            cv2.rectangle(frame, (x1, y1), (x2, y2), (0, 200, 0), 2)
        cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 80])
        done += elapsed >= WARM_S
    results.put(done / measured_s)


# Ours.


class Served:
    def __init__(self, process: subprocess.Popen[bytes], client: httpx2.Client) -> None:
        self.process = process
        self.client = client

    def start(self, source: str, **fields: object) -> dict:
        body = {"source": source, "pack": "bench", "lifetime_minutes": -1, "detect_every": EVERY, **fields}
        answer = self.client.post("/api/v1/stream/start", json=body)
        answer.raise_for_status()
        return answer.json()["stream"]

    def streams(self) -> list[dict]:
        return self.client.get("/api/v1/stream").json()["streams"]

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(kit: Path, work: Path) -> Iterator[Served]:
    home = work / f"home-{secrets.token_hex(4)}"
    shutil.copytree(work / "packs", home / "packs")
    port = free_port()
    environment = {
        "LIANPU_SERVER__API_KEY": KEY,
        "LIANPU_LIMITS__PER_USER": "null",
        "LIANPU_LIMITS__PER_CLIENT": "null",
        "LIANPU_PACKS__DEFAULT": "bench",
        "LIANPU_STREAMS__FOLDERS": str(work),
        "LIANPU_STREAMS__NETWORKS": "127.0.0.0/8",
        "LIANPU_STREAMS__MAX_ACTIVE": "256",
        "LIANPU_LOGGING__LEVEL": "warning",
    }
    command = [sys.executable, "-m", "lianpu", "serve", "--home", str(home), "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    headers = {"X-API-Key": KEY}
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60, trust_env=False) as client:
        try:
            wait_for(client)
            for person in sorted((kit / "images" / "video_people").iterdir()):
                for photo in sorted(person.iterdir()):
                    fields = {"person_id": person.name, "name": person.name, "face_selection": "largest"}
                    client.post("/api/v1/faces", files={"image": photo.read_bytes()}, data=fields)
            yield Served(process, client)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def run_ours(kit: Path, work: Path, clip: Path, count: int, measured_s: float) -> tuple[float, str]:
    with served(kit, work) as server:
        for _ in range(count):
            server.start(str(clip), loop=True)
        time.sleep(WARM_S)
        before, cpu_before = time.monotonic(), server.cpu_s()
        samples: list[list[dict]] = []
        while time.monotonic() - before < measured_s:
            samples.append([stream["health"] for stream in server.streams()])
            time.sleep(1)
        cpu = (server.cpu_s() - cpu_before) / (time.monotonic() - before)
        live = health_ms(server)
    looked = min(statistics.fmean(moment[place]["processed_fps"] for moment in samples) for place in range(count))
    slowest = max(samples[-1][place]["latency_p95_ms"] or 0 for place in range(count))
    line = f"{looked:.1f} looks a second, p95 {slowest:.0f} ms, {cpu / count:.2f} cores each, /health {live:.0f} ms"
    return looked / (FPS / EVERY), line


def health_ms(server: Served, times: int = 20) -> float:
    """The slowest of some."""
    slowest = 0.0
    for _ in range(times):
        started = time.monotonic()
        server.client.get("/health")
        slowest = max(slowest, time.monotonic() - started)
    return slowest * 1000


def print_latency(kit: Path, work: Path, clip: Path, measured_s: float) -> None:
    frames = decoded(clip)
    with served(kit, work) as server, camera(frames) as address:
        stream = server.start(address)
        seen: list[float] = []
        watch(server, stream["feed_url"], WARM_S + measured_s, lambda jpeg: seen.append(now_ms() - time_in(jpeg)))
    seen = seen[round(len(seen) * WARM_S / (WARM_S + measured_s)) :]
    quantiles = statistics.quantiles(seen, n=20)
    print("\n| | | |\n|---|---|---|")
    print(f"| glass to glass, one stream | p50 {statistics.median(seen):.0f} ms | p95 {quantiles[-1]:.0f} ms |")


def print_viewers(kit: Path, work: Path, clip: Path, measured_s: float) -> None:
    print("\n| one stream | CPU |\n|---|---|")
    for viewers in (0, 1, 50):
        with served(kit, work) as server:
            url = server.start(str(clip), loop=True)["feed_url"]
            threads = [
                threading.Thread(target=watch, args=(server, url, WARM_S + measured_s, None)) for _ in range(viewers)
            ]
            for thread in threads:
                thread.start()
            time.sleep(WARM_S)
            before = server.cpu_s()
            time.sleep(measured_s - 2)
            cpu = (server.cpu_s() - before) / (measured_s - 2)
            for thread in threads:
                thread.join()
        print(f"| {viewers} viewers | {cpu:.2f} cores |")


def watch(server: Served, url: str, seconds: float, on_jpeg: Callable[[bytes], None] | None) -> None:
    """Reads the feed; JPEGs are cut out by their lengths."""
    base = str(server.client.base_url).rstrip("/")
    until = time.monotonic() + seconds
    buffer = b""
    with httpx2.Client(timeout=30, trust_env=False) as client, client.stream("GET", base + url) as response:
        for chunk in response.iter_raw():
            if time.monotonic() > until:
                return
            if on_jpeg is None:
                continue
            buffer += chunk
            while (end := buffer.find(b"\xff\xd9\r\n")) >= 0:
                jpeg = buffer[buffer.find(b"\xff\xd8") : end + 2]
                buffer = buffer[end + 4 :]
                on_jpeg(jpeg)


@contextmanager
def camera(frames: list[np.ndarray]) -> Iterator[str]:
    """An HTTP source that makes each picture when it is due, with the time drawn into it."""

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError, av.FFmpegError):
                self._send()

        def _send(self) -> None:
            with av.open(self.wfile, "w", format="mpegts") as container:
                options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(FPS)}
                stream = container.add_stream("libx264", rate=FPS, options=options)
                stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
                due = time.monotonic()
                for number in range(10**9):
                    due += 1 / FPS
                    time.sleep(max(0.0, due - time.monotonic()))
                    pixels = frames[number % len(frames)].copy()
                    draw_time(pixels, now_ms())
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
                    self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/camera.ts"
    finally:
        server.shutdown()


def now_ms() -> int:
    return round(time.time() * 1000) % (1 << BITS)


def draw_time(pixels: np.ndarray, moment_ms: int) -> None:
    for bit in range(BITS):
        pixels[-BLOCK:, bit * BLOCK : (bit + 1) * BLOCK] = 255 if moment_ms >> bit & 1 else 0


def time_in(jpeg: bytes) -> int:
    grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    scale = grey.shape[1] / WIDTH
    row = grey.shape[0] - round(BLOCK * scale / 2)
    centres = [(round((bit + 0.5) * BLOCK * scale), row) for bit in range(BITS)]
    return sum(1 << bit for bit, (x, y) in enumerate(centres) if grey[y, x] > 127)


def decoded(clip: Path) -> list[np.ndarray]:
    with av.open(str(clip)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def print_overload(kit: Path, work: Path, clip: Path, count: int, measured_s: float) -> None:
    """More than the machine carries: nothing is late for it, and the server answers."""
    with served(kit, work) as server:
        for _ in range(count):
            server.start(str(clip), loop=True)
        time.sleep(2 * WARM_S)
        latencies: list[float] = []
        health: list[float] = []
        until = time.monotonic() + measured_s
        while time.monotonic() < until:
            latencies.append(max(stream["health"]["latency_p95_ms"] or 0 for stream in server.streams()))
            health.append(health_ms(server, 1))
            time.sleep(ASKED_EVERY_S)
        last = [stream["health"] for stream in server.streams()]
    looks = [one["processed_fps"] for one in last]
    print(f"\n| {count} streams at once | |\n|---|---|")
    print(f"| latency p95 of the slowest stream | {max(latencies):.0f} ms |")
    high, slowest = float(np.percentile(health, 95)), max(health)
    print(f"| `/health`, asked {len(health)} times | p95 {high:.0f} ms, slowest {slowest:.0f} ms |")
    print(f"| looks a second, each stream | {min(looks):.1f} to {max(looks):.1f} |")
    print(f"| frames dropped since the start, all streams | {sum(one['dropped_total'] for one in last)} |")


class TimedFinder:
    """Counts the CPU of a pack's own parts."""

    def __init__(self, finder: FrameFinder, spent: Spent) -> None:
        self._finder = finder
        self._spent = spent
        self.metric = finder.metric

    def detect(self, image: np.ndarray, *, max_faces: int | None = None) -> list[DetectedFace]:
        return timed(self._spent["detect"], lambda: self._finder.detect(image, max_faces=max_faces))

    def embed(self, image: np.ndarray, faces: Sequence[DetectedFace]) -> np.ndarray:
        embedded = timed(self._spent["embed"], lambda: self._finder.embed(image, faces))
        self._spent["faces"] += [1.0] * len(faces)
        return embedded


def print_stages(work: Path, clip: Path) -> None:
    """CPU time of one thread, frame after frame, as a stream treats them; nobody is known, which embeds most often."""
    sessions = OnnxSessionFactory(threads=1)
    analyzer = load_analyzer(PackRegistry(work / "packs", work / "cache", sessions).get("bench"), sessions)
    cv2.setNumThreads(1)
    spent: Spent = defaultdict(list)
    finder = TimedFinder(FrameFinder(analyzer), spent)
    pipeline = Pipeline(finder, PipelineOptions(detect_every=EVERY), Lettering())
    frames = 0
    for turn in range(3):
        for picture in pictures(clip, spent):
            frame = Frame(frames, timed(spent["to RGB"], lambda: picture.to_ndarray(format="rgb24")), frames / FPS)  # noqa: B023
            frames += 1
            if pipeline.is_due(frame):
                seen = timed(spent["look"], lambda: pipeline.look(frame))  # noqa: B023
                misses = [(one.track_id, Recognised(None, 0.1, -0.3, one.quality), None) for one in seen.probes]
                pipeline.take_names(misses)
            drawn = timed(spent["draw"], lambda: pipeline.drawn(frame))  # noqa: B023
            timed(spent["JPEG"], lambda: pipeline.encoded(drawn))  # noqa: B023
        if turn == 0:
            # The first turn warms up.
            spent.clear()
            frames_before = frames
    seconds = (frames - frames_before) / FPS
    looked = sum(spent["detect"]) + sum(spent["embed"])
    unwatched = {
        "decode H.264": sum(spent["decode"]),
        "to RGB, frames that are looked at": sum(spent["to RGB"]) / EVERY,
        "detect": sum(spent["detect"]),
        f"embed ({len(spent['faces']) / seconds:.1f} faces a second)": sum(spent["embed"]),
        "quality, tracking, crops": sum(spent["look"]) - looked,
    }
    watched = {
        "to RGB, the other frames": sum(spent["to RGB"]) * (1 - 1 / EVERY),
        "draw": sum(spent["draw"]),
        "JPEG": sum(spent["JPEG"]),
    }
    print("\n| stage | ms of CPU a second of video | share of a core |\n|---|---|---|")
    for title, stages in (("unwatched", unwatched), ("watched, on top", watched)):
        for name, cpu_s in stages.items():
            print(f"| {name} | {1000 * cpu_s / seconds:.1f} | {cpu_s / seconds:.1%} |")
        total = sum(stages.values()) / seconds
        print(f"| **{title}** | **{1000 * total:.1f}** | **{total:.1%}** |")


def pictures(clip: Path, spent: Spent) -> Iterator[av.VideoFrame]:
    with av.open(str(clip)) as container:
        container.streams.video[0].thread_type = "NONE"
        decoding = container.decode(video=0)
        while (picture := timed(spent["decode"], lambda: next(decoding, None))) is not None:
            yield picture


def timed(times: list[float], call: Callable[[], T]) -> T:
    started = time.thread_time()
    answer = call()
    times.append(time.thread_time() - started)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(client: httpx2.Client) -> None:
    for _ in range(600):
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the server does not answer")


if __name__ == "__main__":
    main()
