"""The seal: what it covers, and that it is the same everywhere."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lianpu.accounts.secret import AccountSecret
from lianpu.audit.chain import FIELDS, Seal, canonical

TEXTS = st.text(max_size=20)
DETAILS = st.dictionaries(
    TEXTS, st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, lambda one: st.lists(one, max_size=3))
)
EVENTS = st.fixed_dictionaries(
    dict.fromkeys(FIELDS, TEXTS)
    | {
        "sequence": st.integers(1, 1 << 40),
        "at": st.datetimes(timezones=st.just(UTC)),
        "status": st.integers(0, 599),
        "target": st.none() | TEXTS,
        "detail": DETAILS,
    }
)
EVENT: dict[str, Any] = {
    "sequence": 7,
    "at": datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
    "actor_kind": "user",
    "actor_id": "u",
    "actor_name": "张三",
    "action": "face.search",
    "outcome": "ok",
    "status": 200,
    "target": None,
    "client": "192.0.2.7",
    "request_id": "r",
    "detail": {"b": [1, 0.5], "a": True},
    "previous_hash": "0" * 64,
}


def test_R_ACC_4_the_seal_is_what_the_documentation_says() -> None:
    """Somebody who has the key can prove an exported event with a few lines of their own."""
    text = (
        '[1,7,"2026-01-02T03:04:05.000006+00:00","user","u","张三","face.search","ok",200,null,"192.0.2.7","r",'
        '{"a":true,"b":[1,0.5]},"' + "0" * 64 + '"]'
    )
    assert canonical(EVENT).decode() == text
    assert Seal(lambda: b"key").hash_of(EVENT) == hmac.new(b"key", text.encode(), hashlib.sha256).hexdigest()


@given(EVENTS, st.sampled_from(FIELDS), st.data())
def test_R_ACC_4_the_seal_covers_every_field(event: dict[str, Any], name: str, data: st.DataObject) -> None:
    seal = Seal(lambda: b"key")
    other = data.draw(EVENTS.map(lambda one: one[name]).filter(lambda value: value != event[name]))
    assert seal.hash_of(event) != seal.hash_of({**event, name: other})


@given(EVENTS)
def test_R_ACC_4_the_seal_does_not_depend_on_order_zone_or_storage(event: dict[str, Any]) -> None:
    seal = Seal(lambda: b"key")
    stored = json.loads(json.dumps(event["detail"]))
    moved = event["at"].astimezone(timezone(timedelta(hours=8)))
    again = {**dict(reversed(event.items())), "detail": dict(reversed(stored.items())), "at": moved, "id": "unknown"}
    assert seal.hash_of(again) == seal.hash_of(event)


def test_R_ACC_4_another_key_gives_another_chain() -> None:
    one, other = Seal(lambda: b"one"), Seal(lambda: b"other")
    assert one.hash_of(EVENT) != other.hash_of(EVENT)
    assert one.origin != other.origin
    assert one.origin.sequence == 0


def test_R_ACC_4_the_key_is_what_the_documentation_says(tmp_path: Path) -> None:
    kept, configured = (
        AccountSecret(tmp_path / "accounts.secret"),
        AccountSecret(tmp_path / "x", "a secret of the settings"),
    )
    assert len(kept.audit_key) == 32
    for secret, root in (
        (kept, (tmp_path / "accounts.secret").read_bytes()),
        (configured, hashlib.sha256(b"a secret of the settings").digest()),
    ):
        assert secret.audit_key == hmac.new(root, b"lianpu audit log 1", hashlib.sha256).digest()
        assert secret.audit_key not in {secret.token_key, secret.refresh_key}
