"""The health report over HTTP: planted faults are found, mended in one call, or called fine."""

from typing import Any

import httpx2
import numpy as np
import pytest

from tests.api.calls import ended, enrol, search
from tests.api.conftest import OpenClient
from tests.api.synthetic import add_people

pytestmark = pytest.mark.anyio

HEALTH = "/api/v1/gallery/health"
Found = dict[tuple[str, tuple[str, ...]], dict[str, Any]]


async def checked(client: httpx2.AsyncClient, **fields: Any) -> Found:
    """A new report's findings, by kind and persons."""
    job = await ended(client, await client.post(HEALTH, json=fields))
    assert job["status"] == "completed", job
    return await listed(client)


async def listed(client: httpx2.AsyncClient) -> Found:
    findings = (await client.get(HEALTH)).json()["report"]["findings"]
    return {(item["kind"], tuple(person["person_id"] for person in item["persons"])): item for item in findings}


async def apply(client: httpx2.AsyncClient, finding: dict[str, Any], action: str) -> httpx2.Response:
    return await client.post(f"{HEALTH}/findings/{finding['finding_id']}/apply", json={"action": action})


async def images_of(client: httpx2.AsyncClient, person_id: str) -> set[str]:
    return {item["image_id"] for item in (await client.get(f"/api/v1/faces/{person_id}/images")).json()["images"]}


async def test_R_LIB_9_planted_faults_on_real_faces_are_found_and_mended(
    open_pair_client: OpenClient, lfw_people: dict[str, list[bytes]]
) -> None:
    """Of eight people one has an image of somebody else, and one is enrolled twice."""
    async with open_pair_client(conflicts__mode="off") as client:
        images: dict[str, list[str]] = {}

        async def add(person_id: str, photo: bytes) -> None:
            answer = await enrol(client, photo, person_id=person_id, name=person_id, face_selection="largest")
            images.setdefault(person_id, []).append(answer.json()["image"]["image_id"])

        nothing = await client.get(HEALTH)
        assert (nothing.status_code, nothing.json()["code"]) == (404, "report_not_found")
        names = list(lfw_people)
        for name in names:
            for photo in lfw_people[name][:2]:
                await add(name, photo)
        first, second, twice = names[:3]
        assert await checked(client) == {}

        await add(first, lfw_people[second][2])
        for photo in lfw_people[twice][2:]:
            await add("again", photo)
        found = await checked(client)
        misfiled = found.pop(("misfiled_image", (first, second)))
        assert [item["image_id"] for item in misfiled["images"]] == [images[first][2]]
        ((kind, persons), duplicate) = found.popitem()
        assert (kind, set(persons)) == ("duplicate_persons", {twice, "again"})
        assert found == {}
        assert {misfiled["severity"], duplicate["severity"]} == {"high"}

        unknown = await apply(client, misfiled, "explode")
        assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "action")
        assert [action["action"] for action in misfiled["actions"]] == ["move_image", "delete_image", "dismiss"]
        done = await apply(client, misfiled, "move_image")
        assert done.status_code == 200, done.text
        assert await images_of(client, first) == set(images[first][:2])
        assert await images_of(client, second) == {*images[second], images[first][2]}
        # What was mended is gone from the report at once, and stays gone.
        assert list(await listed(client)) == [("duplicate_persons", persons)]
        outdated = await apply(client, misfiled, "delete_image")
        assert (outdated.status_code, outdated.json()["code"]) == (409, "finding_outdated")
        assert images[first][2] in await images_of(client, second)
        assert list(await checked(client)) == [("duplicate_persons", persons)]
        # The call that an action describes does the same as `apply`.
        merge = duplicate["actions"][0]
        merged = await client.request(merge["method"], merge["path"], json=merge["body"])
        assert merged.status_code == 200, merged.text
        assert await images_of(client, persons[0]) == {*images[twice], *images["again"]}
        gone = await apply(client, duplicate, "merge")
        assert gone.json()["code"] == "finding_outdated"
        assert await checked(client) == {}
        assert (await search(client, lfw_people[second][3], faces="largest")).json()["faces"][0]["best_match"][
            "person_id"
        ] == second


async def test_R_LIB_9_persons_enrolled_twice_are_merged_in_one_call(open_pair_client: OpenClient) -> None:
    axes = np.eye(128, dtype=np.float32)
    people = {"cleo": np.array([axes[9], axes[9] + 0.3 * axes[10]]), "dan": np.array([axes[9] + 0.3 * axes[11]])}
    async with open_pair_client() as client:
        images = await add_people(client.platform, "foamliu", people)
        (finding,) = (await checked(client)).values()
        assert [action["action"] for action in finding["actions"]] == ["merge", "merge_2", "dismiss"]
        assert (await apply(client, finding, "merge_2")).status_code == 200
        assert await images_of(client, "dan") == {*images["cleo"], *images["dan"]}
        assert (await client.get("/api/v1/faces/cleo")).status_code == 404
        assert await listed(client) == {}


