"""The embedded pack `dlib`: translated once, checked, found again, and mended when its files go bad."""

import os
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lianpu
from lianpu.errors import PackDamagedError, PackIncompleteError, StorageError
from lianpu.packs.embedded import dlib_checks, dlib_pack
from lianpu.packs.embedded.dlib_cascade import Cascade
from lianpu.packs.embedded.dlib_networks import detector_to_onnx
from lianpu.packs.embedded.dlib_pack import cached_dlib_pack, ensure_dlib_pack, load_dlib_pack, rebuild_dlib_pack
from lianpu.packs.folder import digest_problems
from lianpu.packs.manifest import Metric, Pack, parse_manifest
from lianpu.runtime.onnx import OnnxSessionFactory

pytestmark = pytest.mark.slow

SESSIONS = OnnxSessionFactory(["cpu"], threads=2)
MODELS = Path(str(distribution("face_recognition_models").locate_file("face_recognition_models/models")))


@pytest.fixture(scope="module")
def translated(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return ensure_dlib_pack(tmp_path_factory.mktemp("cache"), SESSIONS)


@pytest.fixture
def cache(translated: Pack, tmp_path: Path) -> Path:
    """A cache of the test's own that holds a copy of the translated pack."""
    folder = tmp_path / translated.folder.name
    folder.mkdir()
    for file in translated.folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return tmp_path


@pytest.fixture
def no_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("translated again")

    monkeypatch.setattr(dlib_pack, "_translate", refuse)


def use_distribution(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def fake(_: str) -> SimpleNamespace:
        return SimpleNamespace(locate_file=folder.joinpath)

    monkeypatch.setattr(dlib_pack.importlib.metadata, "distribution", fake)


def off_by_little(monkeypatch: pytest.MonkeyPatch, recorded: str) -> None:
    *right, last = getattr(dlib_checks, recorded)
    monkeypatch.setattr(dlib_checks, recorded, (*right, last + 2 * dlib_checks.TOLERANCE))


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_R_INF_5_the_manifest_says_what_the_pack_is(translated: Pack) -> None:
    text = (translated.folder / "pack.toml").read_text(encoding="utf-8")
    assert parse_manifest(text, "pack.toml") == translated.manifest
    assert "0.563" in text
    manifest = translated.manifest
    assert (manifest.name, manifest.licence.id, manifest.licence.commercial) == ("dlib", "CC0-1.0", True)
    roles = manifest.roles
    assert roles.detector is not None
    assert roles.landmarks is not None
    assert roles.embedder is not None
    assert (roles.detector.engine, roles.landmarks.engine, roles.embedder.engine) == ("mmod", "dlib5", "dlib-resnet")
    assert (roles.embedder.metric, roles.embedder.threshold) == (Metric.EUCLIDEAN, 0.55)
    assert digest_problems(translated) == []


def test_R_INF_5_the_networks_take_any_batch_and_any_size(translated: Pack) -> None:
    embedder = SESSIONS.open(translated.path_of("embedder.onnx"))
    assert embedder.inputs[0].shape == (None, 3, 150, 150)
    assert embedder.outputs[0].shape == (None, 128)
    detector = SESSIONS.open(translated.path_of("detector.onnx"))
    assert detector.inputs[0].shape == (None, 3, None, None)
    scores = detector.run({detector.inputs[0].name: np.zeros((2, 3, 29, 200), dtype=np.float32)})[0]
    assert scores.shape == (2, 1, 1, 22)


def test_R_INF_5_options_are_those_of_the_file() -> None:
    _, options = detector_to_onnx((MODELS / "mmod_human_face_detector.dat").read_bytes(), "mmod")
    assert options.iou_threshold == pytest.approx(0.33827613511)
    assert options.covered_threshold == 1.0


@pytest.mark.usefixtures("no_translation")
def test_R_INF_5_a_translated_pack_is_found_in_milliseconds(cache: Path) -> None:
    started = time.perf_counter()
    pack = ensure_dlib_pack(cache, SESSIONS)
    assert time.perf_counter() - started < 0.1
    assert pack.folder.parent == cache


def test_R_INF_5_another_translator_version_is_another_folder(
    translated: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dlib_pack, "TRANSLATOR_VERSION", dlib_pack.TRANSLATOR_VERSION + 1)
    assert cached_dlib_pack(translated.folder.parent) is None


def test_R_INF_5_a_file_cut_short_is_translated_again(cache: Path) -> None:
    pack = ensure_dlib_pack(cache, SESSIONS)
    path = pack.path_of("detector.onnx")
    path.write_bytes(path.read_bytes()[:-1])
    assert cached_dlib_pack(cache) is None
    assert digest_problems(ensure_dlib_pack(cache, SESSIONS)) == []
    assert [folder.name for folder in cache.iterdir()] == [pack.folder.name]


def test_R_INF_5_a_flipped_bit_is_noticed_at_load_and_translated_again(cache: Path) -> None:
    flip_bit(cached_or_fail(cache).path_of("embedder.onnx"))
    loaded: list[list[str]] = []
    load_dlib_pack(cache, SESSIONS, lambda pack: loaded.append(digest_problems(pack)))
    assert loaded == [[]]


def test_R_INF_5_a_load_that_fails_is_tried_once_more(cache: Path) -> None:
    calls: list[Pack] = []

    def load(pack: Pack) -> str:
        calls.append(pack)
        if len(calls) == 1:
            # Between the digest and the load: what a failing disk does.
            flip_bit(pack.path_of("embedder.onnx"))
            raise PackDamagedError("cannot be loaded")
        return "loaded"

    assert load_dlib_pack(cache, SESSIONS, load) == "loaded"
    assert digest_problems(calls[1]) == []

    def fail(_: Pack) -> None:
        raise PackDamagedError("cannot be loaded")

    with pytest.raises(PackDamagedError, match="cannot be loaded"):
        load_dlib_pack(cache, SESSIONS, fail)


@pytest.mark.usefixtures("no_translation")
def test_R_INF_5_a_whole_pack_is_not_dropped(cache: Path) -> None:
    assert digest_problems(rebuild_dlib_pack(cache, SESSIONS)) == []


def test_R_INF_5_a_translation_with_other_numbers_is_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    off_by_little(monkeypatch, "_SCORES")
    with pytest.raises(PackDamagedError, match="does not reproduce"):
        ensure_dlib_pack(tmp_path, SESSIONS)
    assert list(tmp_path.iterdir()) == []


def test_R_INF_5_other_embeddings_are_refused(translated: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    model = translated.path_of("embedder.onnx")
    dlib_checks.check_embedder(SESSIONS, model)
    off_by_little(monkeypatch, "_EMBEDDING")
    with pytest.raises(PackDamagedError, match="does not reproduce"):
        dlib_checks.check_embedder(SESSIONS, model)


def test_R_INF_5_other_landmark_arrays_are_refused(translated: Pack) -> None:
    with np.load(translated.path_of("landmarks.npz")) as archive:
        cascade = Cascade(**archive)
    dlib_checks.check_cascade(cascade, "landmarks")
    cascade.leaves[7, 300, 3, 2, 1] += 1e-6
    with pytest.raises(PackDamagedError, match="does not hold its numbers"):
        dlib_checks.check_cascade(cascade, "landmarks")


def test_R_INF_5_a_missing_package_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(dlib_pack.importlib.metadata, "distribution", missing)
    with pytest.raises(PackIncompleteError, match=r"without `--slim`.*lianpu\[embedded\]"):
        ensure_dlib_pack(tmp_path, SESSIONS)


def test_R_INF_5_missing_or_altered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "site" / "face_recognition_models" / "models"
    models.mkdir(parents=True)
    use_distribution(monkeypatch, tmp_path / "site")
    with pytest.raises(PackIncompleteError, match=r"dlib_face_recognition_resnet_model_v1\.dat is missing"):
        ensure_dlib_pack(tmp_path / "cache", SESSIONS)
    for source in MODELS.glob("*.dat"):
        if "68" not in source.name:
            (models / source.name).write_bytes(source.read_bytes())
    flip_bit(models / "mmod_human_face_detector.dat")
    with pytest.raises(PackDamagedError, match="not the released file"):
        ensure_dlib_pack(tmp_path / "cache", SESSIONS)


def test_R_INF_5_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot be written"):
        ensure_dlib_pack(tmp_path / "cache", SESSIONS)


def test_R_INF_5_what_a_killed_translation_left_is_removed_after_an_hour(cache: Path) -> None:
    for name, age_s in ((".dlib-old", 7200), (".dlib-new", 60)):
        (cache / name / "dlib").mkdir(parents=True)
        os.utime(cache / name, (time.time() - age_s, time.time() - age_s))
    cached_or_fail(cache).path_of("detector.onnx").unlink()
    pack = ensure_dlib_pack(cache, SESSIONS)
    assert {folder.name for folder in cache.iterdir()} == {".dlib-new", pack.folder.name}


def test_R_INF_5_two_processes_at_once_make_one_pack(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, lianpu\n"
        "from lianpu.packs.embedded.dlib_pack import ensure_dlib_pack\n"
        "from lianpu.runtime.onnx import OnnxSessionFactory\n"
        "print(ensure_dlib_pack(pathlib.Path(sys.argv[1]), OnnxSessionFactory(['cpu'], threads=1)).folder.name)\n"
    )
    source = str(Path(lianpu.__file__).parents[1])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": source},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    folders = {process.communicate(timeout=120)[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert [folder.name for folder in tmp_path.iterdir()] == [*folders]


def test_R_INF_5_a_damaged_detector_file_never_raises_anything_else() -> None:
    original = (MODELS / "mmod_human_face_detector.dat").read_bytes()
    # Headers and structure are where damage matters most: weights are most of the file.
    places = st.one_of(st.integers(0, 400), st.integers(5050, 5700), st.integers(0, len(original) - 1))

    @settings(deadline=None, max_examples=50)
    @given(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4), st.none() | places)
    def check(changes: list[tuple[int, int]], end: int | None) -> None:
        data = bytearray(original)
        for place, value in changes:
            data[place] = value
        try:
            model, _ = detector_to_onnx(bytes(data[:end]), "mmod")
        except PackDamagedError:
            return
        assert len(model) > 700_000

    check()


def cached_or_fail(cache: Path) -> Pack:
    pack = cached_dlib_pack(cache)
    assert pack is not None
    return pack
