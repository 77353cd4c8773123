"""Small ONNX classifiers of every shape, and folders of dropped-in models; the real one is the kit's SqueezeNet."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lianpu.engines.image import decode_image

SQUEEZENET = """
name = "squeezenet"
title = "SqueezeNet 1.1"
version = "1.1"
description = "1000 ImageNet classes"
licence = "BSD-2-Clause"

[input]
size = 227
colour = "bgr"
mean = [104, 117, 123]
"""


def write_classifier(
    path: Path,
    *,
    shape: tuple[int | str, ...] = ("n", 3, "h", "w"),
    classes: int = 3,
    outputs: int = 1,
    gain: float = 1.0,
    dtype: int = TensorProto.FLOAT,
    input_name: str = "x",
) -> Path:
    """Scores are the means of the channels (in the network's order), repeated for more classes, times `gain`."""
    nhwc = shape[3] == 3
    nodes = (
        [] if dtype == TensorProto.FLOAT else [helper.make_node("Cast", [input_name], ["float"], to=TensorProto.FLOAT)]
    )
    source = input_name if dtype == TensorProto.FLOAT else "float"
    nodes += [helper.make_node("ReduceMean", [source], ["mean"], axes=[1, 2] if nhwc else [2, 3], keepdims=0)]
    nodes += [
        helper.make_node("MatMul", ["mean", "weights"], [f"scores{number}" if number else "scores"])
        for number in range(outputs)
    ]
    weights = np.zeros((3, classes), np.float32)
    for place in range(classes):
        weights[place % 3, place] = gain * (1 + place // 3)
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(input_name, dtype, shape)],
        [
            helper.make_tensor_value_info(f"scores{number}" if number else "scores", TensorProto.FLOAT, ["n", classes])
            for number in range(outputs)
        ],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def drop_classifier(models_dir: Path, name: str = "colours", manifest: str = "") -> Path:
    """A folder with a classifier that tells red, green and blue; `manifest` is added to its model.toml."""
    folder = models_dir / name
    write_classifier(folder / "model.onnx")
    (folder / "labels.txt").write_text("red\ngreen\nblue\n")
    text = manifest if "[input]" in manifest else f"{manifest}\n[input]\nsize = 8\n"
    (folder / "model.toml").write_text(f'name = "{name}"\nversion = "1"\n{text}')
    return folder


def drop_squeezenet(models_dir: Path, testkit: Path) -> Path:
    folder = models_dir / "squeezenet"
    folder.mkdir(parents=True)
    source = testkit / "models" / "classification"
    shutil.copyfile(source / "squeezenet_v1.1_227.onnx", folder / "model.onnx")
    shutil.copyfile(source / "synset_words.txt", folder / "labels.txt")
    (folder / "model.toml").write_text(SQUEEZENET)
    return folder


def public_photo(name: str) -> NDArray[np.uint8]:
    """A photo that comes with scikit-image: `coffee.png`, `chelsea.png` (a cat)."""
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        pytest.skip("the development package scikit-image is not installed")
    return decode_image((Path(found.origin).parent / "data" / name).read_bytes()).pixels
