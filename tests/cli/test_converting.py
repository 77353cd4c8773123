"""`lianpu models convert` with PyTorch: weights made here by spandrel's own architectures, converted, imported, used.

Skipped where the extra `convert` is not installed: it brings some gigabytes.
"""

import importlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lianpu.engines.image import decode_image
from lianpu.engines.restore.networks import AlignedFaceRestorer
from lianpu.errors import ConversionFailedError
from lianpu.packs.pytorch.export import compare_network, export_network
from lianpu.packs.pytorch.libraries import import_libraries
from lianpu.packs.pytorch.network import recognise_weights
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.cli.conftest import Done, Lianpu

# torch warns of itself as it is imported, and architectures of the torch that they are written for.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("default")]
Convert = Callable[..., Done]


@pytest.fixture
def torch() -> Any:
    for name in ("torch", "spandrel", "onnxscript"):
        pytest.importorskip(name, reason="the extra `convert` is not installed")
    module: Any = importlib.import_module("torch")
    module.manual_seed(1)
    return module


def _architecture(name: str) -> Any:
    return getattr(importlib.import_module(f"spandrel.architectures.{name}"), name)


def compact(scale: int, *, channels: int = 3) -> Any:
    """A small Real-ESRGAN compact network: neighbours repeated, and a hundredth of what chance says."""
    network = _architecture("Compact")(num_in_ch=channels, num_out_ch=channels, num_feat=16, num_conv=2, upscale=scale)
    last = network.body[-1]
    last.weight.data *= 0.01
    last.bias.data *= 0.01
    return network


def esrgan_x2() -> Any:
    """Real-ESRGAN x2plus in small: pixels are folded into channels first."""
    return _architecture("ESRGAN")(in_nc=12, out_nc=3, num_filters=8, num_blocks=1, scale=4, shuffle_factor=2)


def swinir() -> Any:
    return _architecture("SwinIR")(
        upscale=2,
        img_size=64,
        window_size=8,
        depths=[2],
        embed_dim=12,
        num_heads=[2],
        mlp_ratio=2,
        upsampler="pixelshuffledirect",
    )


def restoreformer() -> Any:
    return _architecture("RestoreFormer")(
        n_embed=64, embed_dim=64, ch=64, ch_mult=(1, 1, 1, 1, 1, 1), z_channels=64, num_res_blocks=1
    )


def gfpgan() -> Any:
    """In its only size, 350 MB."""
    return _architecture("GFPGAN")(
        out_size=512,
        num_style_feat=512,
        channel_multiplier=2,
        fix_decoder=False,
        num_mlp=8,
        input_is_latent=True,
        different_w=True,
        narrow=1,
        sft_half=True,
    )


@pytest.fixture
def convert(lianpu: Lianpu, tmp_path: Path) -> Convert:
    def converted(weights: Path, *arguments: str) -> Done:
        return lianpu("models", "convert", weights, "--output", tmp_path / "pack", *arguments)

    return converted


def test_R_ENH_3_an_upscaler_is_converted_imported_and_enhances_a_photo(
    torch: Any, convert: Convert, lianpu: Lianpu, home: Path, tmp_path: Path, astronaut_photo: bytes
) -> None:
    torch.save({"params_ema": compact(2).state_dict()}, tmp_path / "Small_x2.pth")
    told = convert(tmp_path / "Small_x2.pth", "--licence", "MIT", "--version", "7")
    assert told.code == 0, told.err
    assert told.err == ""
    assert "RealESRGAN Compact, a network for the role upscaler" in told.out
    assert "lianpu models import" in told.out
    assert sorted(path.name for path in (tmp_path / "pack").iterdir()) == ["pack.toml", "small_x2.onnx"]

    imported = lianpu("models", "import", tmp_path / "pack", "--home", home)
    assert imported.code == 0, imported.err
    assert "small_x2@7 is installed (MIT; commercial use: yes)" in imported.out
    assert lianpu("models", "verify", "small_x2@7", "--home", home).out == "small_x2@7: ok\n"

    (tmp_path / "photo.png").write_bytes(astronaut_photo)
    choice = ("--level", "2", "--upscaler", "small_x2", "--restorer", "none", "--no-preserve-identity")
    enhanced = lianpu("enhance", tmp_path / "photo.png", tmp_path / "large.png", *choice, "--home", home)
    assert enhanced.code == 0, enhanced.err
    repeated = decode_image(astronaut_photo).pixels.repeat(2, axis=0).repeat(2, axis=1)
    large = decode_image((tmp_path / "large.png").read_bytes()).pixels
    assert large.shape == repeated.shape
    differences = np.abs(large.astype(int) - repeated)
    assert 0 < differences.mean() < 1
    # Red for blue, or half the range, would be tens of steps.
    assert differences.max() <= 4


