"""R-SWP 4: whatever engine makes whatever output, there is no way to one without its labels."""

import ast
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import lianpu.swap
from lianpu.engines.face.face import Box, Image
from lianpu.engines.image import ImageFormat, ImageLimits, decode_image, encode_png
from lianpu.engines.provenance.labelling import Labeller
from lianpu.engines.provenance.manifest import ManifestSigner
from lianpu.engines.provenance.origin import DigitalSource, LabelKind, Origin
from lianpu.engines.provenance.signing_key import make_credentials
from lianpu.engines.provenance.verification import Verifier
from lianpu.engines.provenance.visible_label import FOUND_LEAST, VisibleLabel
from lianpu.engines.provenance.watermark import read
from lianpu.engines.swap.engine import SWAP_ENGINE_GROUP
from lianpu.engines.swap.swapper import (
    Cancelled,
    EngineReport,
    OnProgress,
    Readiness,
    SwapCancelled,
    SwapCapabilities,
    SwapFaces,
    SwapJob,
    SwapKind,
    SwapResult,
)
from lianpu.errors import LabellingError, SwapCrashedError, SwapFaceNotFoundError
from lianpu.provenance.assembly import _rewrite
from lianpu.streams.frames import Frame
from lianpu.swap.live.live import Painter
from lianpu.swap.making import Progress, Wanted, make
from tests.streams.clips import photo_clip

pytestmark = pytest.mark.slow

SOURCES = Path(lianpu.swap.__file__).parent
ENGINES = ("deep-live-cam", "facefusion", "inswapper", "iroop", "landmark")
ORIGIN = Origin(DigitalSource.SWAP, 0x1122334455667788, "Lianpu", "any", "1")


class Inverting:
    """An engine of any name, whose swap is easily told: it turns colours round."""

    def __init__(self, name: str, fails: Callable[[SwapJob], None] | None = None) -> None:
        self.name = name
        self._fails = fails

    def capabilities(self) -> SwapCapabilities:
        return SwapCapabilities(frozenset(SwapKind), ("cpu",), False, False, "none", True, True)

    def check(self, *, deep: bool = False) -> EngineReport:
        return EngineReport(self.name, Readiness.READY, "1", "cpu", [])

    def run(self, job: SwapJob, on_progress: OnProgress, cancelled: Cancelled) -> SwapResult:
        if cancelled():
            raise SwapCancelled
        if self._fails is not None:
            self._fails(job)
        if job.kind is SwapKind.IMAGE:
            job.output.write_bytes(encode_png(255 - decode_image(job.target.read_bytes()).pixels))
        else:
            _rewrite(job.target, job.output, lambda picture: 255 - picture)
        return SwapResult(job.output, self.name, "1", "cpu", 1, 1, False, ())

    def prepare(self, source: Image) -> object:
        return source

    def follow(self, faces: SwapFaces) -> Callable[[object, Image], tuple[Image, Sequence[Box]]]:
        return lambda source, frame: (255 - frame, [Box(0, 0, 10, 10)])


class Shelf:
    def __init__(self, engine: Inverting) -> None:
        self._engine = engine

    def frames(self, name: str) -> Inverting:
        return self._engine


@pytest.fixture(scope="module")
def picture(astronaut_photo: bytes) -> Image:
    return decode_image(astronaut_photo).pixels[:320, 100:420].copy()


@pytest.fixture(scope="module")
def parts() -> tuple[Labeller, Verifier]:
    credentials = make_credentials("a test", datetime.now(UTC))
    return Labeller(lambda: ManifestSigner(credentials), _rewrite), Verifier(credentials.anchor, ImageLimits())


def wanted(folder: Path, picture: Image, kind: SwapKind, *, preview: bool, output_format: ImageFormat) -> Wanted:
    target = folder / ("target.png" if kind is SwapKind.IMAGE else "target.mp4")
    target.write_bytes(encode_png(picture) if kind is SwapKind.IMAGE else photo_clip([picture], 4))
    return Wanted(
        kind, picture, target, folder / "work", folder / "out", SwapFaces(), preview, output_format, True, 60.0
    )


