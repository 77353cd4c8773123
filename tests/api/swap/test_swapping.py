"""R-SWP 1-4: faces put onto photos and videos by the built-in engine, with consent, and always labelled."""

import io
from pathlib import Path

import av
import numpy as np
import pytest

from lianpu.engines.image import decode_image
from tests.api.logins import create_user
from tests.api.swap.conftest import SWAP, OpenSwap, SwapHouse, as_user, grant
from tests.streams.clips import photo_clip

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ALL = ["visible", "xmp", "aigc", "c2pa", "watermark"]


async def test_R_SWP_4_a_swapped_photo_carries_every_label_and_they_are_read_back(
    house: SwapHouse, astronaut_photo: bytes
) -> None:
    consent = await house.consent()
    job, data = await house.swapped(astronaut_photo, consent)
    result = job["result"]
    assert (result["media_type"], result["frames"], result["faces_swapped"]) == ("image/png", 1, 1)
    assert sorted(result["labels"]) == sorted(ALL)
    assert job["progress"]["done"] == job["progress"]["total"]
    assert len(data) == result["size_bytes"]
    before, after = decode_image(astronaut_photo).pixels.astype(int), decode_image(data).pixels.astype(int)
    assert before.shape == after.shape
    # The face was changed by more than a watermark changes.
    face = np.s_[60:180, 170:280]
    assert np.abs(before - after)[face].mean() > 4 * np.abs(before - after)[np.s_[200:300, 0:100]].mean()
    read = await house.verify(data)
    assert (read["conclusion"], sorted(read["survived"])) == ("intact", sorted(ALL))
    [mark] = read["marks"]
    assert mark["mark"] == result["mark"]
    assert mark["is_own"]
    assert (mark["output"]["job_id"], mark["output"]["kind"]) == (job["job_id"], "swap")
    assert mark["output"]["consent_id"] == consent["consent_id"]
    assert mark["output"]["sha256"] == result["sha256"]


@pytest.mark.parametrize(("asked", "media_type"), [("jpeg", "image/jpeg"), ("webp", "image/webp")])
async def test_R_SWP_4_each_format_carries_every_label(
    house: SwapHouse, astronaut_photo: bytes, asked: str, media_type: str
) -> None:
    job, data = await house.swapped(astronaut_photo, await house.consent(), output_format=asked)
    assert job["result"]["media_type"] == media_type
    assert decode_image(data).format.media_type == media_type
    assert sorted((await house.verify(data))["survived"]) == sorted(ALL)


async def test_R_SWP_2_a_swapped_video_keeps_its_length_and_carries_every_label(
    house: SwapHouse, astronaut_photo: bytes
) -> None:
    clip = photo_clip([decode_image(astronaut_photo).pixels], 12)
    job, data = await house.swapped(clip, await house.consent())
    assert (job["result"]["media_type"], job["result"]["frames"]) == ("video/mp4", 12)
    with av.open(io.BytesIO(data)) as video:
        assert [frame.to_ndarray(format="rgb24").shape for frame in video.decode(video=0)] == [(512, 512, 3)] * 12
    read = await house.verify(data)
    assert (read["media"], read["conclusion"], sorted(read["survived"])) == ("video", "intact", sorted(ALL))
    assert read["marks"][0]["mark"] == job["result"]["mark"]


async def test_R_SWP_2_a_preview_of_a_video_is_one_labelled_frame(house: SwapHouse, astronaut_photo: bytes) -> None:
    clip = photo_clip([decode_image(astronaut_photo).pixels], 6)
    job, data = await house.swapped(clip, await house.consent(), preview="true")
    assert (job["result"]["media_type"], job["result"]["preview"]) == ("image/jpeg", True)
    assert sorted((await house.verify(data))["survived"]) == sorted(ALL)


async def test_R_SWP_4_only_an_administrator_leaves_the_visible_label_out_and_never_the_others(
    house: SwapHouse, astronaut_photo: bytes
) -> None:
    consent = await house.consent()
    refused = await house.mine.put(f"{SWAP}/policy", json={"visible_label": False})
    assert refused.json()["code"] == "scope_missing"
    assert (await house.admin.put(f"{SWAP}/policy", json={"visible_label": False})).status_code == 200
    job, data = await house.swapped(astronaut_photo, consent)
    assert sorted(job["result"]["labels"]) == sorted(set(ALL) - {"visible"})
    assert sorted((await house.verify(data))["survived"]) == sorted(set(ALL) - {"visible"})
    changed, *_ = [event for event in await house.audit("swap.policy") if event["outcome"] == "ok"]
    assert changed["detail"]["visible_label"] is False
    policy = (await house.admin.get(f"{SWAP}/policy")).json()
    assert (policy["enabled"], policy["visible_label"]) == (True, False)


