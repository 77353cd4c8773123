"""R-STR-8: events reach their webhooks, signed and in order, through failures and restarts; or are given up visibly."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path

import pytest

from lianpu.database.base import now_utc
from lianpu.streams.delivery.webhooks import dispatcher as dispatcher_module
from lianpu.streams.delivery.webhooks.models import WebhookDelivery
from lianpu.streams.delivery.webhooks.outbox import TOO_MANY
from lianpu.streams.delivery.webhooks.repository import WebhookRepository
from lianpu.streams.delivery.webhooks.webhooks import WebhookChange
from lianpu.streams.events import EventKind
from lianpu.streams.models import StreamEvent
from lianpu.streams.repository import StreamRepository
from tests.streams.delivery.post_office import JPEG, PostOffice, noticed, post_office, until
from tests.streams.delivery.receiver import Post, Receiver

pytestmark = pytest.mark.anyio


def event_ids(taker: Receiver, path: str) -> list[str]:
    return [json.loads(body)["event_id"] for body in taker.bodies(path)]


def is_signed(post: Post, secret: str) -> bool:
    moment, digest = post.headers["lianpu-signature"].split(",")
    signed = moment.removeprefix("t=").encode() + b"." + post.body
    return digest == "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


async def test_R_STR_8_an_event_is_posted_signed_and_by_its_id(tmp_path: Path, taker: Receiver) -> None:
    async with post_office(tmp_path) as office:
        webhook_id, secret = await office.endpoint(taker.url("/faces?house=1"))
        [event] = await office.happen(person="安")
        record = await office.quiet(webhook_id)
        log = await office.webhooks.attempts(webhook_id)
    [post] = taker.posts
    assert post.path == "/faces?house=1"
    assert is_signed(post, secret)
    assert post.headers["lianpu-event-id"] == event.id
    assert post.headers["lianpu-event-kind"] == "person_appeared"
    assert post.headers["content-type"] == "application/json"
    message = json.loads(post.body)
    assert {name: message[name] for name in ("event_id", "stream_id", "kind", "person_id", "person_name")} == {
        "event_id": event.id,
        "stream_id": event.stream_id,
        "kind": "person_appeared",
        "person_id": "安",
        "person_name": "安",
    }
    assert (message["score"], message["stream_name"]) == (0.9123, "Gate")
    assert "crop" not in message
    assert (record.row.failing_since, record.counts.dead) == (None, 0)
    assert record.row.delivered_at is not None
    [attempt] = log
    assert (attempt.event_id, attempt.number, attempt.status, attempt.error) == (event.id, 1, 204, None)


async def test_R_STR_8_the_face_goes_along_where_it_is_wanted(tmp_path: Path, taker: Receiver) -> None:
    async with post_office(tmp_path) as office:
        webhook_id, _ = await office.endpoint(taker.url("/"), with_crop=True)
        await office.happen()
        await office.quiet(webhook_id)
        taker.slow.add("/")
        [event] = await office.happen()
        await until(lambda: len(taker.posts) == 2)
        # It is cleared away while the event is on its way, and the first try fails.
        taker.answers["/"] = [500, 204]
        (tmp_path / "crops" / event.id[:8] / f"{event.id}.jpg").unlink()
        taker.release.set()
        await office.quiet(webhook_id)
    crops = [json.loads(post.body)["crop"] for post in taker.posts]
    assert base64.b64decode(crops[0]) == JPEG
    assert crops[2] is None


async def test_R_STR_8_event_and_delivery_are_stored_together_or_not_at_all(tmp_path: Path, taker: Receiver) -> None:
    async with post_office(tmp_path, works=False) as office:
        webhook_id, _ = await office.endpoint(taker.url("/"))

        async def fail(*_: object) -> None:
            raise RuntimeError("no")

        office.events.write_beside(fail)
        with pytest.raises(RuntimeError):
            await office.happen()
        assert (await office.get(webhook_id)).counts.waiting == 0
        async with office.database.session() as session:
            assert await StreamRepository(session).first_sequence() is None
        office.events._beside.remove(fail)
        await office.happen()
        assert (await office.get(webhook_id)).counts.waiting == 1


@pytest.mark.parametrize(
    ("wish", "came"),
    [
        ({}, ["ann appeared", "ann left", "unknown", "bob at the other"]),
        ({"kinds": [EventKind.PERSON_LEFT, EventKind.UNKNOWN_APPEARED]}, ["ann left", "unknown"]),
        ({"person_ids": ["ann"]}, ["ann appeared", "ann left"]),
        ({"stream_ids": ["other"]}, ["bob at the other"]),
        ({"stream_ids": ["one"], "person_ids": ["bob"]}, []),
        ({"is_active": False}, []),
    ],
)
async def test_R_STR_8_an_endpoint_gets_what_its_filters_say(
    tmp_path: Path, taker: Receiver, wish: dict[str, object], came: list[str]
) -> None:
    async with post_office(tmp_path) as office:
        streams = {"one": await office.stream(), "other": await office.stream()}
        if "stream_ids" in wish:
            wish = {**wish, "stream_ids": [streams[name] for name in wish["stream_ids"]]}  # type: ignore[union-attr]
        webhook_id, _ = await office.endpoint(taker.url("/some"), **wish)
        everything, _ = await office.endpoint(taker.url("/all"))
        first = [noticed(), noticed(EventKind.PERSON_LEFT), noticed(EventKind.UNKNOWN_APPEARED, None)]
        events = await office.events.keep(streams["one"], first)
        events += await office.events.keep(streams["other"], [noticed(person="bob")])
        await office.quiet(everything)
        await office.quiet(webhook_id)
    labels = dict(
        zip([event.id for event in events], ["ann appeared", "ann left", "unknown", "bob at the other"], strict=True)
    )
    assert [labels[one] for one in event_ids(taker, "/some")] == came
    assert [labels[one] for one in event_ids(taker, "/all")] == list(labels.values())


async def test_R_STR_8_a_failed_attempt_is_repeated_unchanged_before_anything_newer(
    tmp_path: Path, taker: Receiver
) -> None:
    async with post_office(tmp_path) as office:
        taker.answers["/"] = [500, 503, 204]
        webhook_id, secret = await office.endpoint(taker.url("/"))
        events = await office.happen(3)
        assert (await office.quiet(webhook_id)).row.failing_since is None
        log = await office.webhooks.attempts(webhook_id)
    first, second, third = [event.id for event in events]
    assert event_ids(taker, "/") == [first, first, first, second, third]
    assert len({post.body for post in taker.posts[:3]}) == 1
    assert all(is_signed(post, secret) for post in taker.posts)
    assert [(one.event_id, one.number, one.status) for one in reversed(log)] == [
        (first, 1, 500),
        (first, 2, 503),
        (first, 3, 204),
        (second, 1, 204),
        (third, 1, 204),
    ]


async def test_R_STR_8_waits_grow_to_a_limit_and_the_receiver_may_ask_for_longer(
    tmp_path: Path, taker: Receiver
) -> None:
    taker.answers["/"] = [503]
    taker.headers["Retry-After"] = "120"
    async with post_office(tmp_path, first_wait_s=1.0, longest_wait_s=300.0) as office:
        webhook_id, _ = await office.endpoint(taker.url("/"))
        await office.happen()
        await until(lambda: taker.posts)

        async def waiting() -> WebhookDelivery | None:
            async with office.database.session() as session:
                found = await WebhookRepository(session).next_of(webhook_id)
            return found if found is not None and found.attempts else None

        delivery = await until(waiting)
        left_s = (delivery.due_at - now_utc()).total_seconds()
        assert 120 * (1 - dispatcher_module.JITTER) - 20 < left_s <= 120 * (1 + dispatcher_module.JITTER)
        assert delivery.error == "It answers with the status 503."
    wait = [
        office.dispatcher._wait_s(failures, dispatcher_module.PostResult(500, "x", 1.0)) for failures in (1, 4, 9, 2000)
    ]
    middle = (1, 8, 256, 300)
    for found, value in zip(wait, middle, strict=True):
        assert abs(found - value) <= value * dispatcher_module.JITTER


async def test_R_STR_8_what_is_given_up_is_a_dead_letter_that_can_be_retried_or_purged(
    tmp_path: Path, taker: Receiver
) -> None:
    async with post_office(tmp_path) as office:
        taker.answers["/"] = [500, 500, 500, 500, 500, 500, 204]
        webhook_id, _ = await office.endpoint(taker.url("/"))
        events = await office.happen(4)
        record = await office.quiet(webhook_id)
        first, second, third, fourth = [event.id for event in events]
        assert record.counts.dead == 2
        assert event_ids(taker, "/") == [first] * 3 + [second] * 3 + [third, fourth]
        newest, cursor = await office.webhooks.dead_letters(webhook_id, None, 1)
        oldest, end = await office.webhooks.dead_letters(webhook_id, cursor, 1)
        assert [(one.event_id, one.attempts, one.error) for one in (*newest, *oldest)] == [
            (second, 3, "It answers with the status 500."),
            (first, 3, "It answers with the status 500."),
        ]
        assert end is None

        taker.posts.clear()
        assert await office.webhooks.retry(webhook_id, [first, "no-such-event"]) == 1
        record = await office.quiet(webhook_id)
        assert (event_ids(taker, "/"), record.counts.dead) == ([first], 1)

        # It has all its attempts again.
        taker.posts.clear()
        taker.answers["/"] = [500]
        assert await office.webhooks.retry(webhook_id, None) == 1
        record = await office.quiet(webhook_id)
        assert (event_ids(taker, "/"), record.counts.dead) == ([second] * 3, 1)
        assert await office.webhooks.purge(webhook_id, [first]) == 0
        assert await office.webhooks.purge(webhook_id, None) == 1
        assert await office.webhooks.retry(webhook_id, None) == 0
        assert (await office.get(webhook_id)).counts.dead == 0


async def test_R_STR_8_a_slow_endpoint_does_not_delay_another(tmp_path: Path, taker: Receiver) -> None:
    taker.slow.add("/slow")
    async with post_office(tmp_path) as office:
        slow, _ = await office.endpoint(taker.url("/slow"))
        quick, _ = await office.endpoint(taker.url("/quick"))
        events = await office.happen(5)
        await office.quiet(quick)
        # One message at a time: the others wait behind it.
        assert (len(taker.bodies("/slow")), (await office.get(slow)).counts.waiting) == (1, 5)
        taker.release.set()
        await office.quiet(slow)
    assert event_ids(taker, "/quick") == event_ids(taker, "/slow") == [event.id for event in events]


async def test_R_STR_8_what_was_on_its_way_arrives_after_a_restart(tmp_path: Path, taker: Receiver) -> None:
    taker.slow.add("/")
    async with post_office(tmp_path) as office:
        webhook_id, _ = await office.endpoint(taker.url("/"))
        events = await office.happen(2)
        await until(lambda: taker.posts)
    taker.slow.clear()
    taker.release.set()
    async with post_office(tmp_path) as office:
        await office.quiet(webhook_id)
    first, second = [event.id for event in events]
    assert event_ids(taker, "/") == [first, first, second]


async def test_R_STR_8_silence_and_endless_answers_end(tmp_path: Path, taker: Receiver) -> None:
    taker.slow.add("/silent")
    taker.endless.add("/endless")
    taker.answers["/endless"] = [200]
    async with post_office(tmp_path, timeout_s=0.3) as office:
        silent, _ = await office.endpoint(taker.url("/silent"))
        endless, _ = await office.endpoint(taker.url("/endless"))
        result = await office.webhooks.test(silent)
        assert (result.status, result.error) == (None, "There was no answer within 0.3 s.")
        # It says that it has it; what else it says is of no interest.
        assert (await office.webhooks.test(endless)).status == 200


async def test_R_STR_8_an_endpoint_that_only_fails_is_disabled_and_says_why(tmp_path: Path, taker: Receiver) -> None:
    taker.answers["/"] = [500]
    async with post_office(tmp_path, max_attempts=100) as office:
        webhook_id, _ = await office.endpoint(taker.url("/"))
        await office.happen(2)
        since = (await until(lambda: _failing(office, webhook_id))).row.failing_since
        await office.change_row(webhook_id, failing_since=since - timedelta(hours=2))
        record = await until(lambda: _disabled(office, webhook_id))
        assert record.row.disabled_reason == (
            "Nothing could be delivered for 1 hours. The last error: It answers with the status 500."
        )
        # Nothing new is kept for it, and what waited is not lost.
        await office.happen()
        posts = len(taker.posts)
        assert (await office.get(webhook_id)).counts.waiting == 2
        taker.answers["/"] = [204]
        record = await office.webhooks.update(webhook_id, WebhookChange(is_active=True))
        assert (record.row.disabled_reason, record.row.failing_since) == (None, None)
        await office.quiet(webhook_id)
        assert len(taker.posts) == posts + 2


async def test_R_STR_8_an_endpoint_that_is_gone_for_good_is_disabled_at_once(tmp_path: Path, taker: Receiver) -> None:
    taker.answers["/"] = [410]
    async with post_office(tmp_path) as office:
        webhook_id, _ = await office.endpoint(taker.url("/"))
        await office.happen(3)
        record = await until(lambda: _disabled(office, webhook_id))
        assert "410" in (record.row.disabled_reason or "")
        assert len(taker.posts) == 1


async def test_R_STR_8_an_endpoint_holds_no_more_than_it_may(
    tmp_path: Path, taker: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher_module, "ATTEMPTS_KEPT", 3)
    monkeypatch.setattr(dispatcher_module, "DEAD_KEPT", 2)
    taker.slow.add("/")
    async with post_office(tmp_path, max_waiting=4) as office:
        webhook_id, _ = await office.endpoint(taker.url("/"))
        first = await office.happen(3)
        second = await office.happen(4)
        record = await office.get(webhook_id)
        assert (record.counts.waiting, record.counts.dead) == (4, 3)
        dead, _ = await office.webhooks.dead_letters(webhook_id, None, 10)
        assert {one.error for one in dead} == {TOO_MANY}
        taker.release.set()
        await office.quiet(webhook_id)
        assert event_ids(taker, "/") == [event.id for event in [*first, second[0]]]
        log = await office.webhooks.attempts(webhook_id)
        assert [one.event_id for one in log] == [event.id for event in (second[0], first[2], first[1])]

        clearing = asyncio.create_task(office.dispatcher.run_clearing())
        dead = await until(lambda: _dead(office, webhook_id, 2))
        assert [one.event_id for one in dead] == [second[3].id, second[2].id]
        clearing.cancel()


async def test_R_STR_8_what_could_not_be_delivered_goes_at_the_end_of_its_retention(
    tmp_path: Path, taker: Receiver
) -> None:
    async with post_office(tmp_path, works=False) as office:
        webhook_id, _ = await office.endpoint(taker.url("/"))
        old, new = await office.happen(2)
        async with office.database.session() as session:
            row = await WebhookRepository(session).delivery(webhook_id, old.sequence)
            assert row is not None
            row.created_at = now_utc() - timedelta(days=2)
            await session.commit()
        clearing = asyncio.create_task(office.dispatcher.run_clearing())
        await until(lambda: _waiting(office, webhook_id, 1))
        async with office.database.session() as session:
            left = await WebhookRepository(session).next_of(webhook_id)
        assert left is not None
        assert left.event_id == new.id
        clearing.cancel()


async def test_R_STR_8_an_endpoint_that_is_switched_off_gets_nothing_more_until_it_is_on_again(
    tmp_path: Path, taker: Receiver
) -> None:
    taker.slow.add("/")
    async with post_office(tmp_path) as office:
        webhook_id, _ = await office.endpoint(taker.url("/"))
        events = await office.happen(3)
        await until(lambda: taker.posts)
        await office.webhooks.update(webhook_id, WebhookChange(is_active=False))
        taker.release.set()
        await until(lambda: _waiting(office, webhook_id, 2))
        assert len(taker.posts) == 1
        await office.webhooks.update(webhook_id, WebhookChange(is_active=True))
        await office.quiet(webhook_id)
    assert event_ids(taker, "/") == [event.id for event in events]


async def test_R_STR_8_a_deleted_endpoint_gets_nothing_any_more(tmp_path: Path, taker: Receiver) -> None:
    taker.slow.add("/")
    async with post_office(tmp_path) as office:
        webhook_id, _ = await office.endpoint(taker.url("/"))
        await office.happen(3)
        await until(lambda: taker.posts)
        await office.webhooks.delete(webhook_id)
        taker.release.set()
        other, _ = await office.endpoint(taker.url("/other"))
        events: list[StreamEvent] = await office.happen()
        await office.quiet(other)
        assert len(taker.bodies("/")) == 1
        assert event_ids(taker, "/other") == [events[0].id]


async def _failing(office: PostOffice, webhook_id: str):
    record = await office.get(webhook_id)
    return record if record.row.failing_since else None


async def _disabled(office: PostOffice, webhook_id: str):
    record = await office.get(webhook_id)
    return None if record.row.is_active else record


async def _dead(office: PostOffice, webhook_id: str, count: int):
    found, _ = await office.webhooks.dead_letters(webhook_id, None, 100)
    return found if len(found) == count else None


async def _waiting(office: PostOffice, webhook_id: str, count: int):
    return (await office.get(webhook_id)).counts.waiting == count