def test_R_SWP_4_these_are_all_the_engines_and_all_the_kinds() -> None:
    assert sorted(entry_points(group=SWAP_ENGINE_GROUP).names) == list(ENGINES)
    assert set(SwapKind) == {SwapKind.IMAGE, SwapKind.VIDEO, SwapKind.LIVE}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("kind", "preview", "output_format"),
    [
        (SwapKind.IMAGE, False, ImageFormat.JPEG),
        (SwapKind.IMAGE, False, ImageFormat.PNG),
        (SwapKind.IMAGE, False, ImageFormat.WEBP),
        (SwapKind.IMAGE, True, ImageFormat.PNG),
        (SwapKind.VIDEO, False, ImageFormat.JPEG),
        (SwapKind.VIDEO, True, ImageFormat.JPEG),
    ],
)
def test_R_SWP_4_every_file_of_every_engine_carries_every_label(
    parts: tuple[Labeller, Verifier],
    picture: Image,
    tmp_path: Path,
    engine: str,
    kind: SwapKind,
    preview: bool,
    output_format: ImageFormat,
) -> None:
    asked = wanted(tmp_path, picture, kind, preview=preview, output_format=output_format)
    made = make(asked, Inverting(engine), parts[0], ORIGIN, Progress())
    assert set(made.labelled.labels) == set(LabelKind)
    report = parts[1].verify(asked.output)
    assert set(report.survived) == set(LabelKind)
    assert report.marks == [ORIGIN.mark]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", asked.target.name]


@pytest.mark.parametrize("engine", ENGINES)
def test_R_SWP_4_every_frame_of_every_live_engine_carries_its_labels(
    parts: tuple[Labeller, Verifier], picture: Image, engine: str
) -> None:
    label = parts[0].frames(ORIGIN, visible=True)
    painter = Painter.made(Shelf(Inverting(engine)), engine, picture, SwapFaces(), label, 80)  # type: ignore[arg-type]
    shown, jpeg, has_face = painter.paint(Frame(0, picture, 0.0))
    assert has_face
    for one in (shown, decode_image(jpeg).pixels):
        assert VisibleLabel().find(one) >= FOUND_LEAST
        reading = read([one])
        assert reading is not None
        assert reading.mark == ORIGIN.mark


@pytest.mark.parametrize("kind", [SwapKind.IMAGE, SwapKind.VIDEO])
def test_R_SWP_4_where_labelling_fails_there_is_no_output(picture: Image, tmp_path: Path, kind: SwapKind) -> None:
    def no_signer() -> ManifestSigner:
        raise LabellingError("cannot be signed")

    asked = wanted(tmp_path, picture, kind, preview=False, output_format=ImageFormat.PNG)
    with pytest.raises(LabellingError):
        make(asked, Inverting("any"), Labeller(no_signer, _rewrite), ORIGIN, Progress())
    assert [path.name for path in tmp_path.iterdir()] == [asked.target.name]


def test_R_SWP_2_what_an_engine_raises_leaves_nothing(
    parts: tuple[Labeller, Verifier], picture: Image, tmp_path: Path
) -> None:
    def crash(job: SwapJob) -> None:
        job.output.write_bytes(b"half of an output")
        raise SwapCrashedError("it crashed")

    asked = wanted(tmp_path, picture, SwapKind.IMAGE, preview=False, output_format=ImageFormat.PNG)
    with pytest.raises(SwapCrashedError):
        make(asked, Inverting("any", crash), parts[0], ORIGIN, Progress())
    progress = Progress()
    progress.stopped.set()
    with pytest.raises(SwapCancelled):
        make(asked, Inverting("any"), parts[0], ORIGIN, progress)
    assert [path.name for path in tmp_path.iterdir()] == [asked.target.name]


def test_R_SWP_2_a_preview_looks_for_a_frame_with_a_face(
    parts: tuple[Labeller, Verifier], picture: Image, tmp_path: Path
) -> None:
    tried: list[str] = []

    def no_face_at_first(job: SwapJob) -> None:
        tried.append(job.target.name)
        if len(tried) < 2:
            raise SwapFaceNotFoundError("nobody is there yet")

    asked = wanted(tmp_path, picture, SwapKind.VIDEO, preview=True, output_format=ImageFormat.JPEG)
    asked.target.write_bytes(photo_clip([picture], 45))
    made = make(asked, Inverting("any", no_face_at_first), parts[0], ORIGIN, Progress())
    assert (len(tried), made.frames) == (2, 1)


def test_R_SWP_4_only_the_labeller_and_the_live_painter_write_pictures() -> None:
    """A new call of an encoder, or of an engine, in the service would have to be looked at here."""
    watched = {"encode_jpeg", "encode_png", "encode_photo", "rewrite", "label", "run", "swap", "follow", "imwrite"}
    found = {
        (path.relative_to(SOURCES).as_posix(), name)
        for path in SOURCES.rglob("*.py")
        for name in _called(ast.parse(path.read_text(encoding="utf-8")))
        if name in watched
    }
    assert found == {
        # The engine's own target, in the folder that goes.
        ("making.py", "encode_png"),
        ("making.py", "run"),
        ("making.py", "label"),
        # Of the labelled frame alone.
        ("live/live.py", "encode_jpeg"),
        ("live/live.py", "follow"),
        # Of the queue that paints.
        ("live/live.py", "run"),
    }


def _called(tree: ast.AST) -> set[str]:
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {call.attr for call in calls if isinstance(call, ast.Attribute)}
    return names | {call.id for call in calls if isinstance(call, ast.Name)}
