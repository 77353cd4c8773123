"""R-OPS 5: the SDK against the real application: persons, recognition, jobs, images, enhancement, swaps, and more."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lianpu.client import (
    AccessDeniedError,
    AsyncLianpu,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    JobFailedError,
    NotFoundError,
    WaitTimeoutError,
)
from lianpu.client.answers import Job
from tests.api.enhance.conftest import jpeg
from tests.client.conftest import OpenLianpu, somebody

pytestmark = pytest.mark.anyio
PASSWORD = "correct horse battery staple"


async def test_R_OPS_5_persons_are_enrolled_found_changed_and_deleted(
    lianpu: AsyncLianpu, portraits: Sequence[bytes], tmp_path: Path
) -> None:
    (tmp_path / "ada.jpg").write_bytes(portraits[0])
    enrolled = await lianpu.persons.enrol(
        tmp_path / "ada.jpg", person_id="ada", name="Ada", metadata={"team": "R&D"}, models_to_generate=["dlib"]
    )
    assert (enrolled.person.person_id, enrolled.person.metadata, enrolled.image.is_primary) == (
        "ada",
        {"team": "R&D"},
        True,
    )
    await lianpu.persons.enrol(io.BytesIO(portraits[1]), person_id="ben", name="Ben")
    assert [face.matches[0].person_id for face in (await lianpu.search(portraits[0], top_k=1)).faces] == ["ada"]
    assert (await lianpu.compare(portraits[0], portraits[0])).is_match
    assert not (await lianpu.compare(portraits[0], portraits[1])).is_match
    (face,) = (await lianpu.embed(portraits[0])).faces
    assert len(face.embedding) == 128
    assert (await lianpu.detect(portraits[0])).faces[0].landmark_scheme == "dlib5"

    # One a page, so that pages are gone through.
    assert [person.person_id async for person in lianpu.persons.list(page_size=1)] == ["ben", "ada"]
    assert [person.person_id async for person in lianpu.persons.list(metadata={"team": "R&D"})] == ["ada"]
    changed = await lianpu.persons.update("ada", threshold=0.9)
    assert (changed.threshold, changed.name) == (0.9, "Ada")
    assert (await lianpu.persons.update("ada", name="Ada L")).threshold == 0.9
    assert (await lianpu.persons.update("ada", threshold=None)).threshold is None
    added = await lianpu.persons.add_image("ada", portraits[2], conflict_mode="off")
    primary = await lianpu.persons.make_primary("ada", added.image.image_id)
    assert primary.is_primary
    assert next(image.image_id for image in await lianpu.persons.images("ada")) == added.image.image_id
    assert await lianpu.persons.image_content("ada", added.image.image_id) == portraits[2]
    assert (await lianpu.persons.thumbnail("ada")).startswith(b"\xff\xd8")
    moved = await lianpu.persons.move_image(
        "ada", added.image.image_id, new_person={"name": "Cleo", "person_id": "cleo"}
    )
    assert moved.person.person_id == "cleo"
    merge = await lianpu.persons.merge("ben", ["cleo"])
    assert (merge.images_moved, merge.persons_removed) == (1, ("cleo",))
    receipt = await lianpu.persons.delete("ada")
    assert (receipt.person_id, receipt.verified) == ("ada", True)
    assert (await lianpu.persons.delete_many(["ben", "nobody"])).deleted == 1
    with pytest.raises(NotFoundError) as missing:
        await lianpu.persons.get("a/b?c=1#d")
    assert (missing.value.code, missing.value.status) in {("person_not_found", 404), ("not_found", 404)}
    assert missing.value.request_id


async def test_R_OPS_7_a_job_is_waited_for_with_its_progress(
    lianpu: AsyncLianpu, portraits: Sequence[bytes], blank: bytes
) -> None:
    photos = {"Ada/1.jpg": portraits[0], "Ben/1.jpg": portraits[1], "Ben/2.jpg": blank}
    seen: list[Job] = []
    job = await lianpu.persons.enrol_batch(photos=photos, idempotency_key="k")
    assert (await lianpu.persons.enrol_batch(photos=photos, idempotency_key="k")).job_id == job.job_id
    ended = await lianpu.jobs.wait(job.job_id, poll_s=0.01, on_progress=seen.append)
    assert (ended.status, ended.items) == ("completed", {"enrolled": 2, "failed": 1})
    assert seen[-1] == ended
    items = [(item.name, item.status) async for item in lianpu.jobs.items(job.job_id, page_size=1)]
    assert items == [("Ada/1.jpg", "enrolled"), ("Ben/1.jpg", "enrolled"), ("Ben/2.jpg", "failed")]
    assert [one.job_id async for one in lianpu.jobs.list(kind="gallery.bulk_enrol")] == [job.job_id]
    await lianpu.jobs.delete(job.job_id)
    with pytest.raises(NotFoundError):
        await lianpu.jobs.get(job.job_id)


async def test_R_OPS_7_a_job_that_goes_on_or_fails_raises(lianpu: AsyncLianpu, portraits: Sequence[bytes]) -> None:
    job = await lianpu.persons.enrol_batch(photos={f"p/{n}.jpg": photo for n, photo in enumerate(portraits)})
    with pytest.raises(WaitTimeoutError):
        await lianpu.jobs.wait(job.job_id, timeout_s=0)
    await lianpu.jobs.cancel(job.job_id)
    with pytest.raises(JobFailedError) as failed:
        await lianpu.jobs.wait(job.job_id, poll_s=0.02)
    assert failed.value.code == "cancelled"


async def test_R_OPS_5_archives_go_out_and_come_in(
    lianpu: AsyncLianpu, portraits: Sequence[bytes], tmp_path: Path
) -> None:
    await lianpu.persons.enrol(portraits[0], person_id="ada", name="Ada")
    exported = await lianpu.jobs.wait(
        (await lianpu.transfers.export(passphrase="芝麻开门 open sesame")).job_id, poll_s=0.02
    )
    archive = await lianpu.transfers.archive(exported.job_id, str(tmp_path / "gallery.zip"))
    assert archive == tmp_path / "gallery.zip"
    assert [path.name for path in tmp_path.glob("*.zip*")] == ["gallery.zip"]
    await lianpu.persons.delete("ada")
    examined = await lianpu.transfers.examine(archive, dry_run=True, passphrase="芝麻开门 open sesame")
    await lianpu.jobs.wait(examined.job_id, poll_s=0.02)
    await lianpu.jobs.wait((await lianpu.transfers.apply(examined.job_id)).job_id, poll_s=0.02)
    assert (await lianpu.persons.get("ada")).person.image_count == 1


async def test_R_OPS_5_own_images_go_through_models(open_lianpu: OpenLianpu, portraits: Sequence[bytes]) -> None:
    async with open_lianpu() as admin:
        await admin.users.create("ada", PASSWORD, role="viewer", must_change_password=False)
        async with somebody(admin.app, username="ada", password=PASSWORD) as ada:  # type: ignore[attr-defined]
            images = [await ada.images.upload(photo) for photo in portraits[:3]]
            listed = [image.image_id async for image in ada.images.list(page_size=2)]
            assert listed == [image.image_id for image in reversed(images)]
            assert "face-analysis" in {model.name for model in await ada.inference.models()}
            image_id = images[0].image_id
            result = await ada.inference.run(image_id, "face-analysis")
            assert result.status == "completed"
            started = await ada.inference.start(image_id, "face-analysis", idempotency_key="once")
            task = await ada.inference.wait(started.task_id, poll_s=0.02)
            assert task.result_url
            assert len([one async for one in ada.images.results(image_id, page_size=1)]) == 2
            assert [one.task_id async for one in ada.inference.tasks()] == [task.task_id]
            assert await ada.images.content(image_id) == portraits[0]
            await ada.images.delete(image_id)
            with pytest.raises(NotFoundError):
                await ada.images.get(image_id)
            with pytest.raises(AccessDeniedError) as refused:
                await ada.users.list()
            assert refused.value.context["required_scope"] == "users:manage"


async def test_R_OPS_5_photos_are_enhanced_and_fetched_once(open_lianpu: OpenLianpu, tmp_path: Path) -> None:
    async with open_lianpu() as admin:
        await admin.users.create("ada", PASSWORD, role="viewer", must_change_password=False)
        async with somebody(admin.app, username="ada", password=PASSWORD) as ada:  # type: ignore[attr-defined]
            photo = jpeg(3)
            assert (await ada.enhancements.estimate(photo, enhancement_level=2)).width_after == 120
            sent = await ada.enhancements.start(photo, enhancement_level=2, preserve_identity=False)
            enhancement_id = sent.enhancement.enhancement_id
            assert (await ada.enhancements.wait(enhancement_id, poll_s=0.02)).status == "completed"
            with pytest.raises(AccessDeniedError):
                await ada.enhancements.fetch(enhancement_id, "not the token")
            assert (await ada.enhancements.fetch(enhancement_id, sent.retrieval_token)).startswith(b"\xff\xd8")
            with pytest.raises(NotFoundError) as gone:
                await ada.enhancements.fetch(enhancement_id, sent.retrieval_token)
            assert (gone.value.status, gone.value.code) == (410, "enhancement_gone")
            again = await ada.enhancements.start(photo)
            saved = await ada.enhancements.save(
                again.enhancement.enhancement_id, again.retrieval_token, tmp_path / "better.jpg"
            )
            assert saved.read_bytes().startswith(b"\xff\xd8")
            assert {one.name for one in (await ada.enhancements.engines()).upscalers} == {"lanczos"}


async def test_R_OPS_5_swaps_go_by_consent(open_lianpu: OpenLianpu, portraits: Sequence[bytes]) -> None:
    async with open_lianpu(swap__enabled=True) as admin:
        await admin.persons.enrol(portraits[0], person_id="ada", name="Ada")
        user = await admin.users.create("ben", PASSWORD, role="operator", must_change_password=False)
        await admin.users.update(user.user_id or "", granted_scopes=["swap"])
        consent = await admin.consents.record(
            "ada",
            grantor="Ada",
            purpose="film",
            scopes=["image"],
            valid_until=datetime.now(UTC) + timedelta(days=1),
            evidence_sha256="0" * 64,
            evidence_name="form.pdf",
        )
        assert [one.consent_id async for one in admin.consents.list(person_id="ada")] == [consent.consent_id]
        async with somebody(admin.app, username="ben", password=PASSWORD) as ben:  # type: ignore[attr-defined]
            check = await ben.swaps.check(consent_id=consent.consent_id, purpose="film", kind="image")
            assert check.engine == "landmark"
            started = await ben.swaps.start(portraits[1], consent_id=consent.consent_id, purpose="film")
            job = await ben.jobs.wait(started.job_id, poll_s=0.02)
            picture = await ben.swaps.fetch(job.job_id)
            assert (await ben.provenance.verify(picture)).survived
            await admin.consents.revoke(consent.consent_id, reason="no more")
            with pytest.raises(AccessDeniedError) as refused:
                await ben.swaps.start(portraits[1], consent_id=consent.consent_id, purpose="film")
            assert refused.value.code == "consent_revoked"


async def test_R_OPS_5_models_gallery_webhooks_audit_and_state(lianpu: AsyncLianpu, portraits: Sequence[bytes]) -> None:
    await lianpu.persons.enrol(portraits[0], person_id="ada", name="Ada")
    assert [model.name for model in await lianpu.models.list() if model.is_default] == ["dlib"]
    assert (await lianpu.models.set_threshold("dlib", 0.8)).threshold_source == "gallery"
    assert (await lianpu.models.set_threshold("dlib", None)).threshold_source == "pack"
    assert await lianpu.gallery.shadow() is None
    await lianpu.jobs.wait((await lianpu.gallery_health.start()).job_id, poll_s=0.02)
    report = (await lianpu.gallery_health.get()).report
    assert {finding.kind for finding in report.findings} <= {"single_poor_image"}
    with pytest.raises(ConflictError):
        await lianpu.jobs.wait((await lianpu.calibration.start()).job_id, poll_s=0.02)
    with pytest.raises(InvalidRequestError) as refused:
        await lianpu.webhooks.create("http://127.0.0.1:1/hook")
    assert refused.value.code == "webhook_refused"
    assert await lianpu.webhooks.list() == ()
    assert not (await lianpu.webhooks.mqtt()).configured
    events = [event.action async for event in lianpu.audit.list(page_size=5)]
    assert "person.enrol" in events
    assert (await lianpu.audit.verify()).ok
    status = await lianpu.status()
    assert (status.gallery.persons, status.default_pack) == (1, "dlib")
    assert (await lianpu.ready()).status == "ok"
    assert (await lianpu.live()).status == "ok"


async def test_R_ACC_1_a_login_goes_on_by_its_refresh_token_and_ends_with_the_client(open_lianpu: OpenLianpu) -> None:
    import anyio

    async with open_lianpu(accounts__access_token_minutes=0.03) as admin:
        user = await admin.users.create("ada", PASSWORD, role="viewer", must_change_password=False)
        wrong = somebody(admin.app, username="ada", password="wrong " + PASSWORD)  # type: ignore[attr-defined]
        with pytest.raises(AuthenticationError) as refused:
            await wrong.account.get()
        assert refused.value.code == "login_failed"
        async with somebody(admin.app, username="ada", password=PASSWORD) as ada:  # type: ignore[attr-defined]

            async def name() -> None:
                assert (await ada.account.get()).name == "ada"

            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(name)
            await anyio.sleep(2.1)
            # The access token has expired; what was asked at once goes on by one refresh, which is good once.
            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(name)
            assert len(await ada.account.sessions()) == 1
        logins = [event async for event in admin.audit.list(actor=user.user_id, action="account.login")]
        assert len([event for event in logins if event.outcome == "ok"]) == 2
        assert [event.outcome async for event in admin.audit.list(action="account.logout")] == ["ok"]


@pytest.fixture
def blank() -> bytes:
    import numpy as np

    from lianpu.engines.image import encode_jpeg

    return encode_jpeg(np.full((200, 200, 3), 90, dtype=np.uint8), quality=90)
