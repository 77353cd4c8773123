"""Conflicts at enrolment: a face like somebody else's, a face unlike its own person's."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.calls import enrol
from tests.api.conftest import OpenClient
from tests.api.test_enrolment import state

pytestmark = pytest.mark.anyio


@pytest.fixture
def wade(testkit: Path) -> list[bytes]:
    """Four photos of one person."""
    return [file.read_bytes() for file in sorted((testkit / "images/lfw_small/Abdoulaye_Wade").iterdir())]


@pytest.fixture
def vega(testkit: Path) -> list[bytes]:
    """Four photos of another."""
    return [file.read_bytes() for file in sorted((testkit / "images/lfw_small/Amelia_Vega").iterdir())]


def conflicts(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [warning for warning in answer["warnings"] if not warning["code"].startswith("quality_")]


async def test_R_LIB_9_a_face_like_somebody_elses_is_enrolled_with_a_warning_that_names_them(
    open_kit_client: OpenClient, wade: list[bytes], vega: list[bytes]
) -> None:
    async with open_kit_client() as client:
        first = (await enrol(client, wade[0], name="Wade", person_id="wade")).json()
        assert conflicts(first) == []
        assert conflicts((await enrol(client, vega[0], name="Vega")).json()) == []
        assert conflicts((await enrol(client, wade[1], person_id="wade")).json()) == []
        again = await enrol(client, wade[2], name="Somebody new")
        assert again.status_code == 201
        (warning,) = conflicts(again.json())
        assert (warning["code"], warning["person_id"], warning["name"]) == ("looks_like_another_person", "wade", "Wade")
        assert warning["value"] >= warning["limit"] == pytest.approx(0.7)
        searched = (await client.post("/api/v1/search", files={"image": wade[2]})).json()["faces"][0]["matches"]
        assert warning["value"] == pytest.approx(
            next(match["score"] for match in searched if match["person_id"] == "wade"), abs=1e-4
        )


async def test_R_LIB_9_a_face_unlike_its_own_person_is_an_outlier(
    open_kit_client: OpenClient, wade: list[bytes], vega: list[bytes]
) -> None:
    async with open_kit_client() as client:
        await enrol(client, wade[0], name="Wade", person_id="wade")
        await enrol(client, vega[0], name="Vega", person_id="vega")
        mixed_up = (await enrol(client, vega[1], person_id="wade")).json()
    assert [(item["code"], item["person_id"]) for item in conflicts(mixed_up)] == [
        ("looks_like_another_person", "vega"),
        ("unlike_own_person", None),
    ]
    outlier = conflicts(mixed_up)[1]
    assert outlier["value"] < outlier["limit"]


async def test_R_LIB_9_reject_refuses_with_the_persons_and_stores_nothing(
    open_kit_client: OpenClient, wade: list[bytes], vega: list[bytes]
) -> None:
    async with open_kit_client(conflicts__mode="reject") as client:
        image_id = (await enrol(client, wade[0], name="Wade", person_id="wade")).json()["image"]["image_id"]
        await enrol(client, vega[0], name="Vega", person_id="vega")
        before = await state(client)
        new = await enrol(client, wade[1], name="Somebody new")
        images = "/api/v1/faces/wade/images"
        added = await client.post(images, files={"image": vega[1]})
        replaced = await client.put(f"{images}/{image_id}", files={"image": vega[1]})
        assert await state(client) == before
        for response, person, codes in (
            (new, "wade", ["looks_like_another_person"]),
            (added, "vega", ["looks_like_another_person", "unlike_own_person"]),
            (replaced, "vega", ["looks_like_another_person", "unlike_own_person"]),
        ):
            problem = response.json()
            assert (response.status_code, problem["code"]) == (409, "enrolment_conflict"), response.text
            assert [error["code"] for error in problem["errors"]] == codes
            assert [item["person_id"] for item in problem["persons"]] == [person]
        assert (await enrol(client, wade[1], person_id="wade")).status_code == 201
        assert (await enrol(client, wade[2], name="Twin", conflict_mode="warn")).status_code == 201
        silent = await enrol(client, wade[3], name="Twin", conflict_mode="off")
        assert conflicts(silent.json()) == []


async def test_R_LIB_9_of_two_enrolments_at_once_the_later_one_sees_the_earlier(
    open_kit_client: OpenClient, wade: list[bytes]
) -> None:
    async with open_kit_client(conflicts__mode="reject") as client:
        answers = await asyncio.gather(*(enrol(client, photo, name=f"P{n}") for n, photo in enumerate(wade)))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
        assert (await client.get("/api/status")).json()["gallery"]["persons"] == 1


async def test_R_LIB_9_a_persons_own_threshold_decides_as_it_does_in_a_search(
    open_kit_client: OpenClient, wade: list[bytes]
) -> None:
    async with open_kit_client() as client:
        await enrol(client, wade[0], name="Wade", person_id="wade", threshold=0.999)
        assert conflicts((await enrol(client, wade[1], name="Other")).json()) == []
        (own,) = (
            item
            for item in conflicts((await enrol(client, wade[2], person_id="wade")).json())
            if item["code"] == "unlike_own_person"
        )
        assert own["limit"] == pytest.approx(0.999)


async def test_R_LIB_9_the_embedded_packs_distances_find_conflicts_too(
    client: httpx2.AsyncClient, wade: list[bytes]
) -> None:
    await enrol(client, wade[0], name="Wade", person_id="wade")
    (warning,) = conflicts((await enrol(client, wade[1], name="Other")).json())
    assert warning["person_id"] == "wade"


async def test_R_LIB_9_a_pack_named_for_one_enrolment_is_compared_with_its_own_vectors(
    open_kit_client: OpenClient, wade: list[bytes]
) -> None:
    """Nobody was enrolled with the pack before: its index is filled inside the first change."""
    async with open_kit_client(packs__default="dlib") as client:
        await enrol(client, wade[0], name="Wade", person_id="wade", models_to_generate="dlib")
        unseen = (await enrol(client, wade[1], name="Other", person_id="other", models_to_generate="kit")).json()
        assert conflicts(unseen) == []
        (seen,) = conflicts((await enrol(client, wade[2], name="Third", models_to_generate="kit")).json())
        assert seen["person_id"] == "other"
