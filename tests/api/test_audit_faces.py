"""R-ACC-4 with real photos: who enrolled, looked up, changed and deleted whom; and nothing secret in any event."""

import base64
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lianpu.api.app import create_app
from lianpu.settings import load_settings
from tests.api.calls import ended, enrol, search
from tests.api.conftest import API_KEY, CHEAP_HASHES

pytestmark = pytest.mark.anyio
NAMES = {"ada": "Quintessa Ravenholm", "bob": "Thaddeus Oxenbridge"}
METADATA = '{"department": "Xenoglossy-7719"}'
PASSWORDS = {"olga": "seven blue herons 4711", "vera": "a quiet lighthouse 0815"}
NEW_PASSWORD = "another lantern 1234"
PASSPHRASE = "a passphrase for the archive"


@dataclass
class Scene:
    """What was done, by whom, and what of it is nobody's business."""

    client: httpx2.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    ids: dict[str, str] = field(default_factory=dict[str, str])
    secrets: list[str] = field(default_factory=list[str])
    answers: dict[str, Any] = field(default_factory=dict[str, Any])

    def as_(self, who: str | None) -> httpx2.AsyncClient:
        headers = {} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}
        return httpx2.AsyncClient(
            transport=self.client._transport, base_url="http://127.0.0.1", headers=headers, timeout=120
        )

    async def events(self, **wanted: Any) -> list[dict[str, Any]]:
        """Oldest first."""
        page = (await self.client.get("/api/v1/audit", params={"limit": 500, **wanted})).json()
        return page["events"][::-1]

    async def only(self, action: str, **wanted: Any) -> dict[str, Any]:
        (event,) = await self.events(action=action, **wanted)
        return event


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def scene(
    tmp_path_factory: pytest.TempPathFactory,
    translated_packs: Path,
    kit_packs: Path,
    lfw_people: dict[str, list[bytes]],
    anyio_backend: str,
) -> AsyncIterator[Scene]:
    home = tmp_path_factory.mktemp("audited") / "home"
    shutil.copytree(translated_packs, home / "cache" / "packs")
    shutil.copytree(kit_packs, home / "packs")
    values = {"home": str(home), "packs.default": "kit", "server.api_key": API_KEY}
    app = create_app(load_settings(values, environment={}, folder=home).settings, hash_cost=CHEAP_HASHES)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", headers={"X-API-Key": API_KEY}, timeout=120
        ) as client:
            client.platform = app.state.platform  # type: ignore[attr-defined]
            played = Scene(client)
            await _accounts(played)
            await _faces(played, [lfw_people[name] for name in sorted(lfw_people)[:2]])
            await _leaving(played)
            await app.state.audit.gathering.flush(everything=True)
            yield played


async def _accounts(scene: Scene) -> None:
    """olga, an operator, and vera, a viewer, log in; vera makes a key and another password."""
    client = scene.client
    for name, role in (("olga", "operator"), ("vera", "viewer")):
        body = {"name": name, "password": PASSWORDS[name], "role": role, "must_change_password": False}
        made = await client.post("/api/v1/users/", json=body)
        assert made.status_code == 201, made.text
        scene.ids[name] = made.json()["user"]["user_id"]
        wrong = {"grant_type": "password", "username": name, "password": "guessed " + PASSWORDS[name]}
        async with scene.as_(None) as nobody:
            assert (await nobody.post("/api/v1/users/token", data=wrong)).status_code == 401
            given = await nobody.post("/api/v1/users/token", data={**wrong, "password": PASSWORDS[name]})
        assert given.status_code == 200, given.text
        scene.tokens[name] = given.json()["access_token"]
        scene.secrets += [scene.tokens[name], given.json()["refresh_token"], PASSWORDS[name]]
        scene.answers[f"refresh of {name}"] = given.json()["refresh_token"]
    async with scene.as_("vera") as vera:
        change = {"current_password": PASSWORDS["vera"], "new_password": NEW_PASSWORD}
        assert (await vera.put("/api/v1/users/me/password", json=change)).status_code == 204
        key = await vera.post("/api/v1/keys", json={"name": "camera", "scopes": ["gallery:recognise"]})
        assert key.status_code == 201, key.text
        scene.ids["key"] = key.json()["key"]["key_id"]
        scene.secrets += [key.json()["secret"], NEW_PASSWORD, API_KEY]


