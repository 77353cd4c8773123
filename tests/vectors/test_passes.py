"""Searches that wait at the same time share a pass, and each is answered as if it had been alone."""

import gc
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from lianpu.packs.metric import Metric
from lianpu.vectors import exact
from lianpu.vectors.exact import MOST_PROBES, ExactIndex
from lianpu.vectors.index import IndexedEmbedding, PersonHit
from lianpu.vectors.passes import Hits, Passes, Request
from tests.vectors.brute_force import DIMENSION, assert_answers, some_rows


class Gate:
    """Makes passes that wait until they are let through, and notes how many probes each had."""

    def __init__(self, most_probes: int = 8) -> None:
        self.passes = Passes(most_probes)
        self.made: list[list[int]] = []
        self.error: Exception | None = None
        self._begun, self._open = threading.Semaphore(0), threading.Semaphore(0)

    def answer(self, requests: Sequence[Request]) -> list[Hits]:
        self.made.append([len(request.probes) for request in requests])
        self._begun.release()
        assert self._open.acquire(timeout=10)
        if self.error is not None:
            raise self.error
        return [[[PersonHit(str(request.top_k), "", float(row[0]))] for row in request.probes] for request in requests]

    def wait_for_pass(self) -> None:
        assert self._begun.acquire(timeout=10)

    def let_through(self) -> None:
        self._open.release()


@pytest.fixture
def pool() -> Any:
    with ThreadPoolExecutor(16) as opened:
        yield opened


def ask(gate: Gate, pool: ThreadPoolExecutor, values: Sequence[float], top_k: int = 1) -> "Future[Hits]":
    """In a thread of its own; returns once it waits or makes a pass."""
    before = len(gate.passes._waiting) + len(gate.made)
    asked = pool.submit(gate.passes.answered, np.array(values, np.float32)[:, None], top_k, gate.answer)
    wait_until(lambda: len(gate.passes._waiting) + len(gate.made) > before)
    return asked


def wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(2000):
        if is_so():
            return
        time.sleep(0.005)
    raise AssertionError("it did not come to pass")


def values_of(asked: "Future[Hits]") -> list[tuple[str, float]]:
    return [(hits[0].person_id, hits[0].raw_value) for hits in asked.result(10)]


def test_R_LIB_11_those_who_come_during_a_pass_go_together_into_the_next(pool: ThreadPoolExecutor) -> None:
    gate = Gate()
    first = ask(gate, pool, [1])
    gate.wait_for_pass()
    others = [ask(gate, pool, [2, 3], top_k=7), ask(gate, pool, [4]), ask(gate, pool, [5])]
    gate.let_through()
    gate.wait_for_pass()
    assert values_of(first) == [("1", 1.0)]
    assert not any(one.done() for one in others)
    gate.let_through()
    assert [values_of(one) for one in others] == [[("7", 2.0), ("7", 3.0)], [("1", 4.0)], [("1", 5.0)]]
    assert gate.made == [[1], [2, 1, 1]]


def test_R_LIB_11_a_pass_that_is_full_leaves_the_rest_to_the_next_in_their_order(pool: ThreadPoolExecutor) -> None:
    gate = Gate(most_probes=3)
    asked = [ask(gate, pool, [0])]
    gate.wait_for_pass()
    asked += [ask(gate, pool, range(count)) for count in (2, 2, 1, 9, 1)]
    for _ in range(5):
        gate.let_through()
    assert [len(one.result(10)) for one in asked] == [1, 2, 2, 1, 9, 1]
    assert gate.made == [[1], [2], [2, 1], [9], [1]]


def test_R_LIB_11_an_error_of_a_pass_reaches_each_of_its_callers_and_nobody_else(pool: ThreadPoolExecutor) -> None:
    gate = Gate()
    first = ask(gate, pool, [1])
    gate.wait_for_pass()
    failing = [ask(gate, pool, [2]), ask(gate, pool, [3])]
    gate.let_through()
    gate.wait_for_pass()
    later = ask(gate, pool, [4])
    gate.error = MemoryError("too much")
    gate.let_through()
    for one in failing:
        with pytest.raises(MemoryError, match="too much"):
            one.result(10)
    gate.wait_for_pass()
    gate.error = None
    gate.let_through()
    assert values_of(first) == [("1", 1.0)]
    assert values_of(later) == [("1", 4.0)]


def test_R_LIB_11_many_callers_at_once_are_each_answered_for_their_own_faces(pool: ThreadPoolExecutor) -> None:
    rows = some_rows(3000, rows_per_person=2)
    index = ExactIndex(DIMENSION, Metric.COSINE, threads=2, block_rows=512)
    index.add(rows)
    held = {row.embedding_id: row for row in rows}

    def search(caller: int) -> None:
        probes = np.stack([row.vector for row in rows[caller : caller + 1 + caller % 3 * MOST_PROBES]])
        assert_answers(index, held, probes[:2], 1 + caller % 5)
        assert [hits[0].person_id for hits in index.search(probes, 1)] == [
            row.person_id for row in rows[caller : caller + len(probes)]
        ]

    for done in [pool.submit(search, caller) for caller in range(16)]:
        done.result(60)


def test_R_LIB_11_a_faulty_call_harms_nobody_who_waits_with_it(pool: ThreadPoolExecutor) -> None:
    index = ExactIndex(DIMENSION, Metric.COSINE)
    rows = some_rows(30)
    index.add(rows)
    faulty = [pool.submit(index.search, np.ones((1, DIMENSION + 1), np.float32), 1) for _ in range(5)]
    good = [pool.submit(index.search, row.vector[None], 1) for row in rows[:5]]
    for one in faulty:
        with pytest.raises(ValueError, match="does not fit"):
            one.result(10)
    assert [one.result(10)[0][0].embedding_id for one in good] == [row.embedding_id for row in rows[:5]]


def test_R_LIB_11_a_search_that_waits_sees_what_changed_before_it_was_asked(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pass that runs meanwhile has looked at the rows already: nobody joins it."""
    rows = some_rows(50)
    index = ExactIndex(DIMENSION, Metric.COSINE, threads=1, block_rows=32)
    index.add(rows)
    real, begun, goes_on = exact.scan, threading.Event(), threading.Event()

    def slow_scan(*arguments: Any) -> Any:
        leaders = real(*arguments)
        begun.set()
        assert goes_on.wait(10)
        return leaders

    monkeypatch.setattr(exact, "scan", slow_scan)
    probe = rows[3].vector[None]
    early = pool.submit(index.search, probe, 50)
    assert begun.wait(10)
    index.remove(["e3"])
    index.add([IndexedEmbedding("new", "newcomer", rows[3].vector)])
    late = [pool.submit(index.search, probe, 1) for _ in range(3)]
    wait_until(lambda: len(index._passes._waiting) == 3)
    goes_on.set()
    assert [one.result(10)[0][0].embedding_id for one in late] == ["new"] * 3
    assert "e3" not in {hit.embedding_id for hit in early.result(10)[0]}


def test_R_LIB_11_an_index_that_nobody_holds_gives_its_memory_back_at_once() -> None:
    """Not when the garbage collector comes: an index that is filled anew would be there twice until then."""
    index = ExactIndex(DIMENSION, Metric.COSINE, threads=2)
    index.add(some_rows(3))
    index.search(np.ones((1, DIMENSION), np.float32), 1)
    block = weakref.ref(next(iter(index._blocks.values())))
    gc.disable()
    try:
        del index
        assert block() is None
    finally:
        gc.enable()
