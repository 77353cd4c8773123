"""Fixtures of the face-swap engines' tests: the embedded pack, photos, short videos, jobs, made-up installations."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest
import tomli_w

from lianpu.engines.face.analyzer import FaceAnalyzer, load_analyzer
from lianpu.engines.face.face import Image
from lianpu.engines.image import decode_image, encode_jpeg
from lianpu.engines.swap.engine import SwapContext, SwapEngines
from lianpu.engines.swap.integrations import read_integrations
from lianpu.engines.swap.swapper import SwapFaces, SwapJob, SwapKind, SwapResult
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory

PROGRAMS = Path(__file__).parent / "programs"
FACE = (74, 104, 206, 236)
"""Where the target photo's face lies: left, top, right, bottom."""


@pytest.fixture(scope="session")
def sessions() -> OnnxSessionFactory:
    return OnnxSessionFactory(["cpu"])


@pytest.fixture(scope="session")
def dlib_pack(translated_packs: Path, sessions: OnnxSessionFactory) -> FaceAnalyzer:
    return load_analyzer(PackRegistry(translated_packs / "none", translated_packs, sessions).get("dlib"), sessions)


@pytest.fixture(scope="session")
def source_photo(astronaut_photo: bytes) -> Image:
    """[280, 280, 3] RGB, one face."""
    return np.ascontiguousarray(decode_image(astronaut_photo).pixels[:280, 90:370])


@pytest.fixture(scope="session")
def target_photo(t1_photo: bytes) -> Image:
    """[294, 284, 3] RGB, the largest face of t1.jpg and no other, 137 pixels wide."""
    return np.ascontiguousarray(decode_image(t1_photo).pixels[170:464, 365:649])


@dataclass
class Installation:
    """A home with `integrations.toml`, and the engines that it gives."""

    home: Path
    analyzer: FaceAnalyzer
    sessions: OnnxSessionFactory
    packs: dict[str, FaceAnalyzer] = field(default_factory=dict)

    @property
    def engines(self) -> SwapEngines:
        return SwapEngines(
            SwapContext(
                analyzer=lambda named: self.analyzer if named is None else self.packs[named],
                sessions=lambda _wanted: self.sessions,
                registry=PackRegistry(self.home / "packs", self.home / "cache", self.sessions),
                integrations=lambda: read_integrations(self.home / "integrations.toml"),
                cache=self.home / "cache" / "swap",
            )
        )

    def integrate(self, **tables: dict[str, Any]) -> None:
        content = {name.replace("_", "-"): table for name, table in tables.items()}
        (self.home / "integrations.toml").write_text(tomli_w.dumps(content))


@pytest.fixture
def installation(tmp_path: Path, dlib_pack: FaceAnalyzer, sessions: OnnxSessionFactory) -> Installation:
    (tmp_path / "home").mkdir()
    return Installation(tmp_path / "home", dlib_pack, sessions)


@dataclass
class Bench:
    """Runs jobs, and sees what they leave behind."""

    folder: Path
    progress: list[tuple[float, str]] = field(default_factory=list)

    def job(self, source: bytes, target: bytes, suffix: str = ".jpg", **options: Any) -> SwapJob:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "source.jpg").write_bytes(source)
        (self.folder / f"target{suffix}").write_bytes(target)
        kind = SwapKind.IMAGE if suffix in {".jpg", ".png"} else SwapKind.VIDEO
        options.setdefault("faces", SwapFaces())
        return SwapJob(
            kind,
            self.folder / "source.jpg",
            self.folder / f"target{suffix}",
            self.folder / f"output{suffix}",
            self.folder,
            **options,
        )

    def tell(self, share: float, word: str) -> None:
        self.progress.append((share, word))

    def run(
        self, engines: SwapEngines, name: str, job: SwapJob, cancelled: Callable[[], bool] = lambda: False
    ) -> SwapResult:
        return engines.get(name).run(job, self.tell, cancelled)

    @property
    def left(self) -> list[str]:
        """Files in the job's folder besides its source and target."""
        paths = (path for path in self.folder.rglob("*") if path.stem not in {"source", "target"})
        return sorted(path.relative_to(self.folder).as_posix() for path in paths)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "job")


