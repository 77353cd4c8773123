"""R-OPS 3: the gallery's index in Milvus: the database stays the truth, whatever becomes of Milvus."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest

from lianpu.errors import SettingsError, VectorIndexUnavailableError
from lianpu.gallery.following import GalleryFollowing
from lianpu.gallery.index_engine import LITE_FILE, ExactEngine, MilvusEngine, engine_of
from lianpu.nodes.bus import LocalBus
from lianpu.settings import load_settings
from lianpu.vectors import milvus
from lianpu.vectors.milvus import Milvus, MilvusAddress
from tests.gallery.nodes import KEY, Node, change_at_random, node_on, stored_owners, stored_vectors
from tests.redis_server import unused_port

pytestmark = pytest.mark.anyio
pytest.importorskip("milvus_lite")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def milvus_server(folder: Path, port: int) -> Iterator[str]:
    """A Milvus that is reached by an address: Milvus Lite in a process of its own."""
    command = [sys.executable, "-m", "milvus_lite", "server", "--data-dir", str(folder / "milvus.db")]
    process = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        probe = Milvus(MilvusAddress.of_url(f"http://127.0.0.1:{port}"))
        deadline = time.monotonic() + 60
        while True:
            try:
                probe.call("list_collections")
                break
            except VectorIndexUnavailableError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        probe.close()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(30)


def milvus_node(url: str, home: Path, address: MilvusAddress) -> tuple[Node, Milvus]:
    opened = Milvus(address)
    return node_on(url, home, MilvusEngine(opened)), opened


async def assert_equal(node: Node) -> None:
    stored = await stored_owners(node.database)
    await node.index()
    assert await asyncio.to_thread(node.indexes.owners, KEY) == stored
    for embedding_id, vector in (await stored_vectors(node.database)).items():
        assert await node.finds(vector) == embedding_id


async def test_R_OPS_3_at_the_start_the_index_is_compared_with_the_database_and_mended(
    sqlite_url: str, tmp_path: Path
) -> None:
    address = MilvusAddress.of_file(tmp_path / LITE_FILE)
    first, _ = milvus_node(sqlite_url, tmp_path, address)
    await first.index()
    for person in ("ada", "bob", "eve"):
        await first.enrol(person)
    await assert_equal(first)
    await first.indexes.close()
    # As after a restore of the database, or a Milvus that was away.
    other = node_on(sqlite_url, tmp_path)
    await other.delete("bob")
    await other.enrol("kim")
    await other.move("eve", "ada")
    node, _ = milvus_node(sqlite_url, tmp_path, address)
    await assert_equal(node)
    await node.indexes.close()
    for one in (first, node, other):
        await one.database.close()


@pytest.mark.slow
async def test_R_OPS_3_while_milvus_is_away_searches_say_so_and_changes_are_made_and_shown_afterwards(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milvus, "TIMEOUT_S", 1.0)
    monkeypatch.setattr(milvus, "RETRY_AFTER_S", 0.1)
    port = unused_port()
    with milvus_server(tmp_path, port) as url:
        node, opened = milvus_node(sqlite_url, tmp_path, MilvusAddress.of_url(url))
        await node.index()
        await node.enrol("ada")
        gone = await node.enrol("bob")
        await assert_equal(node)
    vector = (await stored_vectors(node.database))[gone]
    with pytest.raises(VectorIndexUnavailableError) as caught:
        await node.finds(vector)
    assert (caught.value.status, caught.value.retry_after_s) == (503, 0.1)
    await node.delete("bob")
    assert await node.indexes.may_hold_any([gone])
    await node.enrol("eve")
    with milvus_server(tmp_path, port):
        await assert_equal(node)
        assert not await node.indexes.may_hold_any([gone])
        # What somebody dropped is made anew.
        await asyncio.to_thread(opened.call, "drop_collection", collection_name=milvus.collection_name("alpha@1"))
        with pytest.raises(VectorIndexUnavailableError):
            await node.finds(vector)
        await assert_equal(node)
        await node.indexes.close()
    await node.database.close()


@pytest.fixture
async def nodes(server_url: str, tmp_path: Path) -> AsyncIterator[list[Node]]:
    with milvus_server(tmp_path, unused_port()) as url:
        both = [milvus_node(server_url, tmp_path, MilvusAddress.of_url(url))[0] for _ in range(2)]
        yield both
        for node in both:
            await node.indexes.close()
            await node.database.close()


@pytest.mark.slow
async def test_R_OPS_3_nodes_that_share_a_milvus_keep_it_equal_to_the_database(nodes: list[Node]) -> None:
    bus = LocalBus()
    async with AsyncExitStack() as stack:
        for node in nodes:
            following = GalleryFollowing(node.database, node.indexes, node.changes, bus)
            await stack.enter_async_context(following.running())
        await asyncio.gather(*(change_at_random(nodes[place % 2], place) for place in range(4)))
    for node in nodes:
        await node.indexes.catch_up()
        await assert_equal(node)


def test_R_OPS_3_the_engine_is_what_gallery_index_says(tmp_path: Path) -> None:
    def engine(*, is_alone: bool = True, **values: str) -> object:
        settings = load_settings({"home": str(tmp_path), **values}, environment={}, folder=tmp_path).settings
        return engine_of(settings, threads=1, is_alone=is_alone)

    assert isinstance(engine(), ExactEngine)
    lite = {"gallery.index": "milvus"}
    assert isinstance(engine(**lite), MilvusEngine)
    with pytest.raises(SettingsError, match=r"gallery\.milvus_url"):
        engine(is_alone=False, **lite)
    assert isinstance(engine(is_alone=False, **lite, **{"gallery.milvus_url": "http://milvus:19530"}), MilvusEngine)
