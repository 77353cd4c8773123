"""The pipeline on a real clip: the two known people get their names and keep them, everybody else stays unnamed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lianpu.engines.face.analyzer import FaceAnalyzer, load_analyzer
from lianpu.engines.face.face import Box, DetectedFace, Embeddings, Image
from lianpu.engines.image import decode_image
from lianpu.engines.lettering import Lettering
from lianpu.packs.install import import_pack
from lianpu.packs.metric import Metric, score_of
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.streams.addresses import SourceRules, checked_source
from lianpu.streams.frames import Frame
from lianpu.streams.pipeline import Person, Pipeline, PipelineOptions, Probe
from lianpu.streams.reading import VideoReader
from lianpu.streams.voting import Recognised

pytestmark = pytest.mark.slow

PEOPLE = {
    "Lin-Manuel Miranda": "lin_manuel_miranda/lin-manuel-miranda.png",
    "Barack Obama": "obama/obama_small.jpg",
    "Joe Biden": "biden/biden.jpg",
    "Kit Harington": "kit_harington/john1.jpeg",
}
CUT_AT = (82, 211)
FPS = 29.97


@pytest.fixture(scope="module")
def analyzer(testkit: Path, tmp_path_factory: pytest.TempPathFactory) -> FaceAnalyzer:
    packs, models, sessions = tmp_path_factory.mktemp("packs"), testkit / "models", OnnxSessionFactory()
    import_pack(
        None,
        packs,
        sessions,
        name="kit",
        detector=str(models / "detection/scrfd_2.5g_bnkps.onnx"),
        embedder=str(models / "recognition/mobilefacenet_foamliu_arc.onnx"),
        accept_licence=True,
    )
    pack = PackRegistry(packs, packs / "cache", sessions).get("kit")
    return load_analyzer(pack, sessions)


class Gallery:
    """One photo a person, searched like the real one."""

    def __init__(self, analyzer: FaceAnalyzer, folder: Path) -> None:
        self._analyzer = analyzer
        rows = []
        for file in PEOPLE.values():
            photo = decode_image((folder / file).read_bytes()).pixels
            [row] = analyzer.embed(photo, analyzer.detect(photo, max_faces=1))
            rows.append(row / np.linalg.norm(row))
        self._rows = np.stack(rows)

    def answers(self, probes: Sequence[Probe]) -> list[tuple[int, Recognised, str | None]]:
        found: list[tuple[int, Recognised, str | None]] = []
        for probe in probes:
            cosines = self._rows @ (probe.embedding / np.linalg.norm(probe.embedding))
            best = int(cosines.argmax())
            score = score_of(Metric.COSINE, float(cosines[best]))
            margin = score - self._analyzer.threshold
            name = list(PEOPLE)[best] if margin >= 0 else None
            found.append((probe.track_id, Recognised(name, score, margin, probe.quality), name))
        return found


def test_R_STR_5_known_people_are_named_once_and_others_never(testkit: Path, analyzer: FaceAnalyzer) -> None:
    gallery = Gallery(analyzer, testkit / "images/video_people")
    pipeline = Pipeline(analyzer, PipelineOptions(), Lettering(fonts=[]))
    rules = SourceRules(folders=(testkit / "videos",))
    named: list[tuple[int, str]] = []
    everybody: dict[int, Person] = {}
    with VideoReader(checked_source("short_hamilton_clip.mp4", rules), rules, paced=False) as reader:
        for frame in reader.frames():
            if not pipeline.is_due(frame):
                continue
            frame.moment_s = frame.number / FPS
            seen = pipeline.look(frame)
            for person in pipeline.take_names(gallery.answers(seen.probes)):
                named += [(frame.number, person.name)] if person.name is not None else []
            everybody |= {person.track.id: person for person in pipeline.persons}
    # The singer's scene lies between the two cuts, the listener's after the second one.
    assert [name for _, name in named] == ["Lin-Manuel Miranda", "Barack Obama"]
    assert CUT_AT[0] <= named[0][0] < CUT_AT[1] <= named[1][0]
    assert sum(person.voting.renamed for person in everybody.values()) == 0
    assert sum(person.name is None for person in everybody.values()) >= 4
    known = [person for person in everybody.values() if person.name is not None]
    assert all(person.crop is not None and person.crop.startswith(b"\xff\xd8") for person in known)


class Scene:
    """Faces that are where a test puts them; a face's embedding is what the test says."""

    metric = Metric.COSINE

    def __init__(self) -> None:
        self.faces: list[tuple[float, float, np.ndarray]] = []

    def detect(self, image: Image, *, max_faces: int | None = None) -> list[DetectedFace]:
        return [DetectedFace(Box(x, y, x + 90, y + 90), 0.9, None) for x, y, _ in self.faces[:max_faces]]

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> Embeddings:
        by_place = {(x, y): embedding for x, y, embedding in self.faces}
        return np.stack([by_place[face.box.x1, face.box.y1] for face in faces])


