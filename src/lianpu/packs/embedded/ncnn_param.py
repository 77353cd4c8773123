"""Reader of ncnn's text graphs (`.param`): layers, their tensors and parameters, from text that may be damaged."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lianpu.errors import PackDamagedError

MAGIC = "7767517"
_MAX_LAYERS = 10_000
_MAX_TENSORS = 64
_MAX_NUMBERS = 1000
_ARRAY_KEY = -23300
"""A parameter that is a list of numbers has the key -23300 minus its own."""

Number = int | float


@dataclass(frozen=True, slots=True)
class NcnnLayer:
    """One line of a graph. Every reading method raises PackDamagedError where a parameter is not what it should be."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: Mapping[int, Number]
    """Parameters by key."""
    lists: Mapping[int, tuple[Number, ...]]
    """Likewise those that are lists, by their own key."""

    def integer(self, key: int, default: int) -> int:
        value = self.numbers.get(key, default)
        if not isinstance(value, int):
            raise self.damaged(f"parameter {key} is {value}, expected a whole number")
        return value

    def number(self, key: int, default: float) -> float:
        return float(self.numbers.get(key, default))

    def only(self, *keys: int) -> None:
        """Refuse parameters other than these: what is not understood must not be passed over."""
        unknown = sorted((self.numbers.keys() | self.lists.keys()) - set(keys))
        if unknown:
            raise self.damaged(f"parameters {unknown} are not supported")

    def damaged(self, what: str) -> PackDamagedError:
        return PackDamagedError(f"the layer {self.name} ({self.kind}) cannot be translated: {what}")


def parse_param(text: str, origin: str) -> tuple[NcnnLayer, ...]:
    """The layers of a `.param` file, in its order.

    First line: the magic number; second: how many layers and tensors; then a layer a line: kind, name, how many inputs
    and outputs, their names, and parameters `key=value`, lists as `-23300-key=length,value,…`.

    Raises:
        PackDamagedError: it is no such text, or a layer takes a tensor that no layer before it gives.
    """
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or lines[0] != [MAGIC] or len(lines[1]) != 2:
        raise PackDamagedError(f"{origin} is no ncnn graph")
    counts = [_integer(word, origin, 2) for word in lines[1]]
    if not 1 <= counts[0] <= _MAX_LAYERS or counts[0] != len(lines) - 2:
        raise PackDamagedError(f"{origin} is damaged: it has {len(lines) - 2} layers instead of {counts[0]}")
    layers: list[NcnnLayer] = []
    given: set[str] = set()
    for place, words in enumerate(lines[2:], start=3):
        layer = _layer(words, origin, place)
        missing = [name for name in layer.inputs if name not in given]
        if missing or given & set(layer.outputs) or len(set(layer.outputs)) != len(layer.outputs):
            raise PackDamagedError(f"{origin} is damaged: line {place} does not fit those before it")
        given.update(layer.outputs)
        layers.append(layer)
    if len(given) != counts[1]:
        raise PackDamagedError(f"{origin} is damaged: it has {len(given)} tensors instead of {counts[1]}")
    return tuple(layers)


def _layer(words: list[str], origin: str, line: int) -> NcnnLayer:
    if len(words) < 4:
        raise PackDamagedError(f"{origin} is damaged: line {line} is no layer")
    taken, made = _integer(words[2], origin, line), _integer(words[3], origin, line)
    if not 0 <= taken <= _MAX_TENSORS or not 0 <= made <= _MAX_TENSORS or len(words) < 4 + taken + made:
        raise PackDamagedError(f"{origin} is damaged: line {line} names too few tensors")
    numbers: dict[int, Number] = {}
    lists: dict[int, tuple[Number, ...]] = {}
    for word in words[4 + taken + made :]:
        key_text, separator, value = word.partition("=")
        key = _integer(key_text, origin, line)
        if not separator or key in numbers or _ARRAY_KEY - key in lists:
            raise PackDamagedError(f"{origin} is damaged: line {line} has the parameter {word[:40]!r}")
        if key <= _ARRAY_KEY:
            lists[_ARRAY_KEY - key] = _list(value, origin, line)
        elif key < 0:
            raise PackDamagedError(f"{origin} is damaged: line {line} has the parameter {word[:40]!r}")
        else:
            numbers[key] = _number(value, origin, line)
    names = tuple(words[4 : 4 + taken]), tuple(words[4 + taken : 4 + taken + made])
    return NcnnLayer(words[0], words[1], *names, numbers, lists)


def _list(text: str, origin: str, line: int) -> tuple[Number, ...]:
    length, *values = text.split(",")
    count = _integer(length, origin, line)
    if count != len(values) or count > _MAX_NUMBERS:
        raise PackDamagedError(f"{origin} is damaged: line {line} has a list of {len(values)} numbers, not {length}")
    return tuple(_number(value, origin, line) for value in values)


def _integer(text: str, origin: str, line: int) -> int:
    value = _number(text, origin, line)
    if not isinstance(value, int):
        raise PackDamagedError(f"{origin} is damaged: line {line} has {text[:40]!r} in place of a whole number")
    return value


def _number(text: str, origin: str, line: int) -> Number:
    # Only ASCII without underscores: Python reads more as numbers than ncnn writes.
    if text.isascii() and "_" not in text and len(text) <= 40:
        try:
            return int(text)
        except ValueError:
            pass
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isfinite(value):
            return value
    raise PackDamagedError(f"{origin} is damaged: line {line} has {text[:40]!r} in place of a number")
