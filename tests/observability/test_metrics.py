"""Metrics of a platform: readings that are slow or fail, and that are not taken for everybody who asks."""

import asyncio
from collections.abc import Iterable

import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from lianpu.observability.instruments import Instruments, current_instruments, measure_with
from lianpu.observability.metrics import Metrics, counter, gauge
from lianpu.observability.stages import Stage, count_faces, stage

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families((await metrics.text()).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


async def test_R_OPS_2_a_reading_that_fails_or_hangs_takes_only_its_own_families_with_it() -> None:
    metrics = Metrics(time_limit_s=0.05)

    async def works() -> Iterable[Metric]:
        return [gauge("lianpu_works", "x", 7), counter("lianpu_done", "x", {("a",): 2}, ("kind",))]

    async def fails() -> Iterable[Metric]:
        raise OSError("the database is away")

    async def hangs() -> Iterable[Metric]:
        await asyncio.sleep(60)
        return [gauge("lianpu_never", "x", 1)]

    for name, read in (("works", works), ("fails", fails), ("hangs", hangs)):
        metrics.read_by(name, read)
    assert await samples(metrics) == {
        ("lianpu_works", ()): 7,
        ("lianpu_done_total", (("kind", "a"),)): 2,
        ("lianpu_reading_failed", (("reading", "works"),)): 0,
        ("lianpu_reading_failed", (("reading", "fails"),)): 1,
        ("lianpu_reading_failed", (("reading", "hangs"),)): 1,
    }


async def test_R_OPS_2_many_scrapes_at_once_take_one_reading() -> None:
    taken = 0

    async def read() -> Iterable[Metric]:
        nonlocal taken
        taken += 1
        await asyncio.sleep(0.01)
        return [gauge("lianpu_taken", "x", taken)]

    kept, fresh = Metrics(kept_s=60), Metrics(kept_s=0)
    kept.read_by("one", read)
    texts = await asyncio.gather(*(kept.text() for _ in range(5)))
    assert (taken, len(set(texts))) == (1, 1)
    fresh.read_by("one", read)
    await fresh.text()
    await fresh.text()
    assert taken == 3


async def test_R_OPS_2_two_platforms_in_one_process_count_each_for_itself() -> None:
    first, second = Instruments(), Instruments()

    async def work(instruments: Instruments, times: int) -> None:
        measure_with(instruments)
        for _ in range(times):
            # On another thread, as inference is.
            await asyncio.to_thread(detect)

    def detect() -> None:
        with stage(Stage.DETECT, "kit@1"):
            count_faces(Stage.DETECT, "kit@1", 2)

    await asyncio.gather(asyncio.create_task(work(first, 3)), asyncio.create_task(work(second, 1)))
    labels = (("pack", "kit@1"), ("stage", "detect"))
    for instruments, times in ((first, 3), (second, 1)):
        found = await samples(instruments.metrics)
        assert found["lianpu_stage_duration_seconds_count", labels] == times
        assert found["lianpu_stage_faces_total", labels] == 2 * times
        assert instruments.stages.totals()["detect"].runs == times
    assert current_instruments() is None


async def test_R_OPS_2_a_stage_within_another_one_is_of_the_same_pack_and_failing_is_measured_too() -> None:
    instruments = Instruments()
    measure_with(instruments)
    try:
        with pytest.raises(ValueError, match="x"), stage(Stage.EMBED, "kit@1"), stage(Stage.ALIGN):
            raise ValueError("x")
        with stage(Stage.DECODE):
            pass
    finally:
        measure_with(None)
    found = await samples(instruments.metrics)
    for name, pack in (("embed", "kit@1"), ("align", "kit@1"), ("decode", "")):
        # An empty label is no label in the text format's terms, and is written all the same.
        assert found["lianpu_stage_duration_seconds_count", (("pack", pack), ("stage", name))] == 1


def test_R_OPS_2_outside_of_a_platform_nothing_is_measured() -> None:
    with stage(Stage.DETECT, "kit@1"):
        count_faces(Stage.DETECT, "kit@1", 2)
    assert current_instruments() is None


async def test_R_OPS_2_requests_are_counted_by_template_and_class_with_bounded_labels() -> None:
    instruments = Instruments()
    for method, route, status in (
        ("GET", "/api/v1/faces/{person_id}", 200),
        ("GET", "/api/v1/faces/{person_id}", 204),
        ("BREW", None, 405),
        ("WEBSOCKET", "/api/v1/ws/jobs", 101),
    ):
        instruments.http.began()
        instruments.http.ended(method, route, status, 0.25, 10)
    found = await samples(instruments.metrics)
    name = "lianpu_http_requests_total"
    assert {key: value for key, value in found.items() if key[0] == name} == {
        (name, (("method", "GET"), ("route", "/api/v1/faces/{person_id}"), ("status", "2xx"))): 2,
        (name, (("method", "other"), ("route", "none"), ("status", "4xx"))): 1,
        (name, (("method", "WEBSOCKET"), ("route", "/api/v1/ws/jobs"), ("status", "1xx"))): 1,
    }
    assert found["lianpu_http_request_body_bytes_total", (("route", "/api/v1/faces/{person_id}"),)] == 20
    assert found["lianpu_http_requests_in_progress", ()] == 0
    # A WebSocket's connection is no waiting time.
    assert instruments.http.totals.requests == 3
    assert instruments.http.totals.seconds == pytest.approx(0.75)
