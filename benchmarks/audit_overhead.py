"""What the audit log costs: an entry alone, entries of many callers at once, reading and proving a long log.

Writes into a folder of its own. Prints a Markdown table for RESULTS.md.
"""

import argparse
import asyncio
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from lianpu.audit.audit import Audit, build_audit
from lianpu.audit.chain import Seal
from lianpu.audit.entry import Actor, AuditEntry, Outcome
from lianpu.audit.repository import AuditRepository, EventFilter
from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.http.audited import Action
from lianpu.storage.local import LocalStorage

KEY = b"k" * 32
BATCH = 5000
ACTORS, TARGETS = 50, 10_000
ACTIONS = (Action.FACE_SEARCH, Action.PERSON_READ, Action.PHOTO_CONTENT, Action.PERSON_DELETE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="how long the log is")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--callers", type=int, default=100, help="at once")
    parser.add_argument("--url", help="SQLAlchemy URL of an empty database; SQLite in a temporary folder when left out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), arguments))


async def measure(folder: Path, arguments: argparse.Namespace) -> None:
    database = Database(arguments.url or f"sqlite+aiosqlite:///{folder / 'lianpu.db'}")
    await database.migrate()
    audit = build_audit(database, LocalStorage(folder), lambda: KEY)
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, {database.engine.name}")
    print("| | events in the log | p50 ms | p95 ms |\n|---|---|---|---|")
    await _appending(audit, 0, arguments)
    await _fill(database, arguments.events)
    await _appending(audit, arguments.events, arguments)
    await _reading(audit, arguments)
    start = time.perf_counter()
    verdict = await audit.verification.verify()
    assert verdict.ok, verdict
    elapsed_s = time.perf_counter() - start
    print(f"\nproved {verdict.events:,} events in {elapsed_s:.1f} s ({verdict.events / elapsed_s:,.0f} a second)")
    await audit.log.close()
    await database.close()


async def _appending(audit: Audit, events: int, arguments: argparse.Namespace) -> None:
    await _row("an entry", events, arguments.samples, lambda number: audit.log.append(_entry(number)))

    async def together(number: int) -> None:
        await asyncio.gather(*(audit.log.append(_entry(number + caller)) for caller in range(arguments.callers)))

    await _row(f"{arguments.callers} entries at once", events, max(10, arguments.samples // 10), together)


async def _reading(audit: Audit, arguments: argparse.Namespace) -> None:
    middle = now_utc() - timedelta(seconds=arguments.events / 2)
    wanted = {
        "newest page": EventFilter(),
        "page of an actor": EventFilter(actor="user-7"),
        "page of an action": EventFilter(action=Action.PERSON_DELETE),
        "page of an actor's action": EventFilter(actor="user-7", action=Action.PERSON_DELETE),
        "page of a target": EventFilter(target="p-4711"),
        "page of an actor with a target": EventFilter(actor="user-7", target="p-4711"),
        "page of an action before a time": EventFilter(action=Action.FACE_SEARCH, until=middle),
    }
    for name, one in wanted.items():
        await _row(name, arguments.events, arguments.samples, lambda _, one=one: audit.reading.page(one, None, 50))


async def _row(name: str, events: int, samples: int, act: Callable[[int], Awaitable[Any]]) -> None:
    elapsed: list[float] = []
    for number in range(samples + 3):
        start = time.perf_counter()
        await act(number)
        elapsed.append((time.perf_counter() - start) * 1000)
    ordered = sorted(elapsed[3:])
    print(f"| {name} | {events:,} | {statistics.median(ordered):.2f} | {ordered[int(0.95 * len(ordered))]:.2f} |")


async def _fill(database: Database, events: int) -> None:
    """One a second until now, sealed as the log does it."""
    seal = Seal(lambda: KEY)
    begun = now_utc() - timedelta(seconds=events)
    async with database.session() as session:
        head = await AuditRepository(session).head() or seal.origin
    previous, sequence = head.hash, head.sequence
    for start in range(0, events, BATCH):
        rows: list[dict[str, Any]] = []
        for number in range(start, min(start + BATCH, events)):
            sequence += 1
            row = _event(number) | {
                "sequence": sequence,
                "at": begun + timedelta(seconds=number),
                "previous_hash": previous,
            }
            previous = seal.hash_of(row)
            rows.append({**row, "hash": previous})
        async with database.session() as session:
            await AuditRepository(session).add(rows)
            await session.commit()


def _entry(number: int) -> AuditEntry:
    event = _event(number)
    actor = Actor(event["actor_kind"], event["actor_id"], event["actor_name"])
    action = Action(event["action"])
    return AuditEntry(actor, action, Outcome.OK, 200, event["target"], event["client"], "r", event["detail"])


def _event(number: int) -> dict[str, Any]:
    # 7 and 11: neither actors nor targets nor actions go in step.
    return {
        "actor_kind": "user",
        "actor_id": f"user-{number * 7 % ACTORS}",
        "actor_name": f"name {number * 7 % ACTORS}",
        "action": ACTIONS[number % 3 if number % 1000 else 3].value,
        "outcome": "ok",
        "status": 200,
        "target": f"p-{number * 11 % TARGETS}",
        "client": "192.0.2.7",
        "request_id": "018f6d3a-6c1e-7c3b-9d0e-2f4b8a1c5e77",
        "detail": {"faces": 1, "persons": [{"person_id": f"p-{number % TARGETS}", "score": 0.913, "is_match": True}]},
    }


if __name__ == "__main__":
    main()
