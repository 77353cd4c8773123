"""What the gallery's indexes are made of: exact in memory, or Milvus."""

from collections.abc import Callable
from pathlib import Path

from lianpu.errors import SettingsError
from lianpu.packs.folder import folder_name
from lianpu.packs.metric import Metric
from lianpu.settings import Settings
from lianpu.vectors.exact import ExactIndex
from lianpu.vectors.index import VectorIndex
from lianpu.vectors.int8 import int8_choice
from lianpu.vectors.milvus import Milvus, MilvusAddress, MilvusIndex

LITE_FILE = Path("cache", "milvus.db")


class ExactEngine:
    def __init__(self, *, threads: int | None = None) -> None:
        """`threads`: as of `ExactIndex`."""
        self._threads = threads

    @property
    def reason(self) -> str:
        return f"in memory, every row; {int8_choice().reason}"

    def open(self, _key: tuple[str, str], dimension: int, metric: Metric) -> VectorIndex:
        return ExactIndex(dimension, metric, threads=self._threads)

    def close(self) -> None:
        """There is nothing to close."""


class MilvusEngine:
    reason = "Milvus"

    def __init__(self, milvus: Milvus) -> None:
        self._milvus = milvus
        self.close: Callable[[], None] = milvus.close

    def open(self, key: tuple[str, str], dimension: int, metric: Metric) -> VectorIndex:
        return MilvusIndex(self._milvus, folder_name(*key), dimension, metric)


def engine_of(settings: Settings, *, threads: int, is_alone: bool) -> ExactEngine | MilvusEngine:
    """As `gallery.index` says; nothing is opened yet.

    Args:
        is_alone: no other process may hold the home.

    Raises:
        SettingsError: Milvus Lite is asked for where several may, or packages are missing.
    """
    gallery = settings.gallery
    if gallery.index == "exact":
        return ExactEngine(threads=threads)
    if gallery.milvus_url is not None:
        return MilvusEngine(Milvus(MilvusAddress.of_url(gallery.milvus_url.get_secret_value())))
    if not is_alone:
        raise SettingsError(
            "gallery.index is milvus without gallery.milvus_url: Milvus Lite serves one process alone. On a database "
            "server, where several nodes may share the gallery, give the address of a Milvus, or gallery.index: exact."
        )
    return MilvusEngine(Milvus(MilvusAddress.of_file(settings.home / LITE_FILE)))
