"""R-SWP 3: a face is swapped in by a consent that permits just that, now, and for as long as it does."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lianpu.engines.image import decode_image
from tests.api.conftest import OpenClient
from tests.api.logins import create_user
from tests.api.swap.conftest import CONSENTS, SWAP, OpenSwap, SwapHouse, as_user, consent_fields, grant
from tests.streams.clips import photo_clip

pytestmark = pytest.mark.anyio
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def long_clip(astronaut_photo: bytes) -> bytes:
    """Of 400 frames: long enough to be stopped in the middle."""
    return photo_clip([decode_image(astronaut_photo).pixels[:320, 100:420].copy()], 400)


def moment(**difference: float) -> str:
    return (datetime.now(UTC) + timedelta(**difference)).isoformat()


async def test_R_SWP_3_a_consent_is_recorded_read_and_listed(house: SwapHouse) -> None:
    made = await house.consent(note="first take\nsecond take")
    assert (made["status"], made["person_id"], made["subject_name"], made["uses"]) == (
        "valid",
        "source",
        "Zhang San",
        0,
    )
    path = f"{CONSENTS}/{made['consent_id']}"
    assert (await house.mine.get(path)).json()["consent"] == made
    other = await house.consent(scopes=["image"])
    listed = (await house.mine.get(CONSENTS, params={"limit": 1})).json()
    assert [one["consent_id"] for one in listed["consents"]] == [other["consent_id"]]
    rest = (await house.mine.get(CONSENTS, params={"limit": 1, "cursor": listed["next_cursor"]})).json()
    assert ([one["consent_id"] for one in rest["consents"]], rest["next_cursor"]) == ([made["consent_id"]], None)
    assert (await house.mine.get(CONSENTS, params={"person_id": "nobody"})).json()["consents"] == []


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"person_id": "nobody"}, 404, "person_not_found"),
        ({"person_id": "a\0b"}, 422, "validation_failed"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, 422, "validation_failed"),
        ({"valid_until": "2100-01-01T00:00:00"}, 422, "validation_failed"),
        ({"valid_until": "9999-12-31T23:59:59-12:00"}, 422, "validation_failed"),
        ({"scopes": []}, 422, "validation_failed"),
        ({"scopes": ["everything"]}, 422, "validation_failed"),
        ({"purpose": "Two Words"}, 422, "validation_failed"),
        ({"grantor": " "}, 422, "validation_failed"),
        ({"grantor": "a\0b"}, 422, "validation_failed"),
        ({"evidence_sha256": "abc"}, 422, "validation_failed"),
        ({"unknown": 1}, 422, "validation_failed"),
    ],
)
async def test_R_SWP_3_what_is_no_consent_is_refused(
    house: SwapHouse, fields: dict[str, Any], status: int, code: str
) -> None:
    answer = await house.admin.post(CONSENTS, json=consent_fields(**fields))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await house.admin.get(CONSENTS)).json()["consents"] == []


async def test_R_SWP_3_a_consent_can_end_sooner_and_never_be_widened(house: SwapHouse) -> None:
    made = await house.consent()
    path = f"{CONSENTS}/{made['consent_id']}"
    later = await house.admin.patch(path, json={"valid_until": moment(days=60)})
    assert later.json()["errors"][0]["code"] == "consent_widened"
    for field in ("scopes", "purpose", "person_id"):
        assert (await house.admin.patch(path, json={field: made[field]})).json()["code"] == "validation_failed"
    sooner = await house.admin.patch(path, json={"valid_until": moment(days=1), "note": "shorter"})
    assert sooner.json()["consent"]["valid_until"] < made["valid_until"]
    assert sooner.json()["consent"]["note"] == "shorter"


async def test_R_SWP_3_a_consent_that_was_used_can_be_revoked_and_not_deleted(
    house: SwapHouse, astronaut_photo: bytes
) -> None:
    unused, used = await house.consent(), await house.consent()
    await house.swapped(astronaut_photo, used)
    assert (await house.admin.delete(f"{CONSENTS}/{unused['consent_id']}")).status_code == 204
    kept = await house.admin.delete(f"{CONSENTS}/{used['consent_id']}")
    assert (kept.status_code, kept.json()["code"]) == (409, "consent_used")
    revoked = (await house.admin.post(f"{CONSENTS}/{used['consent_id']}/revoke", json={"reason": "asked"})).json()
    assert (revoked["consent"]["status"], revoked["consent"]["revocation_reason"]) == ("revoked", "asked")
    again = (await house.admin.post(f"{CONSENTS}/{used['consent_id']}/revoke", json={"reason": "twice"})).json()
    assert again["consent"] == revoked["consent"]
    [event] = [one for one in await house.audit("consent.revoke") if one["outcome"] == "ok"][-1:]
    assert event["target"] == used["consent_id"]


async def test_R_SWP_3_without_a_consent_that_permits_it_a_swap_is_refused_and_that_is_on_record(
    house: SwapHouse, astronaut_photo: bytes
) -> None:
    good = await house.consent(scopes=["image"])
    revoked, expired = await house.consent(), await house.consent()
    await house.admin.post(f"{CONSENTS}/{revoked['consent_id']}/revoke", json={})
    await house.admin.patch(f"{CONSENTS}/{expired['consent_id']}", json={"valid_until": moment(seconds=-1)})
    video = photo_clip([decode_image(astronaut_photo).pixels], 2)
    cases = [
        ("consent_missing", {**good, "consent_id": NOBODY}, astronaut_photo, {}),
        ("consent_revoked", revoked, astronaut_photo, {}),
        ("consent_expired", expired, astronaut_photo, {}),
        ("consent_scope", good, video, {}),
        ("consent_purpose", {**good, "purpose": "advertising"}, astronaut_photo, {}),
    ]
    for code, consent, target, fields in cases:
        answer = await house.ask(target, consent, **fields)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
        kind = "video" if target is video else "image"
        body = {"consent_id": consent["consent_id"], "purpose": consent["purpose"], "kind": kind}
        assert (await house.mine.post(f"{SWAP}/check", json=body)).json()["code"] == code
    events = await house.audit("swap.run")
    assert [(event["outcome"], event["actor"]["id"]) for event in events] == [("refused", house.user_id)] * len(cases)
    assert (await house.admin.get("/api/v1/jobs", params={"kind": "swap.run"})).json()["jobs"] == []
    assert (await house.admin.get(f"{CONSENTS}/{good['consent_id']}")).json()["consent"]["uses"] == 0


async def test_R_SWP_3_a_deleted_person_takes_every_permission_along(house: SwapHouse, astronaut_photo: bytes) -> None:
    consent = await house.consent()
    assert (await house.admin.delete("/api/v1/faces/source")).status_code == 200
    answer = await house.ask(astronaut_photo, consent)
    assert (answer.status_code, answer.json()["code"]) == (403, "consent_missing")
    kept = (await house.admin.get(f"{CONSENTS}/{consent['consent_id']}")).json()["consent"]
    assert (kept["status"], kept["person_id"], kept["subject_name"]) == ("person_gone", None, "Zhang San")


async def test_R_SWP_3_no_role_may_swap_until_an_administrator_grants_it(
    house: SwapHouse, astronaut_photo: bytes
) -> None:
    consent = await house.consent()
    data = {"consent_id": consent["consent_id"], "purpose": consent["purpose"]}
    user_id = await create_user(house.admin, "another-admin", role="admin")
    files = {"target": ("t", astronaut_photo)}
    async with as_user(house.admin, "another-admin") as somebody:
        for caller in (house.admin, somebody):
            refused = await caller.post(SWAP, files=files, data=data)
            assert (refused.status_code, refused.json()["required_scope"]) == (403, "swap")
        key = await somebody.post("/api/v1/keys", json={"name": "k", "scopes": ["swap"]})
        assert key.json()["code"] == "scope_missing"
    await grant(house.admin, user_id, "swap")
    async with as_user(house.admin, "another-admin") as somebody:
        me = (await somebody.get("/api/v1/users/me")).json()["user"]
        assert "swap" in me["scopes"]
        assert me["granted_scopes"] == ["swap"]
        assert (await somebody.post(SWAP, files=files, data=data)).status_code == 202
        key = (await somebody.post("/api/v1/keys", json={"name": "k", "scopes": ["swap"]})).json()["secret"]
        # Taken back: at once, for the key too, and the login is over.
        await grant(house.admin, user_id)
        assert (await somebody.get(f"{SWAP}/live")).status_code == 401
    house.mine.headers.pop("Authorization")
    refused = await house.mine.get(f"{SWAP}/live", headers={"X-API-Key": key})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    wrong = await house.admin.put(f"/api/v1/users/{user_id}", json={"granted_scopes": ["users:manage"]})
    assert wrong.json()["code"] == "validation_failed"
    granted = [event for event in await house.audit("user.update") if "granted" in event["detail"]]
    assert [event["detail"]["granted"] for event in granted][:2] == [[], ["swap"]]


async def test_R_SWP_3_a_consent_that_is_revoked_stops_what_waits_and_what_runs(
    open_swap: OpenSwap, astronaut_photo: bytes, long_clip: bytes
) -> None:
    async with open_swap(jobs__workers=1) as house:
        consent, other = await house.consent(), await house.consent()
        running = await house.ask(long_clip, consent)
        waiting = await house.ask(astronaut_photo, consent)
        unharmed = await house.ask(astronaut_photo, other)
        path = f"/api/v1/jobs/{running.json()['job']['job_id']}"
        while (await house.mine.get(path)).json()["job"]["progress"]["done"] < 2:
            await asyncio.sleep(0.05)
        await house.admin.post(f"{CONSENTS}/{consent['consent_id']}/revoke", json={"reason": "no more"})
        stopped, never = await house.job(running), await house.job(waiting)
        assert (stopped["status"], stopped["error"]["code"]) == ("failed", "consent_revoked")
        assert never["status"] == "cancelled"
        assert (await house.job(unharmed))["status"] == "completed"
        home: Path = house.admin.platform.settings.home  # type: ignore[attr-defined]
        for job in (stopped, never):
            assert [path.name for path in (home / "jobs" / job["job_id"]).rglob("*")] == []
            assert (await house.result(job)).json()["code"] == "job_state"


async def test_R_SWP_3_a_cancelled_swap_leaves_nothing(house: SwapHouse, long_clip: bytes) -> None:
    started = await house.ask(long_clip, await house.consent())
    path = f"/api/v1/jobs/{started.json()['job']['job_id']}"
    while (await house.mine.get(path)).json()["job"]["progress"]["done"] < 2:
        await asyncio.sleep(0.05)
    assert (await house.mine.post(f"{path}/cancel")).status_code == 200
    job = await house.job(started)
    assert job["status"] == "cancelled"
    home: Path = house.admin.platform.settings.home  # type: ignore[attr-defined]
    assert list((home / "jobs" / job["job_id"]).rglob("*")) == []


async def test_R_SWP_3_swaps_are_off_until_the_operator_allows_them(
    open_client: OpenClient, astronaut_photo: bytes
) -> None:
    async with open_client() as client:
        user_id = await create_user(client, "swapper")
        await grant(client, user_id, "swap")
        assert (await client.get(f"{SWAP}/policy")).json()["enabled"] is False
        recorded = await client.post(CONSENTS, json=consent_fields())
        assert (recorded.status_code, recorded.json()["code"]) == (404, "swap_disabled")
        async with as_user(client, "swapper") as mine:
            use = {"consent_id": NOBODY, "purpose": "film-dubbing"}
            answers = [
                await mine.post(SWAP, files={"target": ("t", astronaut_photo)}, data=use),
                await mine.post(f"{SWAP}/check", json={**use, "kind": "image"}),
                await mine.post(f"{SWAP}/live", json={**use, "stream_id": NOBODY}),
            ]
            assert [(one.status_code, one.json()["code"]) for one in answers] == [(404, "swap_disabled")] * 3
        # What is on record can be read and ended all the same.
        assert (await client.get(CONSENTS)).json()["consents"] == []
        assert (await client.post(f"{CONSENTS}/{NOBODY}/revoke", json={})).json()["code"] == "consent_not_found"
