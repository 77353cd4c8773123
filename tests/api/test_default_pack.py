"""Changing the pack of a gallery while it is used: refused until covered, then without a failed search, and back."""

import asyncio

import pytest

from lianpu.gallery.enrolment import ImageOptions, PersonFields
from tests.api.calls import coverage, enrol, reembed, search
from tests.api.conftest import OpenClient
from tests.api.test_packs_side_by_side import People, enrol_all

pytestmark = pytest.mark.anyio


async def switch(client, pack: str, *, force: bool = False):
    return await client.post("/api/v1/models/default", json={"pack": pack, "force": force})


async def active(client) -> str:
    status = (await client.get("/api/status")).json()
    named = f"{status['default_pack']}@{status['default_pack_version']}"
    models = (await client.get("/api/v1/models")).json()["models"]
    assert [f"{model['name']}@{model['version']}" for model in models if model["is_default"]] == [named]
    return named


async def test_R_LIB_7_switching_is_refused_until_covered_and_kept_over_a_restart_and_goes_back(
    open_pair_client: OpenClient, lfw_people: People
) -> None:
    people = dict(list(lfw_people.items())[:3])
    name, photos = next(iter(people.items()))
    async with open_pair_client() as client:
        await enrol_all(client, people)
        refused = await switch(client, "insightface")
        problem = refused.json()
        assert (refused.status_code, problem["code"]) == (409, "pack_not_covered")
        assert (problem["coverage"]["missing"], problem["coverage"]["images"]) == (3, 3)
        assert "3 of 3 images" in problem["detail"]
        assert await active(client) == "foamliu@1"
        await reembed(client, "insightface")
        switched = await switch(client, "insightface")
        assert switched.status_code == 200, switched.text
        answer = switched.json()
        assert (answer["pack"], answer["pack_version"], answer["previous"]) == ("insightface", "1", "foamliu@1")
        assert (answer["coverage"]["is_complete"], answer["failures"]) == (True, [])
        assert await active(client) == "insightface@1"
        assert (await switch(client, "insightface@1")).json()["previous"] == "insightface@1"
        found = (await search(client, photos[1])).json()
        assert (found["pack"], found["faces"][0]["best_match"]["person_id"]) == ("insightface", name)
    async with open_pair_client() as client:  # packs.default is foamliu
        assert await active(client) == "insightface@1"
        assert (await client.get("/health")).json() == {"status": "ok", "checks": {"database": "ok", "pack": "ok"}}
        assert (await switch(client, "foamliu")).json()["coverage"]["is_complete"]
        found = (await search(client, photos[1])).json()
        assert (found["pack"], found["faces"][0]["best_match"]["person_id"]) == ("foamliu", name)
        for pack, status in (("none", 404), ("foamliu@9", 404)):
            assert (await switch(client, pack)).status_code == status
        assert await active(client) == "foamliu@1"


@pytest.mark.slow
async def test_R_LIB_7_force_switches_uncovered_and_images_without_a_face_do_not_hold_it_up(
    open_pair_client: OpenClient, lfw_people: People
) -> None:
    async with open_pair_client() as client:
        await enrol(client, lfw_people["Amelia_Vega"][0], person_id="amelia", name="Amelia")
        assert (await switch(client, "insightface", force=True)).json()["coverage"]["missing"] == 1
        found = (await search(client, lfw_people["Amelia_Vega"][1])).json()
        assert (found["pack"], found["faces"][0]["matches"]) == ("insightface", [])
        await reembed(client, "blind")
        switched = (await switch(client, "blind")).json()
        assert [(item["person_id"], "does not find" in item["reason"]) for item in switched["failures"]] == [
            ("amelia", True)
        ]


@pytest.mark.slow
async def test_R_LIB_6_the_setting_counts_until_the_first_switch(
    open_pair_client: OpenClient, lfw_people: People
) -> None:
    async with open_pair_client() as client:
        assert await active(client) == "foamliu@1"
    async with open_pair_client(packs__default="insightface") as client:
        assert await active(client) == "insightface@1"
        assert (await switch(client, "foamliu")).status_code == 200
    for setting in ("insightface", "foamliu", "none"):
        async with open_pair_client(packs__default=setting) as client:
            assert await active(client) == "foamliu@1"


