"""Floods are counted: nobody fills the disk by being refused, and no page of thumbnails fills the log."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lianpu.audit import gathering as module
from lianpu.audit.audit import Audit
from lianpu.audit.entry import ANONYMOUS, Actor, AuditEntry, Outcome
from lianpu.audit.repository import EventFilter
from lianpu.http.audited import Action
from tests.audit.tampering import ADA, BOB

pytestmark = pytest.mark.anyio
Clock = Callable[[float], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Call it to let seconds pass."""
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes


def refused(client: str = "192.0.2.7", target: str = "/api/v1/faces") -> AuditEntry:
    return AuditEntry(ANONYMOUS, Action.ACCESS_REFUSED, Outcome.REFUSED, 401, target, client)


def login(name: str) -> AuditEntry:
    return AuditEntry(ANONYMOUS, Action.ACCOUNT_LOGIN, Outcome.REFUSED, 401, name, "192.0.2.7")


def thumbnail(actor: Actor, person_id: str) -> AuditEntry:
    return AuditEntry(actor, Action.PHOTO_THUMBNAIL, Outcome.OK, 200, person_id, "192.0.2.7")


async def events(audit: Audit) -> list[Any]:
    return list(reversed((await audit.reading.page(EventFilter(), None, 500))[0]))


async def test_R_ACC_4_refusals_without_end_are_two_entries_a_minute(audit: Audit, clock: Clock) -> None:
    for number in range(500):
        await audit.gathering.append(refused(target=f"/api/{number % 7}"), gathered=False)
    assert len(await events(audit)) == 1
    clock(61)
    await audit.gathering.flush()
    first, rest = await events(audit)
    assert (first.target, first.detail) == ("/api/0", {})
    assert (rest.target, rest.status, rest.client) == (None, 401, "192.0.2.7")
    assert rest.detail == {"gathered": 499, "targets": [f"/api/{number}" for number in range(7)]}
    clock(61)
    await audit.gathering.flush()
    assert len(await events(audit)) == 2


async def test_R_ACC_4_next_minute_begins_with_an_entry_of_its_own(audit: Audit, clock: Clock) -> None:
    for _ in range(3):
        await audit.gathering.append(refused(), gathered=False)
    clock(61)
    await audit.gathering.append(refused(), gathered=False)
    assert [event.detail.get("gathered") for event in await events(audit)] == [None, 2, None]


async def test_R_ACC_4_known_callers_are_recorded_one_by_one(audit: Audit) -> None:
    entry = AuditEntry(ADA, Action.PERSON_DELETE, Outcome.REFUSED, 403, "p-1", "192.0.2.7")
    for _ in range(30):
        await audit.gathering.append(entry, gathered=False)
    assert len(await events(audit)) == 30


async def test_R_ACC_4_failed_logins_keep_the_names_that_were_tried(audit: Audit) -> None:
    for number in range(15):
        await audit.gathering.append(login(f"name-{number:02}"), gathered=False)
    await audit.gathering.flush(everything=True)
    found = await events(audit)
    assert [event.target for event in found[:10]] == [f"name-{number:02}" for number in range(10)]
    assert found[10].detail == {"gathered": 5, "targets": [f"name-{number}" for number in range(10, 15)]}
    assert len(found) == 11


async def test_R_ACC_4_thumbnails_are_gathered_by_caller(audit: Audit) -> None:
    for number in range(40):
        await audit.gathering.append(thumbnail(ADA, f"p-{number:02}"), gathered=True)
    await audit.gathering.append(thumbnail(BOB, "p-99"), gathered=True)
    await audit.gathering.flush(everything=True)
    ada, bob, rest = await events(audit)
    assert (ada.actor_name, ada.target, bob.actor_name, bob.target) == ("ada", "p-00", "bob", "p-99")
    assert (rest.actor_name, rest.detail["gathered"]) == ("ada", 39)
    assert rest.detail["targets"] == [f"p-{number:02}" for number in range(1, 40)]


async def test_R_ACC_4_addresses_of_one_subscriber_count_as_one(audit: Audit) -> None:
    """An IPv6 caller has 2^64 of them."""
    for number in range(50):
        await audit.gathering.append(refused(f"2001:db8:1:2::{number:x}"), gathered=False)
    await audit.gathering.append(refused("2001:db8:1:3::1"), gathered=False)
    assert [event.client for event in await events(audit)] == ["2001:db8:1:2::0", "2001:db8:1:3::1"]


async def test_R_ACC_4_many_callers_at_once_are_bounded(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEYS_MAX", 20)
    for number in range(200):
        await audit.gathering.append(refused(f"192.0.2.{number}"), gathered=False)
    await audit.gathering.flush(everything=True)
    found = await events(audit)
    assert len(found) == 22
    assert (found[-1].client, found[-1].detail["gathered"]) == ("others", 179)


async def test_R_ACC_4_a_flood_at_once_counts_every_one(audit: Audit) -> None:
    await asyncio.gather(*(audit.gathering.append(refused(), gathered=False) for _ in range(100)))
    await audit.gathering.flush(everything=True)
    assert [event.detail.get("gathered", 1) for event in await events(audit)] == [1, 99]


async def test_R_ACC_4_closing_stores_what_was_gathered(audit: Audit) -> None:
    async with audit.running():
        for _ in range(5):
            await audit.gathering.append(refused(), gathered=False)
    assert [event.detail.get("gathered", 1) for event in await events(audit)] == [1, 4]


async def test_R_ACC_4_upkeep_goes_on_by_itself(
    audit: Audit, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lianpu.audit.audit.UPKEEP_S", 0.01)
    async with audit.running():
        for _ in range(4):
            await audit.gathering.append(refused(), gathered=False)
        clock(61)
        while len(await events(audit)) < 2 or not (tmp_path / "home" / "keys" / "audit.head").exists():
            await asyncio.sleep(0.01)
        assert (await events(audit))[1].detail["gathered"] == 3
