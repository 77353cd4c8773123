"""Stand-ins for networks that are not ours to ship: their official inputs and outputs, and arithmetic as weights."""

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper


def _save(path: Path, model: ModelProto) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def _model(nodes: list, inputs: list, outputs: list, weights: list) -> ModelProto:
    graph = helper.make_graph(nodes, "stand-in", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _image(name: str, shape: list, half: bool = False) -> object:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT16 if half else TensorProto.FLOAT, shape)


def restorer(path: Path, side: int = 512, *, names: tuple[str, str] = ("input", "output"), gain: float = 1.2) -> Path:
    """GFPGAN's, RestoreFormer++'s and GPEN's contract, [1, 3, S, S] in -1…1 both ways; it widens contrast."""
    shape = [1, 3, side, side]
    nodes = [helper.make_node("Mul", [names[0], "gain"], [names[1]])]
    weights = [numpy_helper.from_array(np.array(gain, np.float32), "gain")]
    return _save(path, _model(nodes, [_image(names[0], shape)], [_image(names[1], shape)], weights))


def codeformer(path: Path, side: int = 512) -> Path:
    """CodeFormer's contract: a second input `weight`, float64 [1], 1 keeps the face; further outputs beside the image.

    It mixes the face with itself in tiles of 128 pixels, which is nobody.
    """
    shape = [1, 3, side, side]
    nodes = [
        helper.make_node("Cast", ["onnx::Cast_1"], ["w"], to=TensorProto.FLOAT),
        *_blocks("x", side, 128),
        helper.make_node("Sub", ["x", "blocks"], ["fine"]),
        helper.make_node("Mul", ["fine", "w"], ["kept"]),
        helper.make_node("Add", ["blocks", "kept"], ["2936"]),
        helper.make_node("ReduceMean", ["x"], ["codes"], axes=[1], keepdims=0),
    ]
    weight = helper.make_tensor_value_info("onnx::Cast_1", TensorProto.DOUBLE, [1])
    codes = _image("codes", [1, side, side])
    return _save(path, _model(nodes, [_image("x", shape), weight], [codes, _image("2936", shape)], _scales(128)))


def stranger(path: Path, side: int = 512) -> Path:
    """A restorer's contract; it turns the face upside down, so that it is no longer the same person."""
    shape = [1, 3, side, side]
    nodes = [helper.make_node("Slice", ["face", "starts", "ends", "axes", "steps"], ["turned"])]
    ends = np.iinfo(np.int64).min
    weights = [
        numpy_helper.from_array(np.array([value], np.int64), name)
        for name, value in (("starts", -1), ("ends", ends), ("axes", 2), ("steps", -1))
    ]
    return _save(path, _model(nodes, [_image("face", shape)], [_image("turned", shape)], weights))


def upscaler(path: Path, scale: int = 4, *, side: int | None = None, half: bool = False) -> Path:
    """SwinIR's, Swin2SR's and Real-ESRGAN's contract, [n, 3, h, w] to [n, 3, s·h, s·w] in 0…1; it repeats pixels."""
    before, after = ([1, 3, side, side], [1, 3, side * scale, side * scale]) if side else (["n", 3, "h", "w"], None)
    nodes = [
        helper.make_node(
            "Resize",
            ["lr", "", "scales"],
            ["sr"],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
    ]
    weights = [numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "scales")]
    outputs = [_image("sr", after or ["n", 3, "H", "W"], half)]
    return _save(path, _model(nodes, [_image("lr", before, half)], outputs, weights))


def _blocks(source: str, side: int, block: int) -> list:
    return [
        helper.make_node("AveragePool", [source], ["means"], kernel_shape=[block, block], strides=[block, block]),
        helper.make_node("Resize", ["means", "", "scales"], ["blocks"], mode="nearest"),
    ]


def _scales(block: int) -> list:
    return [numpy_helper.from_array(np.array([1, 1, block, block], np.float32), "scales")]
