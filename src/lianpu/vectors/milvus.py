"""Vector indexes in Milvus: Milvus Lite inside of this process, or a cluster by its address."""

import hashlib
import json
import logging
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from lianpu.errors import SettingsError, VectorIndexUnavailableError
from lianpu.packs.metric import Metric
from lianpu.vectors.index import IndexedEmbedding, PersonHit

TIMEOUT_S = 10.0
"""For one call. Milvus' client tries again within it."""
RETRY_AFTER_S = 2
"""While Milvus was away so recently, nobody waits for it once more."""
ROWS_AT_ONCE = 1000
ID_MAX_CHARS = 36
PERSON_ID_MAX_BYTES = 512
CONNECTION_FAILED, COLLECTION_NOT_FOUND = 2, 100
"""Codes of its client's errors."""
HNSW = {"M": 32, "efConstruction": 256}
EF_LEAST = 256
"""How many rows HNSW looks at for one probe, at least: more finds better and takes longer."""
MISSING = "gallery.index is milvus, and a package for it is not installed: install lianpu[milvus]."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MilvusAddress:
    """`uri` as Milvus' client takes it: of a cluster, without credentials, or a file for Milvus Lite."""

    uri: str
    token: str = field(default="", repr=False)
    database: str = ""

    @classmethod
    def of_url(cls, url: str) -> "MilvusAddress":
        """`http(s)://user:password@host:port/database`, or with a token alone before the `@`."""
        parts = urlsplit(url)
        token = unquote(parts.username or "")
        if parts.password is not None:
            token += f":{unquote(parts.password)}"
        return cls(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", token, parts.path.strip("/"))

    @classmethod
    def of_file(cls, file: Path) -> "MilvusAddress":
        """`file`: ends in `.db`."""
        return cls(str(file))

    @property
    def is_lite(self) -> bool:
        return "://" not in self.uri


class Milvus:
    """One connection, opened at first use. Calls block and may come from several threads at once."""

    def __init__(self, address: MilvusAddress) -> None:
        """
        Raises:
            SettingsError: its packages are not installed.
        """
        self.address = address
        try:
            self._package: Any = import_module("pymilvus")
            if address.is_lite:
                import_module("milvus_lite")
        except ImportError as error:
            raise SettingsError(MISSING) from error
        # What it would log of a failed call is raised here, and the address is in it.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        self._lock = Lock()
        self._client: Any = None
        self._failed_at = -float("inf")

    def call(self, name: str, **arguments: Any) -> Any:
        """A method of its client.

        Raises:
            CollectionMissingError: Milvus answers and has no such collection.
            VectorIndexUnavailableError: it does not answer, or refuses.
        """
        if time.monotonic() - self._failed_at < RETRY_AFTER_S:
            raise _unavailable()
        try:
            return getattr(self._opened(), name)(timeout=TIMEOUT_S, **arguments)
        except Exception as error:  # its client lets errors of several libraries through
            if getattr(error, "code", None) == COLLECTION_NOT_FOUND:
                raise CollectionMissingError from error
            if self._is_away(error):
                self._failed_at = time.monotonic()
            # Its text may hold what was asked for.
            reason = f"{type(error).__name__} {getattr(error, 'code', '')}"
            _log.warning("Milvus did not do what it was asked", extra={"call": name, "reason": reason})
            raise _unavailable() from error

    def _is_away(self, error: Exception) -> bool:
        grpc: Any = import_module("grpc")
        code = getattr(error, "code", None)
        return isinstance(error, grpc.RpcError) or isinstance(code, grpc.StatusCode) or code == CONNECTION_FAILED

    def schema(self, dimension: int) -> Any:
        kinds = self._package.DataType
        schema = self._package.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("embedding_id", kinds.VARCHAR, is_primary=True, max_length=ID_MAX_CHARS)
        schema.add_field("person_id", kinds.VARCHAR, max_length=PERSON_ID_MAX_BYTES)
        schema.add_field("vector", kinds.FLOAT_VECTOR, dim=dimension)
        return schema

    def index_parameters(self, metric: str) -> Any:
        """Milvus Lite compares with every row, as many fit into one process; a cluster searches a graph."""
        parameters = self._package.MilvusClient.prepare_index_params()
        kind, of_kind = ("FLAT", {}) if self.address.is_lite else ("HNSW", HNSW)
        parameters.add_index(field_name="vector", index_type=kind, metric_type=metric, params=of_kind)
        return parameters

    def rows(self, collection: str, fields: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        """All of them, some at a time. Raises as `call`."""
        walk = self.call(
            "query_iterator", collection_name=collection, filter="", output_fields=[*fields], batch_size=ROWS_AT_ONCE
        )
        try:
            while rows := _guarded(walk.next):
                yield [dict(row) for row in rows]
        finally:
            walk.close()

    def close(self) -> None:
        with self._lock:
            if self._client is None:
                return
            self._client.close()
            self._client = None
            if self.address.is_lite:
                import_module("milvus_lite.server_manager").server_manager_instance.release_server(self.address.uri)

    def _opened(self) -> Any:
        with self._lock:
            if self._client is None:
                address = self.address
                if address.is_lite:
                    Path(address.uri).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._client = self._package.MilvusClient(
                    uri=address.uri, token=address.token, db_name=address.database, timeout=TIMEOUT_S
                )
            return self._client


class CollectionMissingError(Exception):
    """Somebody dropped it, or Milvus lost what it had."""


class MilvusIndex:
    """Implements `VectorIndex` as one collection, which outlives this process and may be shared by several.

    After a failed call it is not usable: whether the change arrived is not known, and it is compared with the database
    once more before it is used again.
    """

    def __init__(self, milvus: Milvus, name: str, dimension: int, metric: Metric) -> None:
        """Opens the collection, or makes it. Blocks.

        Args:
            name: of what it holds, such as `pack@version`.

        Raises:
            VectorIndexUnavailableError: Milvus does not answer.
        """
        self.dimension = dimension
        self.metric = metric
        self.is_usable = True
        self._milvus = milvus
        self._collection = collection_name(name)
        self._count = 0
        self._open()

    def __len__(self) -> int:
        """As of the last change or look: nobody waits for Milvus to count."""
        return self._count

    def add(self, rows: Iterable[IndexedEmbedding]) -> None:
        listed = list(rows)
        if listed:
            vectors = np.stack([np.asarray(row.vector, dtype=np.float32) for row in listed])
            self.add_matrix([row.embedding_id for row in listed], [row.person_id for row in listed], vectors)

    def add_matrix(self, embedding_ids: Sequence[str], person_ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        vectors = np.asarray(vectors, dtype=np.float32)
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            raise ValueError(f"vectors of shape {vectors.shape} do not fit {self.dimension} dimensions")
        if not len(embedding_ids) == len(person_ids) == len(vectors):
            raise ValueError(f"{len(embedding_ids)} ids and {len(person_ids)} persons for {len(vectors)} vectors")
        for start in range(0, len(vectors), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            columns = zip(embedding_ids[part], person_ids[part], vectors[part], strict=True)
            rows = [{"embedding_id": one, "person_id": person, "vector": vector} for one, person, vector in columns]
            self._change("upsert", data=rows)
        self._recount()

    def remove(self, embedding_ids: Iterable[str]) -> None:
        ids = list(embedding_ids)
        for start in range(0, len(ids), ROWS_AT_ONCE):
            self._change("delete", ids=ids[start : start + ROWS_AT_ONCE])
        if ids:
            self._recount()

    def holds(self, embedding_id: str) -> bool:
        return bool(self._call("get", ids=[embedding_id], output_fields=["embedding_id"]))

    def owners(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for rows in self._milvus.rows(self._collection, ("embedding_id", "person_id")):
            found.update((row["embedding_id"], row["person_id"]) for row in rows)
        self._count = len(found)
        return found

    def search(self, probes: NDArray[np.float32], top_k: int) -> list[list[PersonHit]]:
        if not len(probes) or top_k < 1:
            return [[] for _ in probes]
        vectors = np.asarray(probes, dtype=np.float32)
        found = self._nearest(vectors, top_k, [])
        answers: list[list[PersonHit]] = []
        for probe, hits in zip(vectors, found, strict=True):
            # Grouping looks at some of the nearest rows alone: one person may own them all.
            while len(hits) < top_k:
                more = self._nearest(probe[None], top_k - len(hits), [hit.person_id for hit in hits])[0]
                if not more:
                    break
                hits += more
            sign = -1.0 if self.metric is Metric.COSINE else 1.0
            answers.append(sorted(hits, key=lambda hit: (sign * hit.raw_value, hit.person_id)))
        return answers

    def _nearest(self, probes: NDArray[np.float32], top_k: int, besides: Sequence[str]) -> list[list[PersonHit]]:
        """Up to `top_k` persons by their best rows, without those `besides`."""
        # Not by a template, which Milvus Lite does not know. JSON writes a string as Milvus does.
        others = f"person_id not in {json.dumps([*besides], ensure_ascii=False)}" if besides else ""
        parameters = {} if self._milvus.address.is_lite else {"ef": max(EF_LEAST, 8 * top_k)}
        answer = self._call(
            "search",
            data=list(probes),
            limit=top_k,
            group_by_field="person_id",
            output_fields=["person_id"],
            search_params={"metric_type": self._metric_name, "params": parameters},
            filter=others,
        )
        return [[self._hit(row) for row in rows] for rows in answer]

    def _hit(self, row: Any) -> PersonHit:
        distance = float(row["distance"])
        # For L2 Milvus gives the square.
        value = distance if self.metric is Metric.COSINE else float(np.sqrt(max(0.0, distance)))
        return PersonHit(row["entity"]["person_id"], row["embedding_id"], value)

    @property
    def _metric_name(self) -> str:
        return "COSINE" if self.metric is Metric.COSINE else "L2"

    def _open(self) -> None:
        if self._milvus.call("has_collection", collection_name=self._collection) and not self._fits():
            self._milvus.call("drop_collection", collection_name=self._collection)
        if not self._milvus.call("has_collection", collection_name=self._collection):
            self._milvus.call(
                "create_collection",
                collection_name=self._collection,
                schema=self._milvus.schema(self.dimension),
                index_params=self._milvus.index_parameters(self._metric_name),
                # A search sees what was answered before it, whichever node asks.
                consistency_level="Strong",
            )
        self._milvus.call("load_collection", collection_name=self._collection)
        self._recount()

    def _fits(self) -> bool:
        """Whether it was made for such vectors; the database is the truth, so that another one may go."""
        described = self._milvus.call("describe_collection", collection_name=self._collection)
        dimensions = {one["name"]: one["params"].get("dim") for one in described["fields"]}
        if dimensions.get("vector") is None or int(dimensions["vector"]) != self.dimension:
            return False
        names = self._milvus.call("list_indexes", collection_name=self._collection)
        return any(
            self._milvus.call("describe_index", collection_name=self._collection, index_name=name).get("metric_type")
            == self._metric_name
            for name in names
        )

    def _recount(self) -> None:
        rows = self._call("query", filter="", output_fields=["count(*)"])
        self._count = int(rows[0]["count(*)"])

    def _change(self, name: str, **arguments: Any) -> None:
        try:
            self._call(name, **arguments)
        except VectorIndexUnavailableError:
            self.is_usable = False
            raise

    def _call(self, name: str, **arguments: Any) -> Any:
        try:
            return self._milvus.call(name, collection_name=self._collection, **arguments)
        except CollectionMissingError as error:
            self.is_usable = False
            raise _unavailable() from error


def collection_name(name: str) -> str:
    """Milvus takes letters, digits and `_` alone: what tells names apart beyond these is in the digest."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"lianpu_{re.sub(r'[^A-Za-z0-9]', '_', name)[:100]}_{digest}"


def _guarded(step: Any) -> Any:
    try:
        return step()
    except Exception as error:  # its client lets errors of several libraries through
        raise _unavailable() from error


def _unavailable() -> VectorIndexUnavailableError:
    return VectorIndexUnavailableError(
        "The vector index (Milvus) does not answer. It is looked for again by itself; nothing is lost.",
        retry_after_s=RETRY_AFTER_S,
    )
