"""Shadow mode: a candidate repeats the searches behind the active pack, and a report says where they differ."""

import asyncio
from typing import Any

import httpx2
import pytest

from lianpu.gallery.packs.agreement import Agreement, Disagreement, Outcome, Verdict, outcome_of, wilson
from lianpu.gallery.packs.shadow import WAITING_PHOTOS
from tests.api.calls import coverage, enrol, reembed, search
from tests.api.conftest import OpenClient
from tests.api.test_packs_side_by_side import People, enrol_all

pytestmark = pytest.mark.anyio

ROUTE = "/api/v1/gallery/shadow"


async def compared(client: httpx2.AsyncClient, count: int) -> dict[str, Any]:
    """The report once so many photos were compared."""
    while True:
        shadow = (await client.get(ROUTE)).json()["shadow"]
        if shadow["compared"] + shadow["errors"] >= count:
            return shadow
        await asyncio.sleep(0.02)


async def search_in_turn(client: httpx2.AsyncClient, photos: list[bytes], before: int = 0) -> dict[str, Any]:
    """One after the other, so that none is dropped; the report after the last."""
    for number, photo in enumerate(photos, start=before + 1):
        found = (await search(client, photo)).json()
        assert found["pack"] == "foamliu"
        report = await compared(client, number)
    return report


async def test_R_LIB_7_the_report_counts_who_is_named_and_survives_a_restart(
    open_pair_client: OpenClient, lfw_people: People, blank_photo: bytes
) -> None:
    people = dict(list(lfw_people.items())[:3])
    first, second, third = people
    async with open_pair_client() as client:
        assert (await client.get(ROUTE)).json()["shadow"] is None
        await enrol_all(client, {first: people[first], second: people[second]})
        begun = await client.put(ROUTE, json={"pack": "insightface"})
        assert begun.status_code == 200, begun.text
        assert "2 of 2 images lack" in begun.json()["shadow"]["advice"]
        # The candidate cannot know whom it has no embedding of: that says nothing against it.
        report = await search_in_turn(client, [people[first][1]])
        assert {kind: count for kind, count in report["counts"].items() if count} == {"not_covered": 1}
        assert (report["agreement"], report["disagreements"]) == (None, [])
        await enrol_all(client, {third: people[third]})
        assert (await coverage(client))["insightface@1"]["embedded"] == 1
        await reembed(client, "insightface")
        unknown = lfw_people["Art_Howe"][0]
        report = await search_in_turn(client, [people[first][1], people[third][1], unknown, blank_photo], 1)
        counts = {kind: count for kind, count in report["counts"].items() if count}
        assert counts == {"not_covered": 1, "same_person": 2, "both_unknown": 1}
        assert (report["compared"], report["agreement"], report["errors"]) == (5, 1.0, 0)
        assert 0.4 < report["agreement_interval"][0] < report["agreement_interval"][1] == 1.0
        assert all(latency["p50"] > 0 for latency in report["latency_ms"].values())
        assert "3 faces were compared" in report["advice"]
        # A pack or a threshold of the request's own is another question.
        await search(client, unknown, pack="foamliu")
        await search(client, unknown, threshold=0.99)
    async with open_pair_client() as client:
        kept = (await client.get(ROUTE)).json()["shadow"]
        assert (kept["pack"], kept["compared"], kept["counts"]) == ("insightface", 5, report["counts"])
        await search_in_turn(client, [unknown], 5)
        last = (await client.delete(ROUTE)).json()["shadow"]
        assert last["counts"]["both_unknown"] == 2
        assert (await client.delete(ROUTE)).json()["shadow"] is None
        generated = (await enrol(client, unknown, name="Art")).json()["generated_embeddings"]
        assert [item["model_name"] for item in generated] == ["foamliu"]
    async with open_pair_client() as client:
        assert (await client.get(ROUTE)).json()["shadow"] is None


