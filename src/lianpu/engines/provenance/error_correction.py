"""64 bits made robust: a CRC-16 behind them, then a convolutional code that is decoded softly.

The code is the one of rate 1/3 and constraint length 7 with the generators 133, 165, 171 (octal), ended by six zeros;
decoding is Viterbi's. CRC: CCITT, polynomial 0x1021, begun with 0xFFFF.
"""

import numpy as np
from numpy.typing import NDArray

ID_BITS = 64
CRC_BITS = 16
_MEMORY = 6
_GENERATORS = (0o133, 0o165, 0o171)
_STEPS = ID_BITS + CRC_BITS + _MEMORY
CODE_BITS = len(_GENERATORS) * _STEPS
_STATES = 1 << _MEMORY


def encode(mark: int) -> NDArray[np.float32]:
    """
    Args:
        mark: 0 … 2^64 - 1.

    Returns:
        [CODE_BITS] of -1 and 1.
    """
    state = 0
    signs: list[int] = []
    for bit in [*_bits_of(mark, ID_BITS), *_bits_of(_crc(mark), CRC_BITS), *([0] * _MEMORY)]:
        register = (bit << _MEMORY) | state
        signs += [1 - 2 * ((register & generator).bit_count() & 1) for generator in _GENERATORS]
        state = register >> 1
    return np.array(signs, np.float32)


def decode(soft: NDArray[np.float32]) -> int | None:
    """
    Args:
        soft: [CODE_BITS]; the sign says which bit, the size how sure that is. Of any scale.

    Returns:
        The 64 bits; None: the CRC does not fit what was read.
    """
    costs = np.full(_STATES, -np.inf)
    costs[0] = 0.0
    chosen = np.zeros((_STEPS, _STATES), np.int64)
    for step, values in enumerate(soft.astype(np.float64).reshape(_STEPS, len(_GENERATORS))):
        reached = costs[_BEFORE] + _SIGNS @ values
        chosen[step] = np.argmax(reached, axis=1)
        costs = reached[np.arange(_STATES), chosen[step]]
    state, bits = 0, 0
    for step in range(_STEPS - 1, -1, -1):
        bit = state >> (_MEMORY - 1)
        if step < ID_BITS + CRC_BITS:
            bits |= bit << (ID_BITS + CRC_BITS - 1 - step)
        state = int(_BEFORE[state, chosen[step, state]])
    mark, crc = bits >> CRC_BITS, bits & ((1 << CRC_BITS) - 1)
    return mark if _crc(mark) == crc else None


def _bits_of(value: int, count: int) -> list[int]:
    """The highest first."""
    return [(value >> place) & 1 for place in range(count - 1, -1, -1)]


def _crc(mark: int) -> int:
    crc = 0xFFFF
    for byte in mark.to_bytes(ID_BITS // 8, "big"):
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc


def _trellis() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each state its two predecessors [64, 2], and the signs on the way from them [64, 2, 3]."""
    before = np.zeros((_STATES, 2), np.int64)
    signs = np.zeros((_STATES, 2, len(_GENERATORS)))
    for state in range(_STATES):
        for lost in (0, 1):
            register = (state << 1) | lost
            before[state, lost] = register & (_STATES - 1)
            signs[state, lost] = [1 - 2 * ((register & generator).bit_count() & 1) for generator in _GENERATORS]
    return before, signs


_BEFORE, _SIGNS = _trellis()
