"""R-OPS 3: the ratio to insightface, of one photo and the same weights on both sides."""

from pathlib import Path

import pytest

from lianpu.capacity.example import portrait_jpeg
from lianpu.capacity.reference import compare, why_none
from lianpu.capacity.report import NoReference
from lianpu.engines.face.analyzer import load_analyzer
from lianpu.packs.install import import_pack
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.sessions import Sessions


def test_R_OPS_3_a_pack_of_other_networks_has_no_ratio(translated_packs: Path, tmp_path: Path) -> None:
    pack = PackRegistry(tmp_path, translated_packs, OnnxSessionFactory(["cpu"])).get("dlib")
    assert why_none(pack) is NoReference.OTHER_NETWORKS


# insightface calls scikit-image in a way that is to go.
@pytest.mark.filterwarnings("ignore:`estimate` is deprecated:FutureWarning")
@pytest.mark.slow
def test_R_OPS_3_both_sides_find_the_face_and_are_timed(testkit: Path, tmp_path: Path) -> None:
    onnx = OnnxSessionFactory(["cpu"])
    pack = import_pack(
        None,
        tmp_path / "packs",
        onnx,
        name="kit",
        detector=str(testkit / "models/detection/scrfd_500m_kps_640.onnx"),
        embedder=str(testkit / "models/recognition/mobilefacenet_foamliu_arc.onnx"),
        accept_licence=True,
    )
    assert why_none(pack) is None
    copies = tmp_path / "copies"
    copies.mkdir()
    found = compare(
        pack,
        load_analyzer(pack, Sessions(onnx)),
        portrait_jpeg(),
        copies,
        input_size=640,
        providers=["CPUExecutionProvider"],
        callers=2,
        seconds=0,
        rounds=2,
    )
    assert found.ratio == pytest.approx(found.ours_per_s / found.theirs_per_s)
    assert min(found.ours_per_s, found.theirs_per_s) > 0
    assert found.version[0].isdigit()