@pytest.mark.slow
async def test_R_LIB_7_disagreements_are_shown_without_any_picture(
    open_pair_client: OpenClient, lfw_people: People
) -> None:
    """`blind` sees no face; and a candidate that was taught the wrong person names somebody else."""
    people = dict(list(lfw_people.items())[:2])
    first, second = people
    async with open_pair_client() as client:
        for name, other in ((first, second), (second, first)):
            packs = {"models_to_generate": "foamliu", "face_selection": "largest"}
            await enrol(client, people[name][0], person_id=name, name=name, **packs)
            await enrol(client, people[other][1], person_id=name, **{**packs, "models_to_generate": "insightface"})
        await client.put(ROUTE, json={"pack": "insightface"})
        report = await search_in_turn(client, [people[first][2]])
        assert report["counts"]["different_persons"] == 1
        (disagreement,) = report["disagreements"]
        assert (disagreement["active"]["person_id"], disagreement["candidate"]["person_id"]) == (first, second)
        assert set(disagreement) == {"time", "outcome", "active", "candidate"}
        await client.put(ROUTE, json={"pack": "blind"})
        report = await search_in_turn(client, [people[first][2]])
        assert {kind: count for kind, count in report["counts"].items() if count} == {"face_not_found": 1}
        assert report["disagreements"][0]["candidate"] is None


async def test_R_LIB_7_bad_requests_change_nothing(open_pair_client: OpenClient) -> None:
    async with open_pair_client() as client:
        for body, status, code in (
            ({"pack": "foamliu"}, 422, "validation_failed"),
            ({"pack": "none"}, 404, "pack_not_found"),
            ({"pack": "insightface", "sample_rate": 0}, 422, "validation_failed"),
            ({"pack": "insightface", "sample_rate": 1.5}, 422, "validation_failed"),
            ({}, 422, "validation_failed"),
        ):
            refused = await client.put(ROUTE, json=body)
            assert (refused.status_code, refused.json()["code"]) == (status, code)
        assert (await client.get(ROUTE)).json()["shadow"] is None


@pytest.mark.slow
async def test_R_LIB_7_under_load_photos_are_dropped_and_counted_and_no_search_waits(
    open_pair_client: OpenClient, lfw_people: People
) -> None:
    photos = [photo for photos in lfw_people.values() for photo in photos][:20]
    async with open_pair_client() as client:
        await client.put(ROUTE, json={"pack": "insightface"})
        answers = await asyncio.gather(*(search(client, photo) for photo in photos))
        assert {answer.status_code for answer in answers} == {200}
        shadow = client.platform.gallery.shadow
        while shadow._photos.qsize():
            await asyncio.sleep(0.01)
        report = (await client.get(ROUTE)).json()["shadow"]
        assert report["dropped"] >= len(photos) - 2 * WAITING_PHOTOS - 2
        assert len(photos) - 1 <= report["dropped"] + report["compared"] <= len(photos)
        await client.put(ROUTE, json={"pack": "insightface", "sample_rate": 0.25})
        seen = report["dropped"] + report["compared"]
        for photo in photos[:8]:
            await search(client, photo)
        report = await compared(client, report["compared"] + 1)
        assert report["sample_rate"] == 0.25
        assert report["dropped"] + report["compared"] - seen <= 3


@pytest.mark.parametrize(
    ("active", "candidate", "outcome"),
    [
        ("a", "a", Outcome.SAME_PERSON),
        (None, None, Outcome.BOTH_UNKNOWN),
        ("a", None, Outcome.ONLY_ACTIVE_KNOWS),
        (None, "a", Outcome.ONLY_CANDIDATE_KNOWS),
        ("a", "b", Outcome.DIFFERENT_PERSONS),
    ],
)
def test_R_LIB_7_outcomes(active: str | None, candidate: str | None, outcome: Outcome) -> None:
    assert outcome_of(Verdict(active, 0.9, 0.1), Verdict(candidate, 0.8, None)) is outcome
    assert outcome_of(Verdict(active, 0.9, 0.1), None) is Outcome.FACE_NOT_FOUND


def test_R_LIB_7_interval_of_the_rate_is_wilsons() -> None:
    """Example of Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662."""
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 0) is None
    assert wilson(300, 300)[0] > 0.985


def test_R_LIB_7_what_is_kept_is_what_comes_back() -> None:
    agreement = Agreement("foamliu@1", compared=3, dropped=1)
    for number in range(150):
        verdict = Verdict(f"p{number}", 0.9, None)
        outcome = (Outcome.SAME_PERSON, Outcome.DIFFERENT_PERSONS, Outcome.FACE_NOT_FOUND)[number % 3]
        agreement.count(outcome, Disagreement("2026-01-01T00:00:00+00:00", outcome, verdict, None))
    assert (agreement.judged, agreement.agreeing, len(agreement.disagreements)) == (150, 50, 100)
    assert agreement.disagreements[0].active.person_id == "p149"
    again = Agreement.of_kept(agreement.kept())
    assert again.kept() == agreement.kept()
