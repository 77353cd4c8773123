"""The inswapper engine on a stand-in of the official contract (the real weights are nobody's to pass on)."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lianpu.engines.face.analyzer import FaceAnalyzer, load_analyzer
from lianpu.engines.face.face import Image
from lianpu.engines.image import decode_image
from lianpu.engines.swap.inswapper import latent_of, read_emap
from lianpu.engines.swap.own import W600K_R50
from lianpu.engines.swap.swapper import Readiness, SwapFaces
from lianpu.errors import PackDamagedError, PackInvalidError, PackLicenceError, SwapEngineNotReadyError
from lianpu.packs.install import import_pack
from lianpu.packs.manifest import Family
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.engines.swap.conftest import FACE, Bench, Installation
from tests.engines.swap.inswapper_network import write_inswapper


def _write_embedder(path: Path) -> None:
    """A stand-in of the contract of ArcFace w600k_r50: colours averaged, times a random matrix."""
    weights = np.random.default_rng(512).normal(size=(3, 512)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["pixels"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["embedding"]),
        ],
        "stand-in",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 512])],
        [numpy_helper.from_array(weights, "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


@pytest.fixture
def arcface_pack(testkit: Path, tmp_path: Path, sessions: OnnxSessionFactory) -> FaceAnalyzer:
    """The real SCRFD 2.5G, and a stand-in recogniser of 512 numbers."""
    embedder = tmp_path / "w600k_r50.onnx"
    _write_embedder(embedder)
    pack = import_pack(
        None,
        tmp_path / "face-packs",
        sessions,
        name="stand-in",
        detector=str(testkit / "models/detection/scrfd_2.5g_bnkps.onnx"),
        embedder=str(embedder),
        accept_licence=True,
    )
    return load_analyzer(pack, sessions)


@pytest.fixture
def with_weights(
    installation: Installation, arcface_pack: FaceAnalyzer, tmp_path: Path, sessions: OnnxSessionFactory
) -> Installation:
    write_inswapper(tmp_path / "inswapper_128.onnx")
    import_pack(tmp_path / "inswapper_128.onnx", installation.home / "packs", sessions, accept_licence=True)
    installation.analyzer = arcface_pack
    return installation


def test_R_SWP_1_one_file_becomes_a_pack_of_the_family_swap(tmp_path: Path, sessions: OnnxSessionFactory) -> None:
    write_inswapper(tmp_path / "inswapper_128.onnx")
    with pytest.raises(PackLicenceError):
        import_pack(tmp_path / "inswapper_128.onnx", tmp_path / "packs", sessions)
    pack = import_pack(tmp_path / "inswapper_128.onnx", tmp_path / "packs", sessions, accept_licence=True)
    assert (pack.name, pack.manifest.family) == ("inswapper_128", Family.SWAP)
    assert pack.manifest.roles.filled() == {}
    (status,) = [
        item for item in PackRegistry(tmp_path / "packs", tmp_path / "none", sessions).list() if not item.embedded
    ]
    assert status.state == "ready"
    with pytest.raises(PackInvalidError, match="find no faces"):
        load_analyzer(pack, sessions)


def test_R_SWP_1_inswapper_swaps_by_the_contract(
    with_weights: Installation, bench: Bench, source_jpeg: bytes, target_jpeg: bytes
) -> None:
    job = bench.job(source_jpeg, target_jpeg)
    result = bench.run(with_weights.engines, "inswapper", job)
    assert (result.faces_swapped, result.provider) == (1, "CPUExecutionProvider")
    difference = np.abs(
        decode_image(job.output.read_bytes()).pixels.astype(int) - decode_image(target_jpeg).pixels
    ).mean(axis=2)
    left, top, right, bottom = FACE
    assert difference[top + 30 : bottom - 30, left + 30 : right - 30].mean() > 8
    assert difference[:40].mean() < 2


def test_R_SWP_1_identity_is_the_embedding_times_the_last_initializer(
    with_weights: Installation, arcface_pack: FaceAnalyzer, source_photo: Image, target_photo: Image, tmp_path: Path
) -> None:
    emap = write_inswapper(tmp_path / "again.onnx")
    engine = with_weights.engines.frames("inswapper")
    source = engine.prepare(source_photo)
    embedding = arcface_pack.embed(source_photo, arcface_pack.detect(source_photo, max_faces=1))[0]
    expected = (embedding / np.linalg.norm(embedding)) @ emap
    expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(source.latent[0], expected, atol=1e-5)
    assert source.latent.shape == (1, 512)
    # Another person's face gives another picture.
    other = engine.prepare(target_photo)
    one, _ = engine.swap(source, target_photo, SwapFaces())
    two, _ = engine.swap(other, target_photo, SwapFaces())
    assert np.abs(one.astype(int) - two).max() > 0


def test_R_SWP_1_emap_is_taken_once_and_pinned(tmp_path: Path) -> None:
    emap = write_inswapper(tmp_path / "net.onnx")
    digest = hashlib.sha256((tmp_path / "net.onnx").read_bytes()).hexdigest()
    cache = tmp_path / "cache"
    np.testing.assert_array_equal(read_emap(tmp_path / "net.onnx", digest, cache), emap)
    pin = json.loads((cache / digest / "emap.json").read_text())
    assert pin == {"network_sha256": digest, "emap_sha256": hashlib.sha256(emap.tobytes()).hexdigest()}
    # From the cache, although the file would now give another.
    write_inswapper(tmp_path / "net.onnx", emap_last=False)
    np.testing.assert_array_equal(read_emap(tmp_path / "net.onnx", digest, cache), emap)
    # What was kept and no longer is what was pinned is taken anew: here, from a file that has none at its end.
    np.save(cache / digest / "emap.npy", emap + 1)
    with pytest.raises(PackDamagedError, match="last initializer"):
        read_emap(tmp_path / "net.onnx", digest, cache)


def test_R_SWP_1_embedding_of_length_zero_is_refused() -> None:
    from lianpu.errors import FaceNotFoundError

    with pytest.raises(FaceNotFoundError):
        latent_of(np.zeros(512), np.eye(512, dtype=np.float32))


def test_R_SWP_1_check_says_what_is_missing(
    installation: Installation,
    arcface_pack: FaceAnalyzer,
    tmp_path: Path,
    sessions: OnnxSessionFactory,
    bench: Bench,
    source_jpeg: bytes,
    target_jpeg: bytes,
) -> None:
    report = installation.engines.check("inswapper")
    assert report.readiness is Readiness.MODEL_MISSING
    assert "lianpu models import" in (report.findings[0].advice or "")
    with pytest.raises(SwapEngineNotReadyError, match="No pack of the family"):
        bench.run(installation.engines, "inswapper", bench.job(source_jpeg, target_jpeg))
    write_inswapper(tmp_path / "inswapper_128.onnx")
    import_pack(tmp_path / "inswapper_128.onnx", installation.home / "packs", sessions, accept_licence=True)
    # The embedded pack's recogniser gives 128 numbers by other landmarks.
    report = installation.engines.check("inswapper")
    assert report.readiness is Readiness.MODEL_MISSING
    assert "w600k_r50" in report.findings[-1].detail
    # The right shape, and another recogniser: it runs, and the face is somebody's.
    installation.analyzer = arcface_pack
    report = installation.engines.check("inswapper")
    assert report.readiness is Readiness.DEGRADED
    assert report.provider == "CPUExecutionProvider"
    files = [file.model_copy(update={"sha256": W600K_R50}) for file in arcface_pack.manifest.files]
    installation.analyzer = replace(
        arcface_pack, manifest=arcface_pack.manifest.model_copy(update={"files": tuple(files)})
    )
    assert installation.engines.check("inswapper", deep=True).readiness is Readiness.READY


def test_R_SWP_1_pack_and_recogniser_are_named_in_the_integrations(
    with_weights: Installation,
    arcface_pack: FaceAnalyzer,
    dlib_pack: FaceAnalyzer,
    sessions: OnnxSessionFactory,
    tmp_path: Path,
) -> None:
    write_inswapper(tmp_path / "other.onnx", emap_last=True)
    import_pack(tmp_path / "other.onnx", with_weights.home / "packs", sessions, name="other", accept_licence=True)
    with_weights.analyzer, with_weights.packs = dlib_pack, {"mine": arcface_pack}
    with_weights.integrate(inswapper={"recogniser": "mine"})
    report = with_weights.engines.check("inswapper")
    assert report.readiness is Readiness.MODEL_MISSING
    assert "Several packs" in report.findings[-1].detail
    with_weights.integrate(inswapper={"recogniser": "mine", "pack": "other"})
    assert with_weights.engines.check("inswapper").readiness is Readiness.DEGRADED


def test_R_SWP_1_another_network_is_no_inswapper(
    with_weights: Installation, arcface_pack: FaceAnalyzer, tmp_path: Path, sessions: OnnxSessionFactory
) -> None:
    from lianpu.engines.swap.inswapper import InswapperPainter

    _write_embedder(tmp_path / "embedder.onnx")
    with pytest.raises(PackInvalidError, match="no inswapper"):
        InswapperPainter(sessions.open(tmp_path / "embedder.onnx"), np.eye(512, dtype=np.float32), arcface_pack)
