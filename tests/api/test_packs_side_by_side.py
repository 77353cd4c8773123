"""Several packs in one gallery: which embeddings are made, which pack answers, and what each one covers."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from lianpu.gallery.models import FaceEmbedding
from tests.api.calls import coverage, ended, enrol, reembed, search
from tests.api.conftest import OpenClient

pytestmark = pytest.mark.anyio

People = dict[str, list[bytes]]


async def enrol_all(client, people: People, photo: int = 0, **fields) -> None:
    for name, photos in people.items():
        fields = {"face_selection": "largest", **fields}
        answer = await enrol(client, photos[photo], person_id=name, name=name, **fields)
        assert answer.status_code == 201, answer.text


async def assert_vectors_are_their_own_packs(client, people: People) -> None:
    """What is stored under a pack's name is what that pack says of the photo; the other says something else."""
    async with client.platform.database.session() as session:
        rows = (await session.scalars(select(FaceEmbedding))).all()
    assert len(rows) == 2 * len(people)
    for row in rows:
        for pack in ("foamliu", "insightface"):
            photo = {"image": ("photo.jpg", people[row.person_id][0])}
            answer = (await client.post("/api/v1/embeddings", files=photo, data={"pack": pack})).json()
            vector = np.array(answer["faces"][0]["embedding"])
            cosine = vector @ row.vector / np.linalg.norm(vector) / np.linalg.norm(row.vector)
            assert (cosine > 0.9999) == (pack == row.pack)
            assert abs(cosine) < 0.5 or pack == row.pack


async def test_R_LIB_6_a_pack_may_be_named_with_its_version(open_pair_client: OpenClient, lfw_people: People) -> None:
    name, photos = next(iter(lfw_people.items()))
    async with open_pair_client() as client:
        answer = await enrol(client, photos[0], name=name, models_to_generate="insightface@1,foamliu")
        generated = {(item["model_name"], item["model_version"]) for item in answer.json()["generated_embeddings"]}
        assert generated == {("foamliu", "1"), ("insightface", "1")}
        for named in ("foamliu", "foamliu@1", "insightface", "insightface@1"):
            found = (await search(client, photos[1], pack=named)).json()
            assert f"{found['pack']}@{found['pack_version']}".startswith(named)
            assert found["faces"][0]["best_match"]["name"] == name
        for named in ("foamliu@2", "insightfac"):
            refused = await search(client, photos[1], pack=named)
            assert (refused.status_code, refused.json()["code"]) == (404, "pack_not_found")


async def test_R_LIB_6_one_request_naming_a_pack_twice_makes_one_embedding(
    open_pair_client: OpenClient, lfw_people: People
) -> None:
    async with open_pair_client() as client:
        photo = lfw_people["Amelia_Vega"][0]
        answer = (await enrol(client, photo, name="Amelia", models_to_generate="foamliu,foamliu@1")).json()
        assert [item["model_name"] for item in answer["generated_embeddings"]] == ["foamliu"]


async def test_R_LIB_6_a_newer_version_is_used_at_once_where_it_is_named_and_nowhere_else(
    open_pair_client: OpenClient, home: Path, lfw_people: People
) -> None:
    """`foamliu@2` is another network: a search of the default pack must not meet it by itself, not even later."""
    photos = lfw_people["Amelia_Vega"]
    async with open_pair_client() as client:
        await enrol(client, photos[0], person_id="amelia", name="Amelia")
        for name, recogniser in (("foamliu", "insightface"), ("insightface", "foamliu")):
            folder = home / "packs" / f"{name}@2"
            shutil.copytree(home / "packs" / f"{recogniser}@1", folder)
            manifest = (folder / "pack.toml").read_text()
            manifest = manifest.replace(f'name = "{recogniser}"', f'name = "{name}"').replace(
                'version = "1"', 'version = "2"'
            )
            (folder / "pack.toml").write_text(manifest)
        versions = {
            named: (await search(client, photos[1], **({"pack": named} if named else {}))).json()["pack_version"]
            for named in ("", "foamliu", "foamliu@2", "insightface", "insightface@1")
        }
        assert versions == {"": "1", "foamliu": "1", "foamliu@2": "2", "insightface": "2", "insightface@1": "1"}
        assert (await search(client, photos[1], pack="foamliu@2")).json()["faces"][0]["matches"] == []
    async with open_pair_client() as client:
        found = (await search(client, photos[1])).json()
        assert (found["pack_version"], found["faces"][0]["best_match"]["person_id"]) == ("1", "amelia")
        defaults = [model for model in (await client.get("/api/v1/models")).json()["models"] if model["is_default"]]
        assert [(model["name"], model["version"]) for model in defaults] == [("foamliu", "1")]