async def test_R_SWP_4_nothing_but_the_labelled_result_is_left_and_it_is_on_record(
    house: SwapHouse, astronaut_photo: bytes
) -> None:
    consent = await house.consent()
    job, _ = await house.swapped(astronaut_photo, consent)
    home: Path = house.admin.platform.settings.home  # type: ignore[attr-defined]
    left = sorted(path.name for path in (home / "jobs" / job["job_id"]).rglob("*"))
    assert left == ["result"]
    assert not list((home / "uploads").glob("*")) if (home / "uploads").exists() else True
    [output] = await house.audit("swap.output")
    assert output["target"] == job["job_id"]
    assert output["actor"]["id"] == house.user_id
    detail = output["detail"]
    assert (detail["consent_id"], detail["person_id"], detail["mark"]) == (
        consent["consent_id"],
        "source",
        job["result"]["mark"],
    )
    assert sorted(detail["labels"]) == sorted(ALL)
    consents = (await house.admin.get("/api/v1/swap/consents")).json()["consents"]
    assert consents[0]["uses"] == 1


async def test_R_SWP_4_a_result_is_its_owners_alone_and_can_be_deleted(
    house: SwapHouse, astronaut_photo: bytes
) -> None:
    job, _ = await house.swapped(astronaut_photo, await house.consent())
    other = await create_user(house.admin, "other", role="admin")
    await grant(house.admin, other, "swap")
    path = f"{SWAP}/results/{job['job_id']}"
    async with as_user(house.admin, "other") as somebody:
        refused = await somebody.get(path)
        assert (refused.status_code, refused.json()["code"]) == (404, "job_not_found")
        seen = (await somebody.get(f"/api/v1/jobs/{job['job_id']}")).json()["job"]
        assert (seen["is_withheld"], seen["parameters"], seen["result"]) == (True, {}, None)
        assert (await somebody.delete(path)).status_code == 404
    assert (await house.mine.delete(path)).status_code == 204
    gone = await house.result(job)
    assert (gone.status_code, gone.json()["code"]) == (410, "swap_result_gone")


async def test_R_SWP_4_a_result_goes_when_its_time_is_over(open_swap: OpenSwap, astronaut_photo: bytes) -> None:
    async with open_swap(swap__result_ttl_minutes=1e-9) as house:
        job = await house.job(await house.ask(astronaut_photo, await house.consent()))
        assert job["status"] == "completed"
        gone = await house.result(job)
        assert (gone.status_code, gone.json()["code"]) == (410, "swap_result_gone")


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        (b"this is no picture", 415, "media_format_unsupported"),
        (b"\x89PNG\r\n\x1a\n broken", 422, "image_damaged"),
        (b"\x00\x00\x00\x18ftypmp42 broken", 422, "swap_target_invalid"),
    ],
)
async def test_R_SWP_2_a_target_that_is_none_is_refused_before_there_is_a_job(
    house: SwapHouse, target: bytes, status: int, code: str
) -> None:
    answer = await house.ask(target, await house.consent())
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await house.admin.get("/api/v1/jobs", params={"kind": "swap.run"})).json()["jobs"] == []


async def test_R_SWP_2_a_target_without_a_face_fails_with_its_code_and_is_deleted(
    house: SwapHouse, blank_photo: bytes
) -> None:
    job = await house.job(await house.ask(blank_photo, await house.consent()))
    assert (job["status"], job["error"]["code"]) == ("failed", "swap_face_not_found")
    home: Path = house.admin.platform.settings.home  # type: ignore[attr-defined]
    assert list((home / "jobs" / job["job_id"]).rglob("*")) == []
    assert (await house.result(job)).json()["code"] == "job_state"


async def test_R_SWP_2_limits_hold(open_swap: OpenSwap, astronaut_photo: bytes) -> None:
    clip = photo_clip([decode_image(astronaut_photo).pixels], 40)
    async with open_swap(swap__max_image_bytes=10_000, swap__max_video_s=1) as house:
        consent = await house.consent()
        large = await house.ask(astronaut_photo, consent)
        assert (large.status_code, large.json()["code"]) == (413, "upload_too_large")
        long = await house.ask(clip, consent)
        assert (long.status_code, long.json()["code"]) == (413, "video_too_long")


async def test_R_SWP_2_a_check_says_what_would_be_done_without_a_target(house: SwapHouse) -> None:
    consent = await house.consent()
    body = {"consent_id": consent["consent_id"], "purpose": consent["purpose"], "kind": "image"}
    answer = await house.mine.post(f"{SWAP}/check", json=body)
    assert (answer.status_code, answer.json()["person_id"]) == (200, "source")
    assert sorted(answer.json()["labels"]) == sorted(ALL)
    unknown = await house.mine.post(f"{SWAP}/check", json={**body, "engine": "nothing"})
    assert unknown.json()["code"] == "swap_engine_not_found"
    engines = {one["engine"]: one for one in (await house.admin.get(f"{SWAP}/engines")).json()["engines"]}
    assert engines["landmark"]["readiness"] == "ready"
    assert sorted(engines["landmark"]["kinds"]) == ["image", "live", "video"]
    missing = await house.mine.post(f"{SWAP}/check", json={**body, "engine": "facefusion"})
    assert (missing.status_code, missing.json()["code"]) == (503, "swap_engine_not_ready")
