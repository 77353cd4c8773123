"""R-ENH 1, 5: many at once: what is let in, who is told to come back and when, and what is pushed meanwhile."""

import asyncio
import json
import time
from typing import Any

import httpx2
import pytest

from lianpu.enhance.admission import Admission
from lianpu.errors import BusyError
from tests.api.conftest import OpenClient
from tests.api.enhance.calls import ENHANCE, ended, fetch, send, status
from tests.api.enhance.conftest import jpeg
from tests.api.enhance.lanczos import LanczosEnhancer
from tests.api.logins import anonymous, create_user, log_in

pytestmark = pytest.mark.anyio


async def test_R_ENH_5_ten_requests_a_minute_and_then_the_time_to_wait(open_client: OpenClient, photo: bytes) -> None:
    async with open_client(enhance__per_user="10/minute") as client:
        await create_user(client, "ada")
        answers = [await send(client, photo) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        assert answers[-1].json()["code"] == "rate_limited"
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
        # Neither looking nor fetching counts, and others have a count of their own.
        for answer in answers[:10]:
            assert (await fetch(client, answer.json())).status_code == 200
        async with anonymous(client) as browser:
            ada = await log_in(client, "ada")
            assert (await send(browser, photo, headers=ada.headers)).status_code == 200


async def test_R_ENH_5_so_many_work_so_many_wait_and_the_next_is_told_when_to_come(
    open_client: OpenClient, photo: bytes, enhancer: LanczosEnhancer
) -> None:
    enhancer.stage_s, enhancer.estimated_s = 0.2, 60.0
    async with open_client(enhance__max_active=2, enhance__max_waiting=2, runtime__workers=4) as client:
        answers = await asyncio.gather(*(send(client, photo) for _ in range(6)))
        codes = sorted(answer.status_code for answer in answers)
        assert codes == [202, 202, 202, 202, 503, 503]
        for answer in answers:
            if answer.status_code == 503:
                assert answer.json()["code"] == "server_busy"
                assert 1 <= int(answer.headers["retry-after"]) <= 120
        ids = [answer.json()["enhancement"]["enhancement_id"] for answer in answers if answer.status_code == 202]
        told = [await ended(client, enhancement_id) for enhancement_id in ids]
        assert {one["status"] for one in told} == {"completed"}
        assert enhancer.most_running == 2
        assert (await send(client, photo)).status_code == 202


async def test_R_ENH_5_what_is_held_is_bounded_by_bytes(open_client: OpenClient) -> None:
    content = jpeg(9, 300, 300)
    async with open_client(enhance__max_held_bytes=6 * len(content)) as client:
        first = await send(client, content, enhancement_level=2)
        answers = [await send(client, content) for _ in range(4)]
        assert 503 in [answer.status_code for answer in answers]
        for answer in (first, *answers):
            if answer.status_code == 200:
                assert (await fetch(client, answer.json())).status_code == 200
        assert (await send(client, content)).status_code == 200


def test_R_ENH_5_the_time_to_wait_is_that_of_the_first_who_ends() -> None:
    admission = Admission(max_tasks=4, max_held_bytes=1000, turns=2)
    places = [admission.take(10) for _ in range(4)]
    for place, left_s in zip(places, (40.0, 8.0, 100.0, None), strict=True):
        place.left_s = lambda left_s=left_s: left_s
    with pytest.raises(BusyError) as caught:
        admission.take(10)
    # Four share two turns.
    assert caught.value.retry_after_s == 16
    places[0].bytes_held, places[0].result_ends_at = 900, time.monotonic() + 5
    with pytest.raises(BusyError) as caught:
        admission.take(100)
    assert caught.value.retry_after_s == 5
    admission.give_back(places[0])
    admission.take(100)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_R_ENH_5_ten_tasks_and_a_hundred_who_poll(
    open_client: OpenClient, enhancer: LanczosEnhancer, capsys: pytest.CaptureFixture[str]
) -> None:
    enhancer.stage_s, enhancer.estimated_s = 0.4, 60.0
    took: list[float] = []
    async with open_client(limits__per_user=None) as client:
        submitted = [
            (await send(client, jpeg(number, 600, 400), enhancement_level=2)).json()["enhancement"]["enhancement_id"]
            for number in range(10)
        ]

        async def poll(number: int) -> set[str]:
            seen: set[str] = set()
            while True:
                began = time.perf_counter()
                told = await status(client, submitted[number % 10])
                took.append(time.perf_counter() - began)
                seen.add(told["status"])
                if told["status"] not in {"pending", "processing"}:
                    return seen
                await asyncio.sleep(0.5)

        seen = await asyncio.gather(*(poll(number) for number in range(100)))
    assert all("completed" in one and "failed" not in one for one in seen)
    took.sort()
    with capsys.disabled():
        p95_ms = took[round(0.95 * len(took))] * 1000
        print(f"\n{len(took)} polls, p95 {p95_ms:.0f} ms, longest {took[-1] * 1000:.0f} ms")


async def test_R_ENH_5_each_change_is_pushed_with_the_step_and_no_name(
    client: httpx2.AsyncClient, photo: bytes, enhancer: LanczosEnhancer
) -> None:
    enhancer.stage_s, enhancer.estimated_s = 0.3, 60.0
    heard: list[dict[str, Any]] = []
    feed = client.platform.push.feed  # type: ignore[attr-defined]
    from lianpu.jobs.ownership import ENHANCEMENT, Viewer

    with feed.subscription(Viewer("configured", sees_all=False), ENHANCEMENT) as subscription:
        submitted = (await send(client, photo, "nobody-hears-this.jpg")).json()
        enhancement_id = submitted["enhancement"]["enhancement_id"]
        while not heard or heard[-1]["job"]["status"] != "completed":
            for frame in await subscription.take():
                assert "nobody-hears" not in frame.text
                heard.append(json.loads(frame.text))
    tasks = [message["task"] for message in heard]
    assert {task["enhancement_id"] for task in tasks} == {enhancement_id}
    assert [message["job"]["status"] for message in heard if "event_id" in message] == [
        "pending",
        "processing",
        "completed",
    ]
    stages = {task["stage"] for task in tasks if task["stage"]}
    assert {"upscaling", "restoring"} & stages
    progress = [task["progress"] for task in tasks]
    assert progress == sorted(progress)
    address = await client.get(f"{ENHANCE}/{enhancement_id}")
    assert address.json()["enhancement"]["status"] == "completed"