async def test_R_LIB_6_after_a_switch_new_images_get_the_active_pack_whatever_is_configured(
    open_pair_client: OpenClient, lfw_people: People
) -> None:
    async def made(client, photo: bytes, **fields) -> list[str]:
        answer = await enrol(client, photo, name="Art", **fields)
        return [item["model_name"] for item in answer.json()["generated_embeddings"]]

    photos = lfw_people["Art_Howe"]
    async with open_pair_client() as client:
        assert await made(client, photos[0]) == ["foamliu"]
        await switch(client, "insightface", force=True)
        assert await made(client, photos[1]) == ["insightface"]
    async with open_pair_client(packs__generate="foamliu") as client:
        assert await made(client, photos[2]) == ["insightface", "foamliu"]
        assert await made(client, photos[3], models_to_generate="foamliu") == ["foamliu"]


async def test_R_LIB_7_an_image_prepared_before_a_switch_and_stored_after_it_is_found(
    open_pair_client: OpenClient, lfw_people: People
) -> None:
    """Its embeddings were made for the packs of before; without the active pack's nobody would find it."""
    photos = lfw_people["Amelia_Vega"]
    async with open_pair_client() as client:
        gallery = client.platform.gallery
        enrolment = gallery.enrolment
        prepared = [
            await asyncio.to_thread(enrolment.prepare, person, photo, ImageOptions(packs=packs))
            for person, photo, packs in (("late", photos[0], None), ("named", photos[1], ["foamliu"]))
        ]
        assert (await switch(client, "insightface")).status_code == 200
        for image in prepared:
            async with enrolment._changes.change(image.files) as change:
                await enrolment.enrol_into(change, PersonFields(name="Amelia"), image)
        found = (await search(client, photos[2])).json()["faces"][0]["matches"]
        assert [match["person_id"] for match in found] == ["late"]
        packs = {
            person: [pack["name"] for pack in (await client.get(f"/api/v1/faces/{person}")).json()["person"]["packs"]]
            for person in ("late", "named")
        }
        assert packs == {"late": ["foamliu", "insightface"], "named": ["foamliu"]}


@pytest.mark.slow
async def test_R_LIB_7_no_search_fails_or_comes_back_empty_while_packs_are_switched_to_and_fro(
    open_pair_client: OpenClient, lfw_people: People
) -> None:
    """Searches and enrolments run all the while; every answer is one pack's own and names the right person."""
    people = dict(list(lfw_people.items())[:4])
    answers: dict[str, int] = {}
    async with open_pair_client(packs__generate="foamliu,insightface") as client:
        await enrol_all(client, people)
        # Only a restart empties the indexes, so that the switch has to fill one.
    async with open_pair_client(packs__generate="foamliu,insightface") as client:
        switching = True

        async def keep_searching(name: str, photo: bytes) -> None:
            while switching:
                answer = await search(client, photo)
                assert answer.status_code == 200, answer.text
                found = answer.json()
                # One photo of a person may score just below the threshold; the nearest person is certain.
                assert found["faces"][0]["matches"][0]["person_id"] == name
                answers[found["pack"]] = answers.get(found["pack"], 0) + 1

        async def keep_enrolling() -> None:
            for photo in (1, 3):
                await enrol_all(client, people, photo)
                await asyncio.sleep(0)

        searching = [asyncio.create_task(keep_searching(name, photos[2])) for name, photos in list(people.items())[:2]]
        enrolling = asyncio.create_task(keep_enrolling())
        for pack in ("insightface", "foamliu", "insightface"):
            before = sum(answers.values())
            while sum(answers.values()) < before + 3:
                await asyncio.sleep(0.01)
            switched = await switch(client, pack)
            assert switched.status_code == 200, switched.text
        await enrolling
        switching = False
        await asyncio.gather(*searching)
        assert set(answers) == {"foamliu", "insightface"}
        covered = await coverage(client)
        assert [covered[f"{pack}@1"]["missing"] for pack in ("foamliu", "insightface")] == [0, 0]
        assert await active(client) == "insightface@1"
