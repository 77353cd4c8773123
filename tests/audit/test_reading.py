"""Reading by filter and page; each filter is led by an index."""

import asyncio
import itertools
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from lianpu.audit.audit import Audit
from lianpu.audit.entry import Actor
from lianpu.audit.repository import AuditRepository, EventFilter
from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import CursorInvalidError
from lianpu.http.audited import Action
from tests.audit.tampering import ADA, BOB, search_by

pytestmark = pytest.mark.anyio


@pytest.fixture
async def filled(audit: Audit) -> Audit:
    """Twelve events: ada and bob by turns, three actions, three targets."""
    actions = (Action.FACE_SEARCH, Action.PERSON_DELETE, Action.PERSON_READ)
    for number in range(12):
        entry = search_by((ADA, BOB)[number % 2], f"p-{number % 3}")
        await audit.log.append(replace(entry, action=actions[number % 3]))
    return audit


async def sequences(audit: Audit, limit: int = 100, **wanted: Any) -> list[int]:
    return [event.sequence for event in (await audit.reading.page(EventFilter(**wanted), None, limit))[0]]


async def test_R_ACC_4_filters_hold_together(filled: Audit) -> None:
    assert await sequences(filled) == list(range(12, 0, -1))
    assert await sequences(filled, actor="0190-ada") == [11, 9, 7, 5, 3, 1]
    assert await sequences(filled, actor="bob") == [12, 10, 8, 6, 4, 2]
    assert await sequences(filled, actor="nobody") == []
    assert await sequences(filled, action="face.search") == [10, 7, 4, 1]
    assert await sequences(filled, target="p-1") == [11, 8, 5, 2]
    assert await sequences(filled, actor="ada", action="face.search") == [7, 1]
    assert await sequences(filled, actor="ada", target="p-1", action="person.delete") == [11, 5]
    assert await sequences(filled, target="p-1", action="face.search") == []


async def test_R_ACC_4_times_are_a_half_open_range(filled: Audit) -> None:
    events, _ = await filled.reading.page(EventFilter(), None, 100)
    at = {event.sequence: event.at for event in events}
    assert await sequences(filled, since=at[5], until=at[9]) == [8, 7, 6, 5]
    assert await sequences(filled, since=at[5], actor="ada") == [11, 9, 7, 5]
    assert await sequences(filled, since=now_utc()) == []


@pytest.mark.parametrize("wanted", [EventFilter(), EventFilter(actor="ada"), EventFilter(action="face.search")])
async def test_R_ACC_4_pages_join_without_gap_or_double(filled: Audit, wanted: EventFilter) -> None:
    whole = [event.sequence for event in (await filled.reading.page(wanted, None, 100))[0]]
    found: list[int] = []
    cursor: str | None = None
    while True:
        events, cursor = await filled.reading.page(wanted, cursor, 3)
        found += [event.sequence for event in events]
        if cursor is None:
            break
        # What is appended meanwhile is newer, and belongs to no later page.
        await filled.log.append(search_by(ADA))
    assert found == whole


async def test_R_ACC_4_equal_moments_are_paged_by_sequence(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = now_utc()
    monkeypatch.setattr("lianpu.audit.log.now_utc", lambda: moment)
    await asyncio.gather(*(audit.log.append(search_by()) for _ in range(7)))
    first, cursor = await audit.reading.page(EventFilter(), None, 3)
    second, cursor = await audit.reading.page(EventFilter(), cursor, 3)
    third, cursor = await audit.reading.page(EventFilter(), cursor, 3)
    assert [event.sequence for event in (*first, *second, *third)] == [7, 6, 5, 4, 3, 2, 1]
    assert cursor is None


async def test_R_ACC_4_a_cursor_belongs_to_its_filters(filled: Audit) -> None:
    _, cursor = await filled.reading.page(EventFilter(), None, 3)
    for wanted, text_ in ((EventFilter(actor="ada"), cursor), (EventFilter(), "x")):
        with pytest.raises(CursorInvalidError):
            await filled.reading.page(wanted, text_, 3)


async def test_R_ACC_4_a_name_means_who_bore_it_last(audit: Audit) -> None:
    await audit.log.append(search_by(Actor("user", "old", "eve")))
    await audit.log.append(search_by(Actor("user", "new", "eve")))
    await audit.log.append(search_by(Actor("user", "new", "renamed")))
    assert await sequences(audit, actor="eve") == [3, 2]
    assert await sequences(audit, actor="old") == [1]


MOMENT = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
CHOICES = {"actor": "0190-ada", "action": "face.search", "target": "p-1", "since": MOMENT}


@pytest.mark.parametrize("names", [names for count in range(5) for names in itertools.combinations(CHOICES, count)])
@pytest.mark.parametrize("further", [False, True])
async def test_R_ACC_4_every_filter_is_read_in_the_order_of_an_index(
    filled: Audit, database: Database, names: tuple[str, ...], further: bool
) -> None:
    """A page of a million events costs what a page costs: nothing is sorted, nothing walked through."""
    wanted = EventFilter(**{name: CHOICES[name] for name in names})
    async with database.session() as session:
        query = await AuditRepository(session).page_query(wanted, (MOMENT, 5) if further else None, 50)
        compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
        plan = [row[3] for row in await session.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]
    assert len(plan) == 1, plan
    assert "USING INDEX ix_audit_events_" in plan[0], plan
    led_by = (
        "target" if "target" in names else "actor_id" if "actor" in names else "action" if "action" in names else "at"
    )
    assert f"ix_audit_events_{led_by}_" in plan[0], plan


async def test_R_ACC_4_export_has_whole_events_in_the_order_of_the_chain(filled: Audit) -> None:
    lines = b"".join([chunk async for chunk in filled.reading.lines(3, 5)]).decode().splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["sequence"] for event in events] == [4, 5, 6, 7, 8]
    assert [event["previous_hash"] for event in events[1:]] == [event["hash"] for event in events[:-1]]
    assert {len(event) for event in events} == {14}
