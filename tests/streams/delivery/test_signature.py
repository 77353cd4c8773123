"""R-STR-8: the receiver of the documentation takes what the server signed, and nothing else."""

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.streams.delivery.webhooks.signature import new_secret, signature
from lianpu.streams.events import EventKind
from tests.streams.delivery.post_office import noticed, post_office, until

PAGE = Path(__file__).parents[3] / "docs" / "streams-delivery.md"
[EXAMPLE] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
NOW = 1_767_225_600


def example() -> Callable[..., bool]:
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(EXAMPLE, str(PAGE), "exec"), names)
    return names["is_genuine"]


is_genuine = example()
secrets_ = st.text(min_size=1, max_size=60).filter(lambda text: text.isprintable())


@given(secret=secrets_, body=st.binary(max_size=300), at_s=st.integers(0, 10**12))
def test_R_STR_8_what_was_signed_is_genuine_for_a_while(secret: str, body: bytes, at_s: int) -> None:
    header = signature(secret, body, at_s)
    assert is_genuine(secret, body, header, at_s + 299)
    assert not is_genuine(secret, body, header, at_s + 301)
    assert not is_genuine(secret, body, header, at_s - 301)


@given(secret=secrets_, other=secrets_, body=st.binary(max_size=100), changed=st.binary(max_size=100))
def test_R_STR_8_another_body_or_secret_is_not_genuine(secret: str, other: str, body: bytes, changed: bytes) -> None:
    header = signature(secret, body, NOW)
    assert is_genuine(secret, changed, header, NOW) == (changed == body)
    assert is_genuine(other, body, header, NOW) == (other == secret)


@given(text=st.text(max_size=120), place=st.integers(0, 80), char=st.characters(codec="latin-1"))
def test_R_STR_8_another_header_is_not_genuine_and_breaks_nothing(text: str, place: int, char: str) -> None:
    header = signature("whsec_x", b"{}", NOW)
    assert not is_genuine("whsec_x", b"{}", text, NOW)
    changed = header[:place] + char + header[place + 1 :]
    assert is_genuine("whsec_x", b"{}", changed, NOW) == (changed == header)


def test_R_STR_8_the_signature_is_the_one_that_is_documented() -> None:
    # echo -n '1767225600.{"event_id":"1"}' | openssl dgst -sha256 -hmac whsec_x
    expected = "f88ac098bccd4e42f70403910bc0ed6b5a2273e8ace3b9146d26b990c50e9ba3"
    assert signature("whsec_x", b'{"event_id":"1"}', NOW) == f"t=1767225600,v1={expected}"


def test_R_STR_8_secrets_are_long_and_never_the_same() -> None:
    made = {new_secret() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"whsec_[A-Za-z0-9_-]{43}", secret) for secret in made)


@pytest.mark.anyio
async def test_R_STR_8_the_documented_receiver_works(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = tmp_path / "receiver.py"
    script.write_text(EXAMPLE, encoding="utf-8")
    async with post_office(tmp_path) as office:
        webhook_id, secret = await office.endpoint(f"http://127.0.0.1:{port}/faces")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(script),
            str(port),
            env={**os.environ, "WEBHOOK_SECRET": secret, "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            await until(lambda: _listens(port))
            assert (await office.webhooks.test(webhook_id)).status == 204
            stream_id = await office.stream()
            await office.events.keep(stream_id, [noticed(person="安"), noticed(EventKind.UNKNOWN_LEFT, None)])
            await office.quiet(webhook_id)
            lines = [(await process.stdout.readline()).decode().strip() for _ in range(3)]
            assert lines == ["test None", "person_appeared 安", "unknown_left None"]
            # Whoever does not have the secret is turned away.
            await office.webhooks.renew_secret(webhook_id)
            assert (await office.webhooks.test(webhook_id)).error == "It answers with the status 403."
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
