"""Images change hands and persons go: at once, as a whole, in the database, the files and the indexes."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from lianpu.gallery.unfinished import UnfinishedFiles, mend_after_crash, retry_deletions
from tests.api.calls import enrol
from tests.api.conftest import OpenClient

pytestmark = pytest.mark.anyio


@pytest.fixture
async def gallery(open_kit_client: OpenClient, lfw_people: dict[str, list[bytes]]) -> Any:
    """ada and ada2 are one human, bob another; ada2 holds one photo that ada has, too."""
    (_, ada), (_, bob), *_ = lfw_people.items()
    async with open_kit_client() as client:
        for person_id, photos in (("ada", ada[:2]), ("ada2", ada[1:3]), ("bob", bob[:1])):
            for number, photo in enumerate(photos):
                fields = {"name": person_id.title(), "metadata": f'{{"of": "{person_id}", "{person_id}": {number}}}'}
                said = fields if number == 0 else {}
                answer = await enrol(client, photo, person_id=person_id, face_selection="largest", **said)
                assert answer.status_code == 201, answer.text
        yield client


def files_of(client: httpx2.AsyncClient) -> list[Path]:
    home: Path = client.platform.settings.home  # type: ignore[attr-defined]
    return sorted(path for path in (home / "gallery").rglob("*") if path.is_file())


async def best(client: httpx2.AsyncClient, photo: bytes) -> str | None:
    answer = await client.post("/api/v1/search", files={"image": ("p.jpg", photo)}, data={"faces": "largest"})
    match = answer.json()["faces"][0]["best_match"]
    return None if match is None else match["person_id"]


async def test_R_LIB_4_merged_persons_are_one(gallery: httpx2.AsyncClient, lfw_people: dict[str, list[bytes]]) -> None:
    (_, ada), *_ = lfw_people.items()
    primary = (await gallery.get("/api/v1/faces/ada")).json()["person"]["primary_image_id"]
    answer = await gallery.post("/api/v1/faces/ada/merge", json={"from": ["ada2"]})
    assert answer.status_code == 200, answer.text
    merged = answer.json()
    assert (merged["images_moved"], merged["duplicates_dropped"]) == (1, 1)
    assert merged["persons_removed"] == ["ada2"]
    assert merged["person"]["image_count"] == 3
    assert merged["person"]["primary_image_id"] == primary
    assert merged["person"]["metadata"] == {"of": "ada", "ada": 0, "ada2": 0}
    assert merged["metadata_conflicts"] == [{"key": "of", "kept": "ada", "dropped": "ada2"}]
    assert (await gallery.get("/api/v1/faces/ada2")).status_code == 404
    assert [await best(gallery, photo) for photo in ada[:3]] == ["ada"] * 3
    assert len(files_of(gallery)) == 2 * 4
    status = (await gallery.get("/api/status")).json()
    assert status["gallery"] == {"persons": 2, "images": 4, "embeddings": 4}
    assert status["indexes"] == {"kit@1": 4}


async def test_R_LIB_4_a_moved_image_names_its_new_person_at_once(
    gallery: httpx2.AsyncClient, lfw_people: dict[str, list[bytes]]
) -> None:
    (_, ada), (_, bob), *_ = lfw_people.items()
    [image] = (await gallery.get("/api/v1/faces/bob/images")).json()["images"]
    move = f"/api/v1/faces/bob/images/{image['image_id']}/move"
    moved = (await gallery.post(move, json={"new_person": {"person_id": "eve", "name": "Eve"}})).json()
    assert (moved["person"]["person_id"], moved["person"]["name"], moved["person_removed"]) == ("eve", "Eve", False)
    assert moved["image"]["is_primary"] is True
    assert await best(gallery, bob[0]) == "eve"
    assert (await gallery.get("/api/v1/faces/bob")).json()["person"]["image_count"] == 0
    back = f"/api/v1/faces/eve/images/{image['image_id']}/move"
    moved = (await gallery.post(back, json={"to_person_id": "bob", "delete_empty": True})).json()
    assert moved["person_removed"] is True
    assert (await gallery.get("/api/v1/faces/eve")).status_code == 404
    assert await best(gallery, bob[0]) == "bob"
    # The primary image of a person who keeps others passes on.
    images = (await gallery.get("/api/v1/faces/ada/images")).json()["images"]
    await gallery.post(f"/api/v1/faces/ada/images/{images[0]['image_id']}/move", json={"to_person_id": "bob"})
    [left] = (await gallery.get("/api/v1/faces/ada/images")).json()["images"]
    assert left["is_primary"] is True
    of_bob = (await gallery.get("/api/v1/faces/bob/images")).json()["images"]
    assert [item["is_primary"] for item in of_bob] == [True, False]
    assert (await gallery.get(f"/api/v1/faces/bob/images/{images[0]['image_id']}/content")).content in ada[:2]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("ada/merge", {"from": ["ada"]}, 422, "validation_failed"),
        ("ada/merge", {"from": []}, 422, "validation_failed"),
        ("ada/merge", {"from": ["ada2", "nobody"]}, 404, "person_not_found"),
        ("nobody/merge", {"from": ["ada"]}, 404, "person_not_found"),
        ("ada/images/IMAGE/move", {"to_person_id": "nobody"}, 404, "person_not_found"),
        ("ada/images/IMAGE/move", {"to_person_id": "ada"}, 422, "validation_failed"),
        ("ada/images/IMAGE/move", {}, 422, "validation_failed"),
        ("ada/images/IMAGE/move", {"to_person_id": "bob", "new_person": {"name": "x"}}, 422, "validation_failed"),
        ("ada/images/IMAGE/move", {"new_person": {"person_id": "bob", "name": "x"}}, 422, "validation_failed"),
        ("ada/images/IMAGE/move", {"to_person_id": "ada2"}, 409, "duplicate_image"),
        ("bob/images/IMAGE/move", {"to_person_id": "ada2"}, 404, "image_not_found"),
    ],
)
async def test_R_LIB_4_what_cannot_be_moved_changes_nothing(
    gallery: httpx2.AsyncClient,
    lfw_people: dict[str, list[bytes]],
    path: str,
    body: dict[str, Any],
    status: int,
    code: str,
) -> None:
    images = (await gallery.get("/api/v1/faces/ada/images")).json()["images"]
    shared = (await gallery.get("/api/v1/faces/ada2/images")).json()["images"]
    [image] = [item for item in images if item["sha256"] in {other["sha256"] for other in shared}]
    before = (await gallery.get("/api/v1/faces")).json()["persons"], files_of(gallery)
    answer = await gallery.post(f"/api/v1/faces/{path}".replace("IMAGE", image["image_id"]), json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert ((await gallery.get("/api/v1/faces")).json()["persons"], files_of(gallery)) == before
    (_, ada), *_ = lfw_people.items()
    assert await best(gallery, ada[0]) == "ada"


async def test_R_LIB_1_a_deletion_leaves_a_receipt_and_nothing_else(gallery: httpx2.AsyncClient) -> None:
    answer = await gallery.delete("/api/v1/faces/ada")
    assert answer.status_code == 200
    receipt = answer.json()["receipt"]
    assert receipt["person_id"] == "ada"
    assert (receipt["images"], receipt["embeddings"], receipt["files"]) == (2, {"kit@1": 2}, 4)
    assert (receipt["remaining_files"], receipt["verified"]) == (0, True)
    [image, _] = (await gallery.get("/api/v1/faces/ada2/images")).json()["images"]
    receipt = (await gallery.delete(f"/api/v1/faces/ada2/images/{image['image_id']}")).json()["receipt"]
    assert (receipt["images"], receipt["files"], receipt["verified"]) == (1, 2, True)
    assert len(files_of(gallery)) == 2 * 2


async def test_R_LIB_1_a_file_that_cannot_be_deleted_is_not_called_gone(
    gallery: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = gallery.platform.gallery.persons._storage  # type: ignore[attr-defined]
    delete = type(storage).delete

    def held(self: Any, name: str) -> None:
        if name.endswith(".thumbnail.jpeg"):
            raise PermissionError(13, "held by another program")
        delete(self, name)

    monkeypatch.setattr(type(storage), "delete", held)
    [image] = (await gallery.get("/api/v1/faces/bob/images")).json()["images"]
    receipt = (await gallery.delete("/api/v1/faces/bob")).json()["receipt"]
    assert (receipt["files"], receipt["remaining_files"], receipt["verified"]) == (1, 1, False)
    assert (await gallery.get("/api/v1/faces/bob")).status_code == 404
    unfinished, database = gallery.platform.gallery.changes.unfinished, gallery.platform.database  # type: ignore[attr-defined]
    await retry_deletions(database, unfinished)
    left = [file.name for file in files_of(gallery) if image["image_id"] in file.name]
    assert left == [f"{image['image_id']}.thumbnail.jpeg"]
    await mend_after_crash(database, UnfinishedFiles(storage))  # a start while it is still held
    monkeypatch.undo()
    await retry_deletions(database, unfinished)
    assert not [file for file in files_of(gallery) if image["image_id"] in file.name]
    assert len(files_of(gallery)) == 2 * 4
    assert unfinished.left() == {}
    assert UnfinishedFiles(storage).left_behind() == {}


async def test_R_LIB_5_many_persons_go_one_by_one(gallery: httpx2.AsyncClient) -> None:
    answer = await gallery.request("DELETE", "/api/v1/faces/batch", json={"person_ids": ["ada", "x", "bob", "ada"]})
    assert [(item["person_id"], item["status"]) for item in answer.json()["items"]] == [
        ("ada", "deleted"), ("x", "not_found"), ("bob", "deleted")
    ]  # fmt: skip
    assert answer.json()["deleted"] == 2
    assert [person["person_id"] for person in (await gallery.get("/api/v1/faces")).json()["persons"]] == ["ada2"]
    for wrong in ({}, {"person_ids": []}, {"person_ids": ["x"] * 1001}, {"person_ids": "ada2"}):
        refused = await gallery.request("DELETE", "/api/v1/faces/batch", json=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