@pytest.mark.parametrize(
    ("file", "make", "scale"),
    [
        ("fold.safetensors", esrgan_x2, 2),
        ("windows.pth", swinir, 2),
        ("legacy.pth", lambda: compact(3), 3),
    ],
)
def test_R_ENH_3_scales_and_formats_are_found_and_photos_of_any_size_go_in(
    torch: Any, convert: Convert, tmp_path: Path, file: str, make: Callable[[], Any], scale: int
) -> None:
    weights = tmp_path / file
    state = make().state_dict()
    if weights.suffix == ".safetensors":
        importlib.import_module("safetensors.torch").save_file(state, weights)
    else:
        torch.save(state, weights, _use_new_zipfile_serialization=file != "legacy.pth")
    told = convert(weights, "--json")
    assert told.code == 0, told.err
    answer = json.loads(told.out)
    assert answer["licence"]["id"] == "LicenseRef-Unknown"
    assert answer["difference"] < 0.01
    (network,) = answer["roles"]["upscaler"]["networks"]
    assert network["scale"] == scale
    session = OnnxSessionFactory(["cpu"]).open(tmp_path / "pack" / network["file"])
    assert session.inputs[0].shape == (1, 3, None, None)
    (result,) = session.run({"image": np.zeros((1, 3, 96, 160), np.float32)})
    assert result.shape == (1, 3, 96 * scale, 160 * scale)


def test_R_ENH_3_tiles_of_one_size_are_had_when_asked_for(torch: Any, convert: Convert, tmp_path: Path) -> None:
    torch.save(swinir().state_dict(), tmp_path / "swin.pth")
    assert convert(tmp_path / "swin.pth", "--tile", "64").code == 0
    session = OnnxSessionFactory(["cpu"]).open(tmp_path / "pack" / "swin.onnx")
    assert session.inputs[0].shape == (1, 3, 64, 64)


@pytest.mark.parametrize("make", [restoreformer, gfpgan])
def test_R_ENH_3_a_restorer_gives_the_pixels_that_pytorch_gives(
    torch: Any, convert: Convert, tmp_path: Path, portraits: list[bytes], make: Callable[[], Any]
) -> None:
    network = make().eval()
    torch.save({"params_ema": network.state_dict()}, tmp_path / "face.pth")
    told = convert(tmp_path / "face.pth")
    assert told.code == 0, told.err
    crop = cv2.resize(decode_image(portraits[0]).pixels, (512, 512))
    restorer = AlignedFaceRestorer(OnnxSessionFactory(["cpu"]).open(tmp_path / "pack" / "face.onnx"))
    assert (restorer.side_px, restorer.has_fidelity) == (512, False)
    planes = np.ascontiguousarray(crop.transpose(2, 0, 1)[None] / np.float32(127.5) - np.float32(1))
    # The noise of the weights themselves, not new one at every run.
    still = {"randomize_noise": False} if make is gfpgan else {}
    with torch.inference_mode():
        expected = network(torch.from_numpy(planes), **still)[0][0].numpy().transpose(1, 2, 0)
    pixels = np.clip((expected + 1) * 127.5, 0, 255)
    assert np.abs(restorer.restore(crop, 0.5) - pixels).max() <= 1
    assert pixels.std() > 1


