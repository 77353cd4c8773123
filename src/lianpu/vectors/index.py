"""The vector-index port: best match per person among the embeddings of one pack version."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lianpu.packs.metric import Metric


@dataclass(frozen=True, slots=True)
class IndexedEmbedding:
    """One row of an index. `vector`: [dimension] float32, as stored (not normalised)."""

    embedding_id: str
    person_id: str
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PersonHit:
    """A person's best embedding for one probe. `raw_value` is in the pack's own metric (cosine or distance)."""

    person_id: str
    embedding_id: str
    raw_value: float


class VectorIndex(Protocol):
    """All embeddings of one pack version. Calls block and may come from several threads at once.

    One that lies elsewhere raises `VectorIndexUnavailableError` from any call while that is away.
    """

    dimension: int
    metric: Metric

    @property
    def is_usable(self) -> bool:
        """False: a call failed, and what the index holds is to be compared with the database before it is used."""
        ...

    def __len__(self) -> int: ...

    def add(self, rows: Iterable[IndexedEmbedding]) -> None:
        """Add rows, all or none; one whose embedding id is there already is replaced, and no search misses both.

        Raises:
            ValueError: a vector is not of the index's dimension.
        """
        ...

    def add_matrix(self, embedding_ids: Sequence[str], person_ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """`add` for many rows at once. `vectors`: [n, dimension] float32, as stored (not normalised).

        Raises:
            ValueError: as `add`, or there are not as many ids as vectors.
        """
        ...

    def remove(self, embedding_ids: Iterable[str]) -> None:
        """Drop rows; ids that are not there are ignored."""
        ...

    def holds(self, embedding_id: str) -> bool: ...

    def owners(self) -> dict[str, str]:
        """Embedding id -> person id of every row."""
        ...

    def search(self, probes: NDArray[np.float32], top_k: int) -> list[list[PersonHit]]:
        """The `top_k` best persons for each probe ([n, dimension] float32), best first, each by its best embedding.

        A row removed before the call is never returned; one added before the call is.
        """
        ...
