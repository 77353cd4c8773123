"""R-LIB 13 over HTTP: unknown persons are looked at, named, vetoed, taken apart, merged and purged."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from lianpu.bootstrap import Platform
from lianpu.engines.image import decode_image, encode_jpeg
from lianpu.streams.inbox.inbox import FOLDER
from lianpu.streams.pipeline import Person
from tests.api.calls import enrol, search
from tests.api.conftest import OpenClient
from tests.api.logins import anonymous, create_user, log_in

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PATH = "/api/v1/stream/unknowns"
Json = dict[str, Any]


@dataclass
class Inbox:
    client: httpx2.AsyncClient
    home: Path

    @property
    def platform(self) -> Platform:
        return self.client.platform  # type: ignore[attr-defined]

    async def keep(self, *seen: Person, stream_id: str = "door") -> None:
        analyzer = await self.platform.gallery.recognition.analyzer(None)
        await self.platform.unknowns.inbox.keep(stream_id, analyzer, seen)

    async def call(self, method: str, path: str = "", **body: Any) -> Json:
        answer = await self.client.request(method, PATH + path, json=body or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, method: str, path: str, **body: Any) -> tuple[int, str]:
        answer = await self.client.request(method, PATH + path, json=body or None)
        return answer.status_code, answer.json()["code"]

    async def everybody(self, **wanted: Any) -> list[Json]:
        """Who was seen last first."""
        answer = await self.client.get(PATH, params=wanted)
        assert answer.status_code == 200, answer.text
        return answer.json()["unknowns"]

    async def only(self) -> Json:
        [unknown] = await self.everybody()
        return unknown

    async def faces(self, unknown: Json) -> list[Json]:
        return (await self.call("GET", f"/{unknown['unknown_id']}"))["faces"]

    def files(self, folder: str = FOLDER) -> list[str]:
        return sorted(file.name for file in (self.home / folder).rglob("*") if file.is_file())

    def rows(self) -> dict[str, int]:
        tables = ("unknown_persons", "unknown_faces", "unknown_vetoes", "unknown_separations")
        with closing(sqlite3.connect(self.home / "lianpu.db")) as database:
            return {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}

    async def audited(self, action: str) -> list[Json]:
        """Oldest first."""
        page = await self.client.get("/api/v1/audit", params={"action": action})
        return page.json()["events"][::-1]


@pytest.fixture
async def inbox(open_client: OpenClient, home: Path) -> AsyncIterator[Inbox]:
    async with open_client(streams__inbox__enabled=True, streams__inbox__min_quality=0.2) as client:
        yield Inbox(client, home)


async def test_R_LIB_13_unknown_persons_are_listed_with_what_is_known_of_them(
    inbox: Inbox, people: list[list[Person]]
) -> None:
    await inbox.keep(*people[0], *people[1][:1])
    await inbox.keep(people[2][0], stream_id="yard")
    await inbox.keep(people[1][1], stream_id="yard")
    answer = await inbox.call("GET")
    assert (answer["enabled"], answer["total"], answer["next_cursor"]) == (True, 3, None)
    second, third, first = answer["unknowns"]
    assert [(one["sightings"], one["faces"], one["streams"]) for one in (first, second, third)] == [
        (3, 3, ["door"]),
        (2, 2, ["door", "yard"]),
        (1, 1, ["yard"]),
    ]
    assert first["pack"] == "dlib@1"
    assert first["first_seen_at"] < first["last_seen_at"] < second["last_seen_at"]
    assert first["best_quality"] == pytest.approx(max(seen.quality for seen in people[0]), abs=0.001)
    # Nobody is enrolled.
    assert (first["suggestion"], first["not_persons"]) == (None, [])
    assert [one["unknown_id"] for one in await inbox.everybody(stream_id="yard")] == [
        second["unknown_id"],
        third["unknown_id"],
    ]
    [listed, *_] = await inbox.audited("unknown.list")
    assert listed["detail"]["unknowns"] == 3


async def test_R_LIB_13_the_list_goes_by_pages(inbox: Inbox, people: list[list[Person]]) -> None:
    await inbox.keep(*(seen[0] for seen in people))
    expected = [one["unknown_id"] for one in await inbox.everybody()]
    paged: list[str] = []
    cursor: str | None = None
    while cursor is not None or not paged:
        wanted = {"limit": 3} if cursor is None else {"limit": 3, "cursor": cursor}
        page = (await inbox.client.get(PATH, params=wanted)).json()
        assert page["total"] == 4
        paged += [one["unknown_id"] for one in page["unknowns"]]
        cursor = page["next_cursor"]
    assert paged == expected
    answer = await inbox.client.get(PATH, params={"cursor": "made up"})
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid")


async def test_R_LIB_13_faces_are_shown_as_pictures_the_best_first(inbox: Inbox, people: list[list[Person]]) -> None:
    await inbox.keep(*people[0])
    unknown = await inbox.only()
    faces = await inbox.faces(unknown)
    assert [face["quality"] for face in faces] == sorted((face["quality"] for face in faces), reverse=True)
    best = await inbox.client.get(unknown["crop_url"])
    assert best.headers["content-type"] == "image/jpeg"
    assert best.headers["cache-control"].startswith("private")
    by_quality = sorted(people[0], key=lambda seen: -seen.quality)
    shown = [(await inbox.client.get(face["crop_url"])).content for face in faces]
    assert shown == [seen.portrait for seen in by_quality]
    assert best.content == shown[0]
    for path in ("/nobody", "/nobody/crop", f"/{unknown['unknown_id']}/faces/none/crop"):
        assert await inbox.refused("GET", path) == (404, "unknown_not_found")


async def test_R_LIB_13_an_unknown_person_becomes_a_new_person_in_one_step(
    inbox: Inbox, people: list[list[Person]], portraits: list[bytes]
) -> None:
    await inbox.keep(*people[0], people[1][0])
    _, unknown = sorted(await inbox.everybody(), key=lambda one: one["faces"])
    new = {"person_id": "ann", "name": "安娜", "metadata": {"desk": 7}}
    named = await inbox.call("POST", f"/{unknown['unknown_id']}/name", new_person=new)
    assert (named["person"]["person_id"], named["person"]["name"], named["person"]["metadata"]) == (
        "ann",
        "安娜",
        {"desk": 7},
    )
    assert [face["status"] for face in named["faces"]] == ["enrolled"] * 3
    assert all(face["generated_embeddings"][0]["status"] == "generated" for face in named["faces"])
    # The crops are her images, byte for byte.
    images = (await inbox.client.get("/api/v1/faces/ann/images")).json()["images"]
    assert {image["image_id"] for image in images} == {face["image_id"] for face in named["faces"]}
    ids = [image["image_id"] for image in images]
    content = [(await inbox.client.get(f"/api/v1/faces/ann/images/{one}/content")).content for one in ids]
    assert sorted(content) == sorted(seen.portrait or b"" for seen in people[0])
    # The cluster is gone, and she is found.
    assert await inbox.refused("GET", f"/{unknown['unknown_id']}") == (404, "unknown_not_found")
    assert inbox.rows() == {"unknown_persons": 1, "unknown_faces": 1, "unknown_vetoes": 0, "unknown_separations": 0}
    assert len(inbox.files()) == 1
    [face] = (await search(inbox.client, portraits[0])).json()["faces"]
    assert face["matches"][0]["person_id"] == "ann"
    assert face["matches"][0]["is_match"]
    [event] = await inbox.audited("unknown.name")
    assert (event["target"], event["outcome"]) == (unknown["unknown_id"], "ok")
    assert event["detail"] == {"person_id": "ann", "images": 3, "failed": 0}
    assert "安娜" not in str(event)


async def test_R_LIB_13_who_is_seen_again_after_being_named_is_somebody_new_to_the_inbox(
    inbox: Inbox, people: list[list[Person]]
) -> None:
    await inbox.keep(people[0][0])
    unknown = await inbox.only()
    await inbox.call("POST", f"/{unknown['unknown_id']}/name", new_person={"name": "Ann"})
    await inbox.keep(people[0][1])
    again = await inbox.only()
    assert (again["unknown_id"] != unknown["unknown_id"], again["sightings"]) == (True, 1)
    # By now the gallery knows her.
    assert (again["suggestion"]["name"], again["suggestion"]["is_match"]) == ("Ann", True)


async def test_R_LIB_13_an_unknown_person_is_added_to_a_person_who_exists(
    inbox: Inbox, people: list[list[Person]], portraits: list[bytes]
) -> None:
    await enrol(inbox.client, portraits[0], name="Ann", person_id="ann")
    await inbox.keep(*people[0][1:])
    unknown = await inbox.only()
    named = await inbox.call("POST", f"/{unknown['unknown_id']}/name", person_id="ann")
    assert (named["person"]["name"], named["person"]["image_count"]) == ("Ann", 3)
    assert (await inbox.everybody(), inbox.files()) == ([], [])


async def test_R_LIB_13_each_crop_has_its_own_outcome_and_what_cannot_be_enrolled_goes_with_the_rest(
    inbox: Inbox, people: list[list[Person]], portraits: list[bytes]
) -> None:
    grey = encode_jpeg(np.full((200, 200, 3), 128, np.uint8))
    await enrol(inbox.client, people[0][1].portrait or b"", name="Ann", person_id="ann")
    first, same, third = people[0]
    await inbox.keep(replace(first, quality=0.9), replace(same, quality=0.8), replace(third, portrait=grey))
    unknown = await inbox.only()
    named = await inbox.call("POST", f"/{unknown['unknown_id']}/name", person_id="ann")
    assert [(face["status"], face["code"]) for face in named["faces"]] == [
        ("enrolled", None),
        ("failed", "duplicate_image"),
        ("failed", "face_not_found"),
    ]
    assert (named["person"]["image_count"], await inbox.everybody(), inbox.files()) == (2, [], [])


async def test_R_LIB_13_where_nothing_can_be_enrolled_all_is_as_it_was(
    inbox: Inbox, people: list[list[Person]]
) -> None:
    grey = encode_jpeg(np.full((200, 200, 3), 128, np.uint8))
    await inbox.keep(replace(people[0][0], portrait=grey))
    before = await inbox.only()
    answer = await inbox.client.post(f"{PATH}/{before['unknown_id']}/name", json={"new_person": {"name": "Ann"}})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "unknown_not_named")
    [face] = await inbox.faces(before)
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [(face["face_id"], "face_not_found")]
    assert await inbox.only() == before
    assert (await inbox.client.get("/api/v1/faces")).json()["persons"] == []
    assert inbox.files("gallery") == []


async def test_R_LIB_13_naming_is_refused_for_whom_there_is_not_and_for_ids_that_are_taken(
    inbox: Inbox, people: list[list[Person]], portraits: list[bytes]
) -> None:
    await enrol(inbox.client, portraits[1], name="Ben", person_id="ben")
    await inbox.keep(people[0][0])
    path = f"/{(await inbox.only())['unknown_id']}/name"
    assert await inbox.refused("POST", path, person_id="nobody") == (404, "person_not_found")
    taken = {"person_id": "ben", "name": "Ann"}
    assert await inbox.refused("POST", path, new_person=taken) == (409, "person_exists")
    assert await inbox.refused("POST", path, person_id="ben", new_person=taken) == (422, "validation_failed")
    assert await inbox.refused("POST", path) == (422, "validation_failed")
    assert await inbox.refused("POST", "/nobody/name", person_id="ben") == (404, "unknown_not_found")
    assert len(await inbox.everybody()) == 1


async def test_R_LIB_13_two_cannot_name_the_same_unknown_person_at_once(
    inbox: Inbox, people: list[list[Person]]
) -> None:
    await inbox.keep(*people[0])
    path = f"{PATH}/{(await inbox.only())['unknown_id']}/name"
    answers = await asyncio.gather(
        *(inbox.client.post(path, json={"new_person": {"name": name}}) for name in ("Ann", "Ben"))
    )
    first, second = sorted(answers, key=lambda answer: answer.status_code)
    assert (first.status_code, first.json()["person"]["image_count"]) == (200, 3)
    assert (second.status_code, second.json()["code"]) == (409, "unknown_conflict")
    assert len((await inbox.client.get("/api/v1/faces")).json()["persons"]) == 1


async def test_R_LIB_13_streams_go_on_keeping_faces_while_one_is_being_named(
    inbox: Inbox, people: list[list[Person]], caplog: pytest.LogCaptureFixture
) -> None:
    await inbox.keep(people[0][0], people[0][1], people[1][0])
    _, unknown = sorted(await inbox.everybody(), key=lambda one: one["faces"])

    async def go_on() -> None:
        for seen in (people[0][2], people[1][1], people[2][0], people[1][2]):
            await inbox.keep(seen)
            await asyncio.sleep(0.02)

    named, _ = await asyncio.gather(
        inbox.call("POST", f"/{unknown['unknown_id']}/name", new_person={"name": "Ann"}), go_on()
    )
    assert [face["status"] for face in named["faces"]] == ["enrolled"] * 2
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
    assert await inbox.refused("GET", f"/{unknown['unknown_id']}") == (404, "unknown_not_found")
    others = sorted(one["sightings"] for one in await inbox.everybody())
    assert others in ([1, 3], [1, 1, 3])  # the third sighting of the one who was named: before that, or after
    assert inbox.rows()["unknown_faces"] == len(inbox.files()) == sum(others)


async def test_R_LIB_13_the_nearest_person_is_suggested_and_not_after_a_veto(
    inbox: Inbox, people: list[list[Person]], portraits: list[bytes]
) -> None:
    for place, name in ((1, "ben"), (2, "cleo")):
        await enrol(inbox.client, portraits[place], name=name.title(), person_id=name)
    await inbox.keep(*people[0])
    unknown = await inbox.only()
    first = unknown["suggestion"]
    assert (first["is_match"], first["score"] < first["threshold"]) == (False, True)
    other = {"ben": "cleo", "cleo": "ben"}[first["person_id"]]

    path = f"/{unknown['unknown_id']}"
    vetoed = await inbox.call("POST", f"{path}/vetoes", person_id=first["person_id"])
    assert vetoed["unknown"]["not_persons"] == [first["person_id"]]
    second = vetoed["unknown"]["suggestion"]
    assert (second["person_id"], second["score"] <= first["score"]) == (other, True)
    assert await inbox.refused("POST", f"{path}/name", person_id=first["person_id"]) == (409, "unknown_conflict")
    await inbox.call("POST", f"{path}/vetoes", person_id=first["person_id"])
    await inbox.call("POST", f"{path}/vetoes", person_id=other)
    # A further sighting of the same person changes nothing about it.
    await inbox.keep(people[0][1])
    unknown = await inbox.only()
    assert (unknown["suggestion"], unknown["not_persons"]) == (None, ["ben", "cleo"])
    assert await inbox.refused("POST", f"{path}/vetoes", person_id="nobody") == (404, "person_not_found")

    back = await inbox.call("DELETE", f"{path}/vetoes/{first['person_id']}")
    assert back["unknown"]["suggestion"] == first
    named = await inbox.call("POST", f"{path}/name", person_id=first["person_id"])
    # One of the four faces was kept twice.
    assert named["person"]["image_count"] == 1 + 3
    # What was said of it has gone with it.
    assert set(inbox.rows().values()) == {0}


async def test_R_LIB_13_a_veto_is_remembered_over_a_restart_and_goes_with_the_person(
    open_client: OpenClient, home: Path, people: list[list[Person]], portraits: list[bytes]
) -> None:
    async with open_client(streams__inbox__enabled=True, streams__inbox__min_quality=0.2) as client:
        inbox = Inbox(client, home)
        await enrol(client, portraits[1], name="Ben", person_id="ben")
        await inbox.keep(people[0][0])
        await inbox.call("POST", f"/{(await inbox.only())['unknown_id']}/vetoes", person_id="ben")
    async with open_client(streams__inbox__enabled=True) as client:
        inbox = Inbox(client, home)
        assert (await inbox.only())["not_persons"] == ["ben"]
        assert (await client.delete("/api/v1/faces/ben")).status_code == 200
        # Whoever has that id next is somebody else.
        await enrol(client, portraits[1], name="Benno", person_id="ben")
        unknown = await inbox.only()
        assert (unknown["not_persons"], unknown["suggestion"]["person_id"], unknown["faces"]) == ([], "ben", 1)


async def test_R_LIB_13_a_named_person_who_is_deleted_takes_nothing_with_him_from_the_inbox(
    inbox: Inbox, people: list[list[Person]]
) -> None:
    await inbox.keep(*people[0], *people[1][:2])
    one, _ = await inbox.everybody()
    await inbox.call("POST", f"/{one['unknown_id']}/name", new_person={"name": "Ann", "person_id": "ann"})
    left, files = await inbox.only(), inbox.files()
    receipt = (await inbox.client.delete("/api/v1/faces/ann")).json()["receipt"]
    assert (receipt["verified"], receipt["remaining_files"]) == (True, 0)
    assert {**await inbox.only(), "suggestion": None} == {**left, "suggestion": None}
    assert inbox.files() == files
    assert len(files) == left["faces"]
    assert inbox.files("gallery") == []


async def test_R_LIB_13_a_face_is_moved_out_and_does_not_come_back_by_itself(
    inbox: Inbox, people: list[list[Person]], portraits: list[bytes]
) -> None:
    await enrol(inbox.client, portraits[2], name="Cleo", person_id="cleo")
    await inbox.keep(*people[0])
    unknown = await inbox.only()
    path = f"/{unknown['unknown_id']}"
    await inbox.call("POST", f"{path}/vetoes", person_id="cleo")
    kept, *others = await inbox.faces(unknown)
    moved = await inbox.call("POST", f"{path}/faces/{kept['face_id']}/move", to_unknown_id=None)
    assert [face["face_id"] for face in moved["faces"]] == [kept["face_id"]]
    # Whom the one is not, the other is not either.
    assert (moved["unknown"]["sightings"], moved["unknown"]["not_persons"]) == (1, ["cleo"])
    origin = (await inbox.call("GET", path))["unknown"]
    assert (origin["sightings"], origin["faces"]) == (2, 2)
    assert origin["last_seen_at"] == max(face["seen_at"] for face in others)
    # Further sightings join one of the two, which are alike enough to be merged.
    await inbox.keep(*people[0])
    both = await inbox.everybody()
    assert {one["unknown_id"] for one in both} == {origin["unknown_id"], moved["unknown"]["unknown_id"]}
    assert sum(one["faces"] for one in both) == 6

    [alone] = (await inbox.call("POST", f"{path}/merge", unknown_id=moved["unknown"]["unknown_id"]))["faces"][:1]
    merged = await inbox.only()
    assert (merged["unknown_id"], merged["sightings"], merged["not_persons"]) == (unknown["unknown_id"], 6, ["cleo"])
    assert inbox.rows()["unknown_separations"] == 0
    assert len(inbox.files()) == 6
    [event, *_] = await inbox.audited("unknown.move")
    assert event["detail"] == {"face_id": kept["face_id"], "to_unknown_id": moved["unknown"]["unknown_id"]}
    assert alone["face_id"] in {face["face_id"] for face in await inbox.faces(merged)}


async def test_R_LIB_13_a_face_is_moved_to_another_unknown_person(inbox: Inbox, people: list[list[Person]]) -> None:
    await inbox.keep(*people[0][:2])
    await inbox.keep(people[1][0])
    other, one = await inbox.everybody()
    face, left = await inbox.faces(one)
    foreign = f"/{other['unknown_id']}/faces/{face['face_id']}/move"
    assert await inbox.refused("POST", foreign, to_unknown_id=None) == (404, "unknown_not_found")
    to = other["unknown_id"]
    moved = await inbox.call("POST", f"/{one['unknown_id']}/faces/{face['face_id']}/move", to_unknown_id=to)
    assert (moved["unknown"]["unknown_id"], moved["unknown"]["sightings"]) == (to, 2)
    alone = f"/{one['unknown_id']}/faces/{left['face_id']}/move"
    assert await inbox.refused("POST", alone, to_unknown_id=None) == (409, "unknown_conflict")
    # With his last face he is gone.
    await inbox.call("POST", alone, to_unknown_id=to)
    assert ((await inbox.only())["unknown_id"], (await inbox.only())["faces"]) == (to, 3)


async def test_R_LIB_13_unknown_persons_are_merged_by_hand_but_not_with_themselves_or_another_packs(
    inbox: Inbox, people: list[list[Person]]
) -> None:
    await inbox.keep(people[0][0])
    await inbox.keep(people[1][0])
    dlib = await inbox.platform.gallery.recognition.analyzer(None)
    other_pack = replace(dlib, manifest=dlib.manifest.model_copy(update={"name": "other"}))
    await inbox.platform.unknowns.inbox.keep("door", other_pack, [people[2][0]])
    foreign, second, first = await inbox.everybody()
    assert foreign["pack"] == "other@1"
    # That pack is not installed: nothing can be said of whom it is like.
    assert foreign["suggestion"] is None
    path = f"/{first['unknown_id']}/merge"
    assert await inbox.refused("POST", path, unknown_id=first["unknown_id"]) == (409, "unknown_conflict")
    assert await inbox.refused("POST", path, unknown_id=foreign["unknown_id"]) == (409, "unknown_conflict")
    assert await inbox.refused("POST", path, unknown_id="nobody") == (404, "unknown_not_found")
    merged = await inbox.call("POST", path, unknown_id=second["unknown_id"])
    assert (merged["unknown"]["unknown_id"], merged["unknown"]["faces"]) == (first["unknown_id"], 2)
    # Both of the faces bring further sightings to the one there is now.
    await inbox.keep(people[0][1], people[1][1])
    assert sorted(one["sightings"] for one in await inbox.everybody())[-1] >= 2


async def test_R_LIB_13_purging_one_and_all_leaves_no_row_and_no_file(inbox: Inbox, people: list[list[Person]]) -> None:
    await inbox.keep(*people[0], *people[1], people[2][0])
    unknown = max(await inbox.everybody(), key=lambda one: one["faces"])
    purged = await inbox.call("DELETE", f"/{unknown['unknown_id']}")
    assert (purged["unknowns"], purged["faces"]) == (1, 3)
    assert await inbox.refused("DELETE", f"/{unknown['unknown_id']}") == (404, "unknown_not_found")
    assert (inbox.rows()["unknown_faces"], len(inbox.files())) == (4, 4)
    purged = await inbox.call("DELETE")
    assert (purged["unknowns"], purged["faces"]) == (2, 4)
    assert (set(inbox.rows().values()), inbox.files()) == ({0}, [])
    events = await inbox.audited("unknown.purge")
    assert [event["outcome"] for event in events] == ["ok", "failed", "ok"]
    assert events[2]["detail"] == {"unknowns": 2, "faces": 4}
    # Nobody of them is remembered.
    await inbox.keep(people[0][0])
    assert (await inbox.only())["sightings"] == 1


async def test_R_LIB_13_turned_off_the_inbox_still_shows_and_purges_what_it_has(
    inbox: Inbox, open_client: OpenClient, home: Path, people: list[list[Person]]
) -> None:
    await inbox.keep(people[0][0])
    async with open_client() as client:
        off = Inbox(client, home)
        await off.keep(people[1][0])
        answer = await off.call("GET")
        assert (answer["enabled"], answer["total"]) == (False, 1)
        assert decode_image((await client.get(answer["unknowns"][0]["crop_url"])).content).width > 50
        await off.call("DELETE")
        assert off.files() == []


async def test_R_ACC_2_to_see_to_name_and_to_purge_are_three_permissions(
    inbox: Inbox, people: list[list[Person]]
) -> None:
    await inbox.keep(people[0][0])
    path = f"{PATH}/{(await inbox.only())['unknown_id']}"
    await create_user(inbox.client, "vera", "viewer")
    viewer = (await log_in(inbox.client, "vera")).headers
    async with anonymous(inbox.client) as browser:
        assert (await browser.get(path, headers=viewer)).status_code == 200
        assert (await browser.get(path)).status_code == 401
        for method, called, scope in (
            ("POST", f"{path}/name", "gallery:enrol"),
            ("POST", f"{path}/vetoes", "gallery:enrol"),
            ("DELETE", path, "streams:manage"),
            ("DELETE", PATH, "streams:manage"),
        ):
            answer = await browser.request(method, called, headers=viewer, json={"person_id": "ann"})
            assert (answer.status_code, answer.json()["required_scope"]) == (403, scope)
    assert len(await inbox.everybody()) == 1