async def _faces(scene: Scene, people: list[list[bytes]]) -> None:
    """olga enrols ada and bob; vera looks ada up, compares, and may not delete."""
    ada, bob = people
    scene.secrets += [*NAMES.values(), "Xenoglossy-7719", PASSPHRASE]
    async with scene.as_("olga") as olga, scene.as_("vera") as vera:
        for person_id, photos in (("ada", ada), ("bob", bob)):
            fields = {"person_id": person_id, "name": NAMES[person_id], "metadata": METADATA}
            made = await enrol(olga, photos[0], face_selection="largest", **fields)
            assert made.status_code == 201, made.text
            scene.ids[f"image of {person_id}"] = made.json()["image"]["image_id"]
        photo = {"image": ("p.jpg", ada[1])}
        found = await search(vera, ada[1], faces="largest")
        assert found.json()["faces"][0]["best_match"]["person_id"] == "ada", found.text
        scene.answers["search"] = found.json()
        embedded = (await vera.post("/api/v1/embeddings", files=photo)).json()
        scene.answers["vector"] = embedded["faces"][0]["embedding"]
        assert (await vera.post("/api/v1/detect", files=photo)).status_code == 200
        pair = [("image", ("a.jpg", ada[0])), ("image", ("b.jpg", ada[1]))]
        compared = await vera.post("/api/v1/compare", files=pair, data={"face_selection": "largest"})
        assert compared.status_code == 200, compared.text
        scene.answers["compare"] = compared.json()
        image = f"/api/v1/faces/ada/images/{scene.ids['image of ada']}"
        assert (await vera.get(f"{image}/content")).content == ada[0]
        assert (await vera.get("/api/v1/faces", params={"name": "Quintessa"})).status_code == 200
        assert (await vera.delete("/api/v1/faces/ada")).status_code == 403
        assert (await olga.patch("/api/v1/faces/ada", json={"name": NAMES["ada"] + " II"})).status_code == 200
        assert (await olga.delete("/api/v1/faces/nobody")).status_code == 404
        started = await scene.client.post(
            "/api/v1/gallery/export", json={"person_ids": ["ada"], "passphrase": PASSPHRASE}
        )
        scene.ids["export"] = (await ended(scene.client, started))["job_id"]
        archive = await scene.client.get(f"/api/v1/gallery/exports/{scene.ids['export']}/archive")
        assert archive.status_code == 200
        assert (await olga.request("DELETE", "/api/v1/faces/batch", json={"person_ids": ["bob", "eve"]})).is_success
        assert (await olga.delete("/api/v1/faces/ada")).status_code == 200
    for photos in people:
        for one in photos[:2]:
            scene.secrets += [base64.b64encode(one)[start : start + 24].decode() for start in (0, 600, 3000)]
            scene.secrets += [one[600:616].hex()]
    scene.secrets += [repr(value) for value in scene.answers["vector"] if len(repr(value)) > 8]


async def _leaving(scene: Scene) -> None:
    async with scene.as_("vera") as vera:
        form = {"grant_type": "refresh_token", "refresh_token": scene.answers["refresh of vera"]}
        again = await vera.post("/api/v1/users/token", data=form)
        assert again.status_code == 200, again.text
        scene.secrets += [again.json()["access_token"], again.json()["refresh_token"]]
        left = await vera.post("/api/v1/users/token/revoke", data={"token": again.json()["refresh_token"]})
        assert left.status_code == 204
    changed = await scene.client.put(f"/api/v1/users/{scene.ids['vera']}", json={"role": "operator"})
    assert changed.status_code == 200, changed.text
    assert (await scene.client.delete(f"/api/v1/users/{scene.ids['vera']}")).status_code == 204


async def test_R_ACC_4_who_looked_up_whom(scene: Scene) -> None:
    event = await scene.only("face.search")
    assert event["actor"] == {"kind": "user", "id": scene.ids["vera"], "name": "vera"}
    assert (event["outcome"], event["status"], event["client"]) == ("ok", 200, "127.0.0.1")
    assert event["request_id"] == scene.answers["search"]["request_id"]
    answered = scene.answers["search"]["faces"][0]["matches"]
    assert event["detail"].pop("credential")
    assert event["detail"] == {
        "faces": 1,
        "persons": [
            {"person_id": match["person_id"], "score": round(match["score"], 3), "is_match": match["is_match"]}
            for match in answered
        ],
    }
    assert [match["person_id"] for match in answered] == ["ada", "bob"]


