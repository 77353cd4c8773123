"""Transactions that stand in each other's way: what can be repeated is repeated."""

import asyncio

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.conflicts import is_conflict
from lianpu.database.session import Database
from lianpu.gallery.models import Person

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _rename(session: AsyncSession, person_id: str, name: str) -> None:
    await session.execute(update(Person).where(Person.id == person_id).values(name=name))


async def test_R_OPS_2_two_that_wait_for_each_other_are_both_done(server_url: str) -> None:
    database = Database(server_url)
    async with database.session() as session:
        session.add_all([Person(id=one, name=one, details={}) for one in ("ada", "bob")])
        await session.commit()
    met = asyncio.Barrier(2)
    attempts: list[str] = []

    async def both(name: str, order: tuple[str, str]) -> str:
        async def work(session: AsyncSession) -> str:
            attempts.append(name)
            await _rename(session, order[0], name)
            if len(attempts) <= 2:
                await met.wait()
            await _rename(session, order[1], name)
            return name

        return await database.committed(work)

    done = await asyncio.gather(both("one", ("ada", "bob")), both("two", ("bob", "ada")))
    assert done == ["one", "two"]
    assert len(attempts) > 2
    async with database.session() as session:
        assert len(set(await session.scalars(select(Person.name)))) == 1
    await database.close()


async def test_R_OPS_2_an_error_that_would_come_again_is_not_repeated(database_url: str) -> None:
    database = Database(database_url)
    attempts = 0

    async def work(session: AsyncSession) -> None:
        nonlocal attempts
        attempts += 1
        session.add_all([Person(id="ada", name="Ada", details={}), Person(id="bob", name=None, details={})])
        await session.flush()

    with pytest.raises(DBAPIError) as caught:
        await database.committed(work)
    assert (attempts, is_conflict(caught.value)) == (1, False)
    async with database.session() as session:
        assert (await session.scalars(select(Person.id))).all() == []
    await database.close()
