"""R-LIB 13: how well the inbox tells real people apart, measured on photos of LFW by pairs.

Of all pairs of faces that it puts together, the share that are one person (precision); of all pairs that are one
person, the share that it puts together (recall). The bars lie a little below what was measured, over several orders of
arrival.
"""

import zipfile
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import comb
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.database.session import Database
from lianpu.engines.face.analyzer import AnalyzerOptions, FaceAnalyzer, load_analyzer
from lianpu.engines.image import decode_image
from lianpu.packs.install import import_pack
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.streams.pipeline import Person
from tests.streams.inbox.conftest import RULES, MakeInbox

pytestmark = pytest.mark.anyio
Photos = list[tuple[str, bytes]]
"""(whom it shows, JPEG)"""
EVERYTHING = replace(RULES, min_quality=0.0, max_faces=10_000, faces_per_unknown=10_000)


@dataclass(frozen=True)
class Faces:
    names: list[str]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class PairRates:
    precision: float
    recall: float


def faces_of(analyzer: FaceAnalyzer, photos: Photos) -> Faces:
    """The face in the middle of each photo in which one is found."""

    def vector_of(photo: tuple[str, bytes]) -> NDArray[np.float32] | None:
        pixels = decode_image(photo[1]).pixels
        height, width = pixels.shape[:2]
        faces = analyzer.detect(pixels)
        if not faces:
            return None
        middle = min(
            faces, key=lambda one: abs(one.box.x1 + one.box.x2 - width) + abs(one.box.y1 + one.box.y2 - height)
        )
        return analyzer.embed(pixels, [middle])[0]

    with ThreadPoolExecutor(2) as threads:
        vectors = list(threads.map(vector_of, photos))
    found = [(name, vector) for (name, _), vector in zip(photos, vectors, strict=True) if vector is not None]
    return Faces([name for name, _ in found], np.stack([vector for _, vector in found]))


def pairs(groups: Iterable[object]) -> int:
    return sum(comb(count, 2) for count in Counter(groups).values())


async def measured(
    make_inbox: MakeInbox, database: Database, analyzer: FaceAnalyzer, seen: Person, faces: Faces, seed: int
) -> PairRates:
    """Faces come into an empty inbox one by one, in random order."""
    inbox = make_inbox(EVERYTHING)
    order = np.random.default_rng(seed).permutation(len(faces.names))
    await inbox.keep("stream", analyzer, [replace(seen, embedding=faces.vectors[place]) for place in order])
    names = {faces.vectors[place].tobytes(): faces.names[place] for place in order}
    async with inbox.change() as repository:
        rows = await repository.vectors_of_pack((analyzer.pack_name, analyzer.pack_version))
        await repository.delete_all()
    assert len(rows) == len(order)
    told = [(unknown_id, names[vector.tobytes()]) for unknown_id, vector in rows]
    right = pairs(told)
    return PairRates(right / pairs(one for one, _ in told), right / pairs(name for _, name in told))


@pytest.fixture(scope="module")
def mobilefacenet(testkit: Path, tmp_path_factory: pytest.TempPathFactory) -> FaceAnalyzer:
    packs, models, sessions = tmp_path_factory.mktemp("packs"), testkit / "models", OnnxSessionFactory(threads=1)
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
    return load_analyzer(pack, sessions, AnalyzerOptions(detector_input_size=320))


@pytest.fixture(scope="module")
def fifty(testkit: Path) -> Photos:
    """Fifty people, four photos each."""
    return [(file.parent.name, file.read_bytes()) for file in sorted((testkit / "images/lfw_small").glob("*/*.jpg"))]


@pytest.fixture(scope="module")
def many(testkit: Path) -> Photos:
    """Every sixth person of LFW View 2, mostly of one photo."""
    with zipfile.ZipFile(testkit / "images/lfw_view2.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        people = sorted({name.rsplit("/", 2)[-2] for name in names})
        chosen = set(people[::6])
        return [(name.rsplit("/", 2)[-2], archive.read(name)) for name in names if name.rsplit("/", 2)[-2] in chosen]


@pytest.mark.slow
async def test_R_LIB_13_fifty_people_are_told_apart_by_mobilefacenet(
    make_inbox: MakeInbox,
    database: Database,
    mobilefacenet: FaceAnalyzer,
    fifty: Photos,
    people: list[list[Person]],
) -> None:
    faces = faces_of(mobilefacenet, fifty)
    assert len(faces.names) >= 198
    rates = await measured(make_inbox, database, mobilefacenet, people[0][0], faces, seed=0)
    assert rates.precision >= 0.97
    assert rates.recall >= 0.94


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_R_LIB_13_fifty_people_are_told_apart_by_dlib(
    make_inbox: MakeInbox, database: Database, dlib: FaceAnalyzer, fifty: Photos, people: list[list[Person]], seed: int
) -> None:
    rates = await measured(make_inbox, database, dlib, people[0][0], faces_of(dlib, fifty), seed)
    assert rates.precision >= 0.92
    assert rates.recall >= 0.88


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_R_LIB_13_seven_hundred_people_are_told_apart_by_mobilefacenet(
    make_inbox: MakeInbox,
    database: Database,
    mobilefacenet: FaceAnalyzer,
    many: Photos,
    people: list[list[Person]],
) -> None:
    faces = faces_of(mobilefacenet, many)
    for seed in range(3):
        rates = await measured(make_inbox, database, mobilefacenet, people[0][0], faces, seed)
        assert rates.precision >= 0.92
        assert rates.recall >= 0.95
