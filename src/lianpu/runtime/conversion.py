"""What every runtime does alike with what goes into a network, what comes out of it, and what goes wrong."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def converted_feeds(
    feeds: Mapping[str, NDArray[np.generic]], dtypes: Mapping[str, str]
) -> dict[str, NDArray[np.generic]]:
    """To the element types of the graph's inputs, so that engines write float32 alone."""
    return {name: np.ascontiguousarray(value, dtype=dtypes.get(name, value.dtype)) for name, value in feeds.items()}


def given_dtype(output: NDArray[np.generic]) -> np.dtype[Any]:
    """float16 is given out as float32: half-precision files of a network work too."""
    return np.dtype(np.float32) if output.dtype == np.float16 else output.dtype


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
