"""Rewrites of networks for OpenVINO that compute the same and run faster."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

_CHANNELS_AT_ONCE = 16
"""Channels of a group that OpenVINO's convolution takes in one step; groups of fewer waste the rest of it."""
_PROBE_PX = 112
"""For axes of an input that the network leaves open."""
_TOLERANCE = 1e-4
"""Greatest difference, as a share of the greatest number of an output: sums in another order differ by less."""


def widen_groups(model: Any) -> int:
    """Join neighbouring groups of convolutions that have a few channels each into wider ones, in place.

    The weights between channels that were of different groups are zero. Depthwise convolutions, of one channel a group,
    have an implementation of their own and stay.

    Args:
        model: an `openvino.Model`.

    Returns:
        How many convolutions were changed.
    """
    from openvino import opset13

    operations: Any = opset13
    changed = 0
    for node in model.get_ordered_ops():
        if node.get_type_name() != "GroupConvolution":
            continue
        weights = _weights(node)
        factor = 1 if weights is None else _groups_joined(weights)
        if weights is None or factor == 1:
            continue
        attributes = node.get_attributes()
        wider = operations.group_convolution(
            node.input_value(0),
            operations.constant(_joined(weights, factor)),
            attributes["strides"],
            attributes["pads_begin"],
            attributes["pads_end"],
            attributes["dilations"],
            attributes["auto_pad"],
        )
        wider.set_friendly_name(node.get_friendly_name())
        node.output(0).replace(wider.output(0))
        changed += 1
    if changed:
        model.validate_nodes_and_infer_types()
    return changed


def computes_the_same(core: Any, original: Any, rewritten: Any) -> bool:
    """Whether two models answer alike to one made-up input, in float32 on the CPU; no, where that cannot be told.

    Args:
        core: an `openvino.Core`.
        original, rewritten: `openvino.Model`s with the same inputs.
    """
    if any(port.element_type.get_type_name() != "f32" for port in original.inputs):
        return False
    random = np.random.default_rng(1)
    feeds = [random.uniform(-1, 1, _shape(port)).astype(np.float32) for port in original.inputs]
    try:
        answers = [_answers(core, model, feeds) for model in (original, rewritten)]
    except RuntimeError:  # open axes that do not go together so
        return False
    return all(
        first.shape == second.shape and bool(np.abs(first - second).max() <= _TOLERANCE * np.abs(first).max())
        for first, second in zip(*answers, strict=True)
    )


def _weights(convolution: Any) -> NDArray[np.float32] | None:
    """[groups, outputs of each, inputs of each, height, width] float32; None: not a constant of that kind."""
    port = convolution.input_value(1)
    source = port.get_node()
    if source.get_type_name() == "Reshape":
        source = source.input_value(0).get_node()
    if source.get_type_name() != "Constant" or source.get_element_type().get_type_name() != "f32":
        return None
    return cast(NDArray[np.float32], source.get_data()).reshape([int(axis) for axis in port.get_shape()])


def _groups_joined(weights: NDArray[np.float32]) -> int:
    groups, outputs, inputs = weights.shape[:3]
    if min(outputs, inputs) == 1:
        return 1
    fitting = [
        factor
        for factor in range(1, groups + 1)
        if groups % factor == 0 and factor * max(outputs, inputs) <= _CHANNELS_AT_ONCE
    ]
    return max(fitting, default=1)


def _joined(weights: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    groups, outputs, inputs, *kernel = weights.shape
    wider = np.zeros((groups // factor, factor, outputs, factor, inputs, *kernel), np.float32)
    each = np.arange(factor)
    wider[:, each, :, each] = weights.reshape(groups // factor, factor, outputs, inputs, *kernel).swapaxes(0, 1)
    return wider.reshape(groups // factor, factor * outputs, factor * inputs, *kernel)


def _shape(port: Any) -> list[int]:
    axes = list(port.partial_shape)
    return [
        int(axis.get_length()) if axis.is_static else 1 if place == 0 else _PROBE_PX for place, axis in enumerate(axes)
    ]


def _answers(core: Any, model: Any, feeds: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = compiled(feeds)
    return [np.asarray(results[port], np.float32) for port in compiled.outputs]
