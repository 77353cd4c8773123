"""Enhancement networks by their official inputs and outputs; the networks themselves are stand-ins."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.engines.restore.networks import AlignedFaceRestorer, SuperResolution
from lianpu.errors import PackInvalidError
from lianpu.runtime.sessions import Sessions
from tests.engines.restore import stand_ins


def crop_of(side: int) -> np.ndarray:
    return np.random.default_rng(side).integers(0, 255, (side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("side", [256, 512])
def test_R_ENH_3_a_restorer_sees_minus_one_to_one_and_gives_it_back(
    side: int, tmp_path: Path, sessions: Sessions
) -> None:
    restorer = AlignedFaceRestorer(sessions.open(stand_ins.restorer(tmp_path / "r.onnx", side, gain=0.5)))
    assert (restorer.side_px, restorer.has_fidelity, restorer.template) == (side, False, "ffhq")
    crop = crop_of(side)
    restored = restorer.restore(crop, 0.5)
    expected = 127.5 + (crop.astype(float) - 127.5) * 0.5
    assert restored.dtype == np.uint8
    assert np.abs(restored - expected).max() <= 0.5


def test_R_ENH_3_codeformers_weight_is_bound_by_its_type_and_its_image_by_its_rank(
    tmp_path: Path, sessions: Sessions
) -> None:
    restorer = AlignedFaceRestorer(sessions.open(stand_ins.codeformer(tmp_path / "c.onnx")))
    assert restorer.has_fidelity
    crop = crop_of(512)
    np.testing.assert_array_equal(restorer.restore(crop, 1.0), crop)
    blocks = restorer.restore(crop, 0.0)
    assert blocks[:128, :128].std(axis=(0, 1)).max() == 0
    half = restorer.restore(crop, 0.5).astype(float)
    assert np.abs(half - (crop.astype(float) + blocks) / 2).max() <= 1


def test_R_ENH_3_upscalers_see_nought_to_one_and_may_have_a_fixed_size(tmp_path: Path, sessions: Sessions) -> None:
    free = SuperResolution({4: sessions.open(stand_ins.upscaler(tmp_path / "u.onnx", 4))}, tile_px=128, overlap_px=24)
    assert (free.scales, free.tile_px, free.has_fixed_tiles, free.overlap_px) == ((4,), 128, False, 24)
    tile = crop_of(40)
    np.testing.assert_allclose(free.enlarge(tile, 4), tile.repeat(4, axis=0).repeat(4, axis=1), atol=1e-3)
    fixed = SuperResolution(
        {2: sessions.open(stand_ins.upscaler(tmp_path / "f.onnx", 2, side=64))}, tile_px=128, overlap_px=24
    )
    assert (fixed.tile_px, fixed.has_fixed_tiles, fixed.overlap_px) == (64, True, 16)


def test_R_ENH_3_networks_of_another_kind_are_refused(tmp_path: Path, sessions: Sessions) -> None:
    upscaler = sessions.open(stand_ins.upscaler(tmp_path / "u.onnx", 4))
    with pytest.raises(PackInvalidError, match="fixed S"):
        AlignedFaceRestorer(upscaler)
    with pytest.raises(PackInvalidError, match="enlarges by 4"):
        SuperResolution({2: upscaler}, tile_px=128, overlap_px=24)
    codeformer = sessions.open(stand_ins.codeformer(tmp_path / "c.onnx"))
    with pytest.raises(PackInvalidError, match="an upscaler takes one image"):
        SuperResolution({1: codeformer}, tile_px=128, overlap_px=24)