async def test_R_LIB_9_a_dismissed_finding_does_not_come_back(open_pair_client: OpenClient) -> None:
    random = np.random.default_rng(3)
    axes = np.eye(128, dtype=np.float32)
    twin = 0.44 * axes[0] + 0.898 * axes[1]
    people = {
        "ada": axes[:1],
        "bea": twin[None],
        "cleo": np.array([axes[5], axes[6]]),
        "dan": np.array([axes[9]]),
        "eva": axes[9:10] + 0.01 * random.normal(size=(1, 128)).astype(np.float32),
        "finn": np.empty((0, 128), np.float32),
        "gus": np.array([axes[12]]),
    }
    async with open_pair_client() as client:
        hashes = {"dan": ["ab" * 32], "eva": ["ab" * 32]}
        await add_people(client.platform, "foamliu", people, quality={"gus": {"sharpness": 0.1}}, hashes=hashes)
        found = await checked(client)
        assert set(found) == {
            ("look_alikes", ("ada", "bea")),
            ("outlier_image", ("cleo",)),
            ("duplicate_persons", ("dan", "eva")),
            ("duplicate_images", ("dan", "eva")),
            ("no_embedding", ("finn",)),
            ("single_poor_image", ("gus",)),
        }
        assert "sharpness is 0.1" in found["single_poor_image", ("gus",)]["explanation"]
        for kind, persons in (("outlier_image", ("cleo",)), ("duplicate_persons", ("dan", "eva"))):
            finding_id = found[kind, persons]["finding_id"]
            answer = await client.post(f"{HEALTH}/findings/{finding_id}/dismiss")
            assert answer.json()["dismissed"] is True
        assert (await apply(client, found["no_embedding", ("finn",)], "dismiss")).status_code == 200
        kept = {("look_alikes", ("ada", "bea")), ("duplicate_images", ("dan", "eva")), ("single_poor_image", ("gus",))}
        assert set(await listed(client)) == kept
        assert set(await checked(client)) == kept
        latest = (await client.get(HEALTH)).json()
        assert latest["dismissed"] == 3
        assert latest["report"]["counts"]["outlier_image"] == 1
        await client.delete(f"{HEALTH}/findings/{found['outlier_image', ('cleo',)]['finding_id']}/dismiss")
        assert set(await listed(client)) == kept | {("outlier_image", ("cleo",))}

        alike = found["look_alikes", ("ada", "bea")]
        by_action = {action["action"]: action for action in alike["actions"]}
        assert set(by_action) == {"set_threshold", "set_threshold_2", "dismiss"}
        offered = by_action["set_threshold_2"]
        assert (offered["method"], offered["path"]) == ("PATCH", "/api/v1/faces/bea")
        # The call that is described and the call that `apply` makes are the same.
        assert (await client.patch(offered["path"], json=offered["body"])).status_code == 200
        assert (await apply(client, alike, "set_threshold")).status_code == 200
        thresholds = [
            (await client.get(f"/api/v1/faces/{one}")).json()["person"]["threshold"] for one in ("ada", "bea")
        ]
        assert thresholds[0] == pytest.approx(thresholds[1])
        assert thresholds[0] > alike["score"]
        assert ("look_alikes", ("ada", "bea")) not in await listed(client)
        assert ("look_alikes", ("ada", "bea")) not in await checked(client)
        gone = await client.post(f"{HEALTH}/findings/{alike['finding_id']}/dismiss")
        assert (gone.status_code, gone.json()["code"]) == (404, "finding_not_found")


async def test_R_LIB_9_packs_are_looked_at_one_by_one(open_pair_client: OpenClient) -> None:
    """The same vectors under two packs: nobody is compared across."""
    vectors = np.eye(128, dtype=np.float32)[:4]
    async with open_pair_client() as client:
        await add_people(client.platform, "foamliu", {"ada": vectors[:1], "bea": vectors[1:2]})
        await add_people(client.platform, "insightface", {"eva": vectors[:1], "finn": vectors[2:3]})
        assert set(await checked(client)) == {("no_embedding", ("eva",)), ("no_embedding", ("finn",))}
        assert set(await checked(client, pack="insightface")) == {
            ("no_embedding", ("ada",)),
            ("no_embedding", ("bea",)),
        }