async def test_R_ACC_4_who_enrolled_changed_and_deleted_whom(scene: Scene) -> None:
    acts = ("person.enrol", "person.update", "person.delete", "gallery.bulk_delete")
    olga = [event for event in await scene.events(actor="olga") if event["action"] in acts]
    assert [(event["action"], event["target"], event["outcome"]) for event in olga] == [
        ("person.enrol", "ada", "ok"),
        ("person.enrol", "bob", "ok"),
        ("person.update", "ada", "ok"),
        ("person.delete", "nobody", "failed"),
        ("gallery.bulk_delete", None, "ok"),
        ("person.delete", "ada", "ok"),
    ]
    assert olga[0]["detail"]["image_id"] == scene.ids["image of ada"]
    assert (olga[4]["detail"]["persons"], olga[4]["detail"]["not_found"]) == (["bob", "eve"], ["eve"])
    refused = await scene.only("person.delete", actor=scene.ids["vera"])
    assert (refused["target"], refused["outcome"], refused["status"]) == ("ada", "refused", 403)
    everything = await scene.events(target="ada")
    assert {event["actor"]["name"] for event in everything} == {"olga", "vera"}


async def test_R_ACC_4_what_was_compared_and_looked_at(scene: Scene) -> None:
    compared = (await scene.only("face.compare"))["detail"]
    answer = scene.answers["compare"]
    assert (compared["is_match"], compared["score"]) == (answer["is_match"], round(answer["score"], 3))
    assert (await scene.only("face.detect"))["detail"]["faces"] >= 1
    assert (await scene.only("face.embed"))["detail"]["faces"] >= 1
    content = await scene.only("photo.content")
    assert (content["target"], content["detail"]["image_id"]) == ("ada", scene.ids["image of ada"])
    listed = (await scene.only("person.list"))["detail"]
    assert (listed["persons"], listed["further_page"]) == (1, False)


async def test_R_ACC_4_what_left_the_house(scene: Scene) -> None:
    export = await scene.only("gallery.export")
    assert export["target"] == scene.ids["export"]
    assert export["detail"] == {"persons": ["ada"], "is_filtered": False, "is_encrypted": True}
    assert (await scene.only("gallery.export_download"))["target"] == scene.ids["export"]


async def test_R_ACC_4_logins_keys_and_users(scene: Scene) -> None:
    logins = await scene.events(action="account.login")
    assert [(event["actor"]["name"], event["outcome"]) for event in logins] == [
        ("", "refused"),
        ("olga", "ok"),
        ("", "refused"),
        ("vera", "ok"),
        ("vera", "ok"),
    ]
    # Whom somebody tried to be.
    assert [event["target"] for event in logins if event["outcome"] == "refused"] == [
        scene.ids["olga"],
        scene.ids["vera"],
    ]
    vera = {event["action"] for event in await scene.events(actor=scene.ids["vera"])}
    assert {"account.password", "key.create", "account.login", "face.search"} <= vera
    assert (await scene.only("key.create"))["target"] == scene.ids["key"]
    assert (await scene.events(action="account.logout"))[0]["outcome"] == "ok"
    changes = [event for event in await scene.events(target=scene.ids["vera"]) if event["action"].startswith("user.")]
    assert [(event["action"], event["actor"]["kind"]) for event in changes] == [
        ("user.create", "configured_key"),
        ("user.update", "configured_key"),
        ("user.delete", "configured_key"),
    ]
    assert changes[1]["detail"]["role"] == "operator"


async def test_R_ACC_4_nothing_secret_stands_in_any_event(scene: Scene) -> None:
    path = scene.client.platform.settings.home / "lianpu.db"  # type: ignore[attr-defined]
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT * FROM audit_events").fetchall()
    assert len(rows) > 25
    text = json.dumps(rows, ensure_ascii=False) + "".join(str(value) for row in rows for value in row)
    assert len(scene.secrets) > 100
    assert [secret for secret in scene.secrets if secret in text] == []
    exported = (await scene.client.get("/api/v1/audit/export")).text
    assert [secret for secret in scene.secrets if secret in exported] == []
    # The test would see one if it were there.
    assert scene.ids["image of ada"] in text


async def test_R_ACC_4_the_chain_of_it_all_is_whole(scene: Scene) -> None:
    verdict = (await scene.client.get("/api/v1/audit/verify")).json()
    assert verdict["ok"], verdict