async def test_R_LIB_6_one_pack_that_fails_does_not_keep_the_others_from_being_stored(
    open_pair_client: OpenClient, home: Path, lfw_people: People
) -> None:
    """One pack finds no face, one is cut off, one is not there: each is told with its reason."""
    network = next((home / "packs/insightface@1").glob("*y1*"))
    network.write_bytes(network.read_bytes()[:1000])
    photo = lfw_people["Amelia_Vega"][0]
    async with open_pair_client(packs__generate="foamliu,blind,insightface,none") as client:
        answer = await enrol(client, photo, person_id="amelia", name="Amelia")
        assert answer.status_code == 201, answer.text
        generated = {item["model_name"]: item for item in answer.json()["generated_embeddings"]}
        assert {name: item["status"] for name, item in generated.items()} == {
            "foamliu": "generated", "blind": "failed", "insightface": "failed", "none": "failed"
        }  # fmt: skip
        assert "does not find this face" in generated["blind"]["detail"]
        assert "insightface" in generated["insightface"]["detail"]
        assert "No pack 'none'" in generated["none"]["detail"]
        covered = await coverage(client)
        # A pack without its files may succeed another day; one that sees no face has had its chance.
        assert [covered[name]["failed"] for name in ("blind@1", "insightface@1")] == [1, 0]
        assert [covered[name]["missing"] for name in ("blind@1", "insightface@1")] == [0, 1]
        named = await enrol(client, lfw_people["Art_Howe"][0], name="Art", models_to_generate="insightface,foamliu")
        assert [item["status"] for item in named.json()["generated_embeddings"]] == ["generated", "failed"]
        unknown = await enrol(client, lfw_people["Art_Howe"][1], name="Art", models_to_generate="foamliu,none")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "pack_not_found")


async def test_R_LIB_7_features_of_one_person_are_made_in_the_background(
    open_pair_client: OpenClient, lfw_people: People
) -> None:
    two = dict(list(lfw_people.items())[:2])
    first, second = two
    async with open_pair_client() as client:
        await enrol_all(client, two)
        route = f"/api/v1/faces/{first}/generate-features"
        job = await ended(client, await client.post(route, params={"model_name": "insightface"}))
        assert (job["kind"], job["status"], job["result"]["embedded"]) == ("gallery.generate_features", "completed", 1)
        found = (await search(client, two[first][1], pack="insightface")).json()["faces"][0]
        assert [match["person_id"] for match in found["matches"]] == [first]
        assert (await coverage(client))["insightface@1"]["missing"] == 1
        again = await ended(client, await client.post(route, params={"model_name": "insightface@1"}))
        assert again["result"]["embedded"] == 0
        for params, path in (({"model_name": "none"}, first), ({}, "nobody")):
            refused = await client.post(f"/api/v1/faces/{path}/generate-features", params=params)
            assert refused.status_code == 404
        assert second not in str(job["result"])


async def test_R_LIB_7_re_embedding_fills_a_pack_and_coverage_says_so_everywhere(
    open_pair_client: OpenClient, lfw_people: People
) -> None:
    people = dict(list(lfw_people.items())[:3])
    async with open_pair_client() as client:
        await enrol_all(client, people)
        before = (await coverage(client))["insightface@1"]
        assert (before["images"], before["embedded"], before["missing"], before["is_complete"]) == (3, 0, 3, False)
        job = await reembed(client, "insightface")
        assert (job["status"], job["progress"]["done"], job["progress"]["total"]) == ("completed", 3, 3)
        result = job["result"]
        assert (result["embedded"], result["failed"], result["failures"]) == (3, 0, [])
        assert result["images_per_s"] > 0
        complete = {
            "images": 3, "embedded": 3, "failed": 0, "missing": 0, "persons": 3, "persons_covered": 3,
            "is_complete": True,
        }  # fmt: skip
        assert result["coverage"] == (await coverage(client))["insightface@1"] == complete
        packs = (await client.get("/api/status")).json()["packs"]
        assert complete in [pack["coverage"] for pack in packs if pack["name"] == "insightface"]
        for name, photos in people.items():
            found = (await search(client, photos[1], pack="insightface")).json()["faces"][0]["matches"][0]
            assert found["person_id"] == name
        await assert_vectors_are_their_own_packs(client, people)
        repeated = await reembed(client, "insightface")
        assert repeated["result"]["embedded"] == 0
        listed = (await client.get("/api/v1/faces", params={"pack": "insightface@1"})).json()["persons"]
        assert len(listed) == 3
        assert (await client.get("/api/v1/faces", params={"pack": "insightface@2"})).json()["persons"] == []


async def test_R_LIB_7_images_without_a_face_for_the_pack_are_failed_items_and_are_not_tried_for_ever(
    open_pair_client: OpenClient, lfw_people: People
) -> None:
    people = dict(list(lfw_people.items())[:2])
    async with open_pair_client() as client:
        await enrol_all(client, people)
        job = await reembed(client, "blind")
        assert (job["status"], job["items"], job["result"]["failed"]) == ("completed", {"failed": 2}, 2)
        assert {item["person_id"] for item in job["result"]["failures"]} == set(people)
        items = (await client.get(f"/api/v1/jobs/{job['job_id']}/items")).json()["items"]
        assert [item["position"] for item in items] == [0, 1]
        assert all("does not find this face" in item["detail"]["message"] for item in items)
        covered = (await coverage(client))["blind@1"]
        assert (covered["failed"], covered["missing"], covered["is_complete"]) == (2, 0, True)
        untouched = await reembed(client, "blind")
        assert (untouched["items"], untouched["result"]["failed"]) == ({}, 0)
        assert (await reembed(client, "blind", retry_failed=True))["result"]["failed"] == 2
        retried = await client.post(f"/api/v1/jobs/{job['job_id']}/retry")
        assert retried.status_code == 200
        retried.status_code = 202
        assert (await ended(client, retried))["items"] == {"failed": 2}
        await client.delete(f"/api/v1/faces/{next(iter(people))}")
        assert (await coverage(client))["blind@1"]["failed"] == 1