@pytest.fixture
def source_jpeg(source_photo: Image) -> bytes:
    return encode_jpeg(source_photo, 95)


@pytest.fixture
def target_jpeg(target_photo: Image) -> bytes:
    return encode_jpeg(target_photo, 95)


@dataclass
class Checkout:
    """A made-up installation of an external program, and what its fake noted."""

    name: str
    folder: Path
    orders: dict[str, Any]

    def order(self, **orders: Any) -> None:
        self.orders |= orders
        (self.folder / "fake.json").write_text(json.dumps(self.orders))

    @property
    def table(self) -> dict[str, Any]:
        """Of integrations.toml."""
        return {"folder": str(self.folder), "python": sys.executable, "path": [str(self.folder / "bin")]}

    @property
    def notes(self) -> list[dict[str, Any]]:
        path = self.folder / "ran.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []

    @property
    def alive(self) -> list[int]:
        """Processes that it started and that still run."""
        pids = [note.get("pid") or note["child"] for note in self.notes]
        return [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def make_checkout(tmp_path: Path) -> Callable[[str], Checkout]:
    """A checkout of `facefusion`, `deep-live-cam` or `iroop` with its models, programs and a fake of its script."""

    def make(name: str) -> Checkout:
        folder = tmp_path / name
        folder.mkdir()
        script = "facefusion.py" if name == "facefusion" else "run.py"
        for file in (script, "misbehaviour.py"):
            shutil.copy(PROGRAMS / file, folder)
        (folder / "bin").mkdir()
        for program in ("curl", "ffmpeg", "ffprobe"):
            (folder / "bin" / program).write_text("#!/bin/sh\n")
            (folder / "bin" / program).chmod(0o755)
        if name == "facefusion":
            _place(
                folder / "facefusion/metadata.py", b"METADATA = {\n\t'name': 'FaceFusion',\n\t'version': '3.8.1'\n}\n"
            )
            models = [
                "nsfw_1",
                "nsfw_2",
                "nsfw_3",
                "fairface",
                "yoloface_8n",
                "fan_68_5",
                "2dfan4",
                "xseg_1",
                "bisenet_resnet_34",
            ]
            for model in (*models, "arcface_w600k_r50", "inswapper_128"):
                _place(folder / f".assets/models/{model}.onnx", _MODEL)
                _place(folder / f".assets/models/{model}.hash", b"00000000")
        else:
            version = b"2.1.5" if name == "deep-live-cam" else b"1.3.0"
            _place(folder / "modules/metadata.py", b"name = 'x'\nversion = '" + version + b"'\nedition = ''\n")
            model = "inswapper_128.onnx" if name == "deep-live-cam" else "inswapper_128_fp16.onnx"
            _place(folder / "models" / model, _MODEL)
        checkout = Checkout(name, folder, {"program": name, "mode": "success", "box": FACE})
        checkout.order()
        return checkout

    return make


_MODEL = b"\x08\x07\x12\x07pytorch" + bytes(1_200_000)


def _place(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_clip(
    path: Path,
    photos: list[Image],
    *,
    times_ms: list[int] | None = None,
    fps: int = 12,
    sound: bool = False,
    rotation: int = 0,
    codec: str = "libx264",
) -> Path:
    """A video of the photos, one picture each: with a tone, at given times, or to be turned by its player."""
    height, width = photos[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = (
            width,
            height,
            "yuv420p" if not (width | height) & 1 else "yuv444p",
        )
        stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        voice = container.add_stream("aac", rate=16000) if sound else None
        for number, photo in enumerate(photos):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(photo), format="rgb24")
            frame.pts = times_ms[number] if times_ms else round(number * 1000 / fps)
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if voice is not None:
            seconds = (times_ms[-1] / 1000 if times_ms else len(photos) / fps) + 0.05
            tone = (np.sin(np.arange(int(16000 * seconds)) * 0.2) * 8000).astype(np.int16)[None]
            heard = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
            heard.sample_rate = 16000
            container.mux(voice.encode(heard))
            container.mux(voice.encode(None))
    return path
