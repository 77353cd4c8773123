"""Searches while the gallery changes: no error, nobody who is gone, nobody missing who is there."""

import asyncio
import gc
from typing import Any

import httpx2
import psutil
import pytest

from lianpu.engines.image import decode_image, encode_jpeg
from tests.api.calls import enrol

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.mark.parametrize("searches", [40, pytest.param(200, marks=pytest.mark.slow)])
async def test_R_LIB_11_many_searches_at_once_while_enrolling_and_deleting(
    open_client: Any, portraits: list[bytes], searches: int
) -> None:
    """Two persons stay, two come and go; every answer must agree with what was acknowledged around it."""
    events: list[tuple[str, str]] = []

    async with open_client() as client:
        for number in (0, 1):
            await enrol(client, portraits[number], name=f"P{number}", person_id=f"stays-{number}")

        async def search(number: int, photo: bytes, person_id: str) -> None:
            gone_before = {person for what, person in events if what == "deleted"} - {
                person for what, person in events if what == "enrolling"
            }
            there_before = person_id.startswith("stays") or events[-1:] == [("enrolled", person_id)]
            started = len(events)
            answer = await client.post("/api/v1/search", files={"image": photo})
            assert answer.status_code == 200, answer.text
            (face,) = answer.json()["faces"]
            named = {match["person_id"] for match in face["matches"]}
            untouched = not any(person == person_id for _, person in events[started:])
            assert not named & gone_before
            if there_before and untouched:
                assert face["best_match"] is not None
                assert face["best_match"]["person_id"] == person_id

        async def come_and_go(number: int) -> None:
            for turn in range(searches // 20):
                person_id = f"comes-{number}-{turn}"
                events.append(("enrolling", person_id))
                response = await enrol(client, portraits[number], name="C", person_id=person_id)
                assert response.status_code == 201, response.text
                events.append(("enrolled", person_id))
                found = await client.post("/api/v1/search", files={"image": portraits[number]})
                assert found.json()["faces"][0]["best_match"]["person_id"] == person_id
                assert (await client.delete(f"/api/v1/faces/{person_id}")).status_code == 200
                events.append(("deleted", person_id))
                events[:] = [event for event in events if event != ("enrolling", person_id)]
                gone = await client.post("/api/v1/search", files={"image": portraits[number]})
                assert person_id not in {match["person_id"] for match in gone.json()["faces"][0]["matches"]}

        calls = [search(i, portraits[i % 2], f"stays-{i % 2}") for i in range(searches)]
        await asyncio.gather(*calls, come_and_go(2), come_and_go(3))
        status = (await client.get("/api/status")).json()
        assert status["gallery"] == {"persons": 2, "images": 2, "embeddings": 2}
        assert status["indexes"] == {"dlib@1": 2}


async def test_R_LIB_1_one_id_enrolled_at_once_by_many_is_one_person(
    client: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    variants = [encode_jpeg(decode_image(portraits[0]).pixels, quality=quality) for quality in range(80, 90)]
    answers = await asyncio.gather(*(enrol(client, photo, name="Ada", person_id="ada") for photo in variants))
    assert {answer.status_code for answer in answers} == {201}
    images = (await client.get("/api/v1/faces/ada/images")).json()["images"]
    assert len(images) == 10
    assert [image["is_primary"] for image in images].count(True) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_R_LIB_11_memory_stays_flat_over_many_searches(open_client: Any, portraits: list[bytes]) -> None:
    process = psutil.Process()

    async with open_client() as client:

        async def round_of(count: int) -> int:
            for _ in range(count):
                await asyncio.gather(
                    *(client.post("/api/v1/search", files={"image": portraits[i % 6]}) for i in range(20))
                )
            gc.collect()
            return process.memory_info().rss

        await enrol(client, portraits[0], name="Ada")
        warm = await round_of(20)
        assert await round_of(40) - warm < 40 * 2**20
