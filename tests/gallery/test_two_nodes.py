"""R-OPS 2: two whole platforms on one database and one home."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from lianpu.bootstrap import Platform, open_platform
from lianpu.errors import DuplicateImageError, EnrolmentConflictError
from lianpu.gallery.enrolment import ImageOptions, PersonFields
from lianpu.settings import CheckMode, load_settings
from tests import fake_packs
from tests.fake_packs import photo

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def nodes(server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Platform]]:
    """Without a Redis: each looks every second."""
    fake_packs.install(monkeypatch)
    values = {"home": str(tmp_path), "packs.default": "alpha@1", "quality.mode": "off", "conflicts.mode": "off"}
    settings = load_settings({**values, "database.url": server_url}, environment={}, folder=tmp_path).settings
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_platform(settings, runs_jobs=False)) for _ in range(2)]


async def enrol(node: Platform, person: int, variant: int = 0, options: ImageOptions | None = None) -> str:
    fields = PersonFields(person_id=f"p{person}", name=f"Person {person}")
    return (await node.gallery.enrolment.enrol(photo(person, variant), fields, options or ImageOptions())).image_id


async def found(node: Platform, person: int, pack: str | None = None) -> list[str]:
    search = await node.gallery.recognition.search(photo(person, 9), pack=pack)
    return [match.row.person_id for match in search.faces[0].matches if match.is_match]


async def until(node: Platform, person: int, expected: list[str]) -> None:
    async with asyncio.timeout(10):
        while await found(node, person) != expected:
            await asyncio.sleep(0.01)


async def test_R_OPS_2_what_is_enrolled_merged_and_deleted_on_one_node_is_so_on_the_other(
    nodes: list[Platform],
) -> None:
    here, there = nodes
    await enrol(here, 1)
    await enrol(here, 2)
    await until(there, 1, ["p1"])
    await here.gallery.moves.merge("p2", "p1")
    # At once: whom the database names counts, though the index there does not know it yet.
    assert await found(there, 1) == ["p2"]
    await until(there, 1, ["p2"])
    await here.gallery.persons.delete("p2")
    assert await found(there, 1) == []


async def test_R_OPS_2_checks_at_enrolment_hold_on_both_nodes_at_once(nodes: list[Platform]) -> None:
    here, there = nodes
    again = await asyncio.gather(*(enrol(node, 1) for node in nodes for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(one, str) for one in again) == 1
    assert sum(isinstance(one, DuplicateImageError) for one in again) == 5
    # The same face under two names, at the same time.
    strict = ImageOptions(conflict_mode=CheckMode.REJECT)
    both = await asyncio.gather(
        here.gallery.enrolment.enrol(photo(7, 0), PersonFields("seven", "Seven"), strict),
        there.gallery.enrolment.enrol(photo(7, 1), PersonFields("sieben", "Sieben"), strict),
        return_exceptions=True,
    )
    assert sum(isinstance(one, EnrolmentConflictError) for one in both) == 1


async def test_R_OPS_2_a_pack_switched_to_on_one_node_is_active_on_the_other_before_it_stores_another_image(
    nodes: list[Platform],
) -> None:
    here, there = nodes
    await here.gallery.default_pack.switch("beta@1", force=False)
    # Even what was prepared by the old one gets the new one's embedding.
    await enrol(there, 3)
    assert there.gallery.analyzers.active == "beta@1"
    assert await found(there, 3, "beta@1") == ["p3"]
    assert await found(here, 3, "beta@1") in ([], ["p3"])
    await until(here, 3, ["p3"])


async def test_R_OPS_2_a_pack_put_into_the_shadow_on_one_node_is_embedded_on_the_other(nodes: list[Platform]) -> None:
    here, there = nodes
    await here.gallery.shadow.begin("beta@1", 1.0)
    await enrol(there, 3)
    assert there.gallery.shadow.candidate == here.gallery.shadow.candidate
    assert await found(there, 3, "beta@1") == ["p3"]
    await there.gallery.shadow.end()
    async with asyncio.timeout(10):
        while here.gallery.shadow.candidate is not None:
            await asyncio.sleep(0.01)
