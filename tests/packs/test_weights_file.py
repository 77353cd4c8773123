"""Files that are to be converted, told apart without PyTorch; converting itself: test_converting.py."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from lianpu.errors import WeightsUnusableError
from lianpu.packs.pytorch.weights_file import WeightsFormat, weights_format
from tests.archives import zipped

Write = Callable[[bytes], Path]


def safetensors() -> bytes:
    """One tensor of two numbers."""
    header = json.dumps({"weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(8)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(content: bytes) -> Path:
        path = tmp_path / "weights.pth"
        path.write_bytes(content)
        return path

    return written


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (zipped({"weights/data.pkl": b"\x80\x02}.", "weights/version": b"3"}), WeightsFormat.PICKLE),
        (bytes.fromhex("80028a0a6cfc9c46f9206aa850192e") + bytes(100), WeightsFormat.PICKLE),
        (safetensors(), WeightsFormat.SAFETENSORS),
    ],
    ids=["torch.save", "torch.save before zip", "safetensors"],
)
def test_R_ENH_3_formats_of_weights_are_told_by_their_content(
    write: Write, content: bytes, expected: WeightsFormat
) -> None:
    assert weights_format(write(content)) is expected


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no weights"),
        (b"hello, these are no weights", "holds no weights"),
        (pickle.dumps({"weight": [1.0, 2.0]}), "holds no weights"),
        ((1 << 60).to_bytes(8, "little") + b"{}", "holds no weights"),
        (safetensors()[:20], "holds no weights"),
        (zipped({"photo.jpg": b"x"}), r"zip archive that torch\.save did not write"),
        (zipped({"net/data.pkl": b"}.", "net/constants.pkl": b")."}), "TorchScript program"),
        (zipped({"weights/data.pkl": b"\x80\x02}."})[:40], "damaged or was cut short"),
    ],
    ids=["empty", "text", "pickle", "length", "cut safetensors", "zip", "TorchScript", "cut zip"],
)
def test_R_ENH_3_what_is_no_weights_is_refused_in_a_sentence(write: Write, content: bytes, told: str) -> None:
    with pytest.raises(WeightsUnusableError, match=told) as refused:
        weights_format(write(content))
    assert "\n" not in refused.value.detail


def test_R_ENH_3_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnusableError, match="There is no file"):
        weights_format(tmp_path / "none.pth")
    with pytest.raises(WeightsUnusableError, match="cannot be read"):
        weights_format(tmp_path)