def test_R_ENH_3_a_restorer_is_imported_and_works_on_the_faces_of_a_photo(
    torch: Any, convert: Convert, lianpu: Lianpu, home: Path, tmp_path: Path, portraits: list[bytes]
) -> None:
    torch.save(restoreformer().state_dict(), tmp_path / "face.pth")
    assert "leave --tile away" in convert(tmp_path / "face.pth", "--tile", "64").err
    assert convert(tmp_path / "face.pth").code == 0
    refused = lianpu("models", "import", tmp_path / "pack", "--home", home)
    assert "[pack_licence_not_accepted]" in refused.err
    assert lianpu("models", "import", tmp_path / "pack", "--accept-licence", "--home", home).code == 0
    (tmp_path / "photo.jpg").write_bytes(portraits[0])
    results: dict[str, bytes] = {}
    for engine in ("face", "none"):
        target = tmp_path / f"{engine}.png"
        choice = ("--level", "1", "--format", "png", "--upscaler", "lanczos", "--no-preserve-identity")
        done = lianpu("enhance", tmp_path / "photo.jpg", target, "--restorer", engine, *choice, "--home", home)
        assert done.code == 0, done.err
        results[engine] = target.read_bytes()
    assert results["face"] != results["none"]


def test_R_ENH_3_networks_that_no_pack_holds_are_refused_by_name(torch: Any, convert: Convert, tmp_path: Path) -> None:
    weights = tmp_path / "net.pth"
    for state, told in (
        (compact(1).state_dict(), "RealESRGAN Compact (Restoration, scale 1, 3 channels in and 3 out)"),
        (compact(2, channels=1).state_dict(), "1 channels in and 1 out"),
        ({"weight": torch.zeros(3)}, "does not know"),
        ({"body.0.weight": torch.zeros(3), "body.1.weight": torch.zeros(3)}, "do not fit their architecture"),
        (torch.zeros(3), "holds no tensors by name"),
        ({1: torch.zeros(3)}, "by other things than names"),
    ):
        torch.save(state, weights)
        done = convert(weights)
        assert done.code == 1
        assert told in done.err
        assert done.err.startswith("error [weights_unusable]: ")
        assert len(done.err.splitlines()) == 1
        assert not (tmp_path / "pack").exists()


class _Program:
    """What a pickle may be: something that runs when it is read."""

    def __init__(self, written: Path) -> None:
        self._written = written

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._written),)


def test_R_ENH_3_code_inside_a_file_of_weights_is_not_run(torch: Any, convert: Convert, tmp_path: Path) -> None:
    for is_zip in (True, False):
        state = {"params": {**compact(2).state_dict(), "extra": _Program(tmp_path / "ran")}}
        torch.save(state, tmp_path / "trap.pth", _use_new_zipfile_serialization=is_zip)
        done = convert(tmp_path / "trap.pth")
        assert done.code == 1
        assert done.err.startswith("error [weights_unusable]: trap.pth holds more than tensors and is not read")
        assert "mkdir" in done.err
        assert len(done.err.splitlines()) == 1
        assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_R_ENH_3_a_file_that_lost_bytes_is_refused(torch: Any, convert: Convert, tmp_path: Path, suffix: str) -> None:
    weights = tmp_path / f"cut{suffix}"
    state = compact(2).state_dict()
    if suffix == ".pth":
        torch.save(state, weights)
    else:
        importlib.import_module("safetensors.torch").save_file(state, weights)
    weights.write_bytes(weights.read_bytes()[:-100])
    done = convert(weights)
    assert done.code == 1
    assert "is damaged or was cut short" in done.err


def test_R_ENH_3_a_file_that_answers_otherwise_than_pytorch_is_refused(torch: Any, tmp_path: Path) -> None:
    libraries = import_libraries()
    first, second = (recognise_weights(compact(2).state_dict(), "net.pth", libraries) for _ in range(2))
    second.module.model.body[-1].bias.data += 0.002
    export_network(first, tmp_path / "net.onnx", libraries)
    session = OnnxSessionFactory(["cpu"]).open(tmp_path / "net.onnx")
    assert compare_network(first, tmp_path / "net.onnx", session, libraries) < 0.01
    with pytest.raises(ConversionFailedError, match=r"differs from RealESRGAN Compact in PyTorch by 0\.\d+ of"):
        compare_network(second, tmp_path / "net.onnx", session, libraries)