ANN, BOB = (np.eye(8, dtype=np.float32)[place] for place in (0, 1))
NOISE = np.random.default_rng(1).integers(0, 255, (240, 320, 3), dtype=np.uint8)


def frame(number: int, pixels: np.ndarray = NOISE) -> Frame:
    return Frame(number, pixels, number / 25)


def test_R_STR_5_a_box_that_goes_over_to_another_face_loses_its_name() -> None:
    scene, everything = Scene(), PipelineOptions(min_quality=0.0, recheck_s=0.5)
    pipeline = Pipeline(scene, everything, Lettering(fonts=[]))
    ids: list[set[int]] = []
    for number in range(0, 200, 5):
        scene.faces = [(100.0, 100.0, ANN if number < 80 else BOB)]
        seen = pipeline.look(frame(number))
        pipeline.take_names(
            [(probe.track_id, Recognised("ann", 0.9, 0.2, 0.8), "Ann") for probe in seen.probes if number < 80]
        )
        ids.append({person.track.id for person in pipeline.persons})
    assert ids[10] == {1}
    [person] = pipeline.persons
    assert (person.track.id != 1, person.name) == (True, None)


def test_R_STR_5_after_a_cut_a_face_is_found_again_by_its_embedding() -> None:
    scene = Scene()
    pipeline = Pipeline(scene, PipelineOptions(min_quality=0.0), Lettering(fonts=[]))
    for number in range(0, 30, 5):
        scene.faces = [(10.0, 100.0, ANN), (200.0, 100.0, BOB)]
        pipeline.look(frame(number))
    before = {person.track.id: tuple(person.embedding) for person in pipeline.persons if person.embedding is not None}
    for number in range(30, 60, 5):
        scene.faces = [(10.0, 100.0, BOB), (200.0, 100.0, ANN)]
        pipeline.look(frame(number, NOISE // 2))
    after = {person.track.id: tuple(person.embedding) for person in pipeline.persons if person.embedding is not None}
    assert before == after
    lefts = {person.track.id: round(float(person.track.box[0])) for person in pipeline.persons}
    assert lefts == {
        next(one for one in before if before[one] == tuple(ANN)): 200,
        next(one for one in before if before[one] == tuple(BOB)): 10,
    }


def test_R_STR_5_a_face_is_embedded_seldom() -> None:
    scene = Scene()
    pipeline = Pipeline(scene, PipelineOptions(min_quality=0.0), Lettering(fonts=[]))
    scene.faces = [(100.0, 100.0, ANN)]
    probes = 0
    for number in range(0, 25 * 20, 3):
        seen = pipeline.look(frame(number))
        probes += len(seen.probes)
        pipeline.take_names([(probe.track_id, Recognised("ann", 0.9, 0.2, 0.8), "Ann") for probe in seen.probes])
    assert 4 <= probes <= 5  # once, and every five seconds of the twenty


def test_R_STR_6_who_is_not_live_is_not_searched_for() -> None:
    scene = Scene()
    pipeline = Pipeline(
        scene, PipelineOptions(min_quality=0.0), Lettering(fonts=[]), judge_live=lambda _, faces: [False] * len(faces)
    )
    scene.faces = [(100.0, 100.0, ANN)]
    assert [pipeline.look(frame(number)).probes for number in range(0, 50, 5)] == [[]] * 10
    assert [person.is_live for person in pipeline.persons] == [False]
