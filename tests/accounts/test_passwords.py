"""Passwords: which are refused, and how they are hashed and checked."""

import asyncio
import threading
from typing import Any

import pytest

from lianpu.accounts.passwords import HASHES_AT_ONCE, MAX_CHARS, MAX_WAITING, HashCost, Passwords
from lianpu.errors import BusyError, FieldsInvalidError
from tests.accounts.conftest import CHEAP, PASSWORD

pytestmark = pytest.mark.anyio


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(min_chars=10, cost=CHEAP)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("sh0rt", "password_too_short"),
        ("x1y2" * 65, "password_too_long"),
        ("          ", "password_too_simple"),
        ("aaaaaaaaaaaa", "password_too_simple"),
        ("abcabcabcabc", "password_too_simple"),
        ("\u200b\u200c\u200d\u2060\t \n\u00a0\u3000\ufeff", "password_too_simple"),
        ("ada-lovelace", "password_holds_name"),
        ("my ADA-LOVELACE pw", "password_holds_name"),
        ("ａｄａ-lovelace!", "password_holds_name"),
    ],
)
def test_R_ACC_1_poor_passwords_are_refused(passwords: Passwords, password: str, code: str) -> None:
    with pytest.raises(FieldsInvalidError) as refused:
        passwords.check(password, "Ada-Lovelace", field="new_password")
    assert code in {error.code for error in refused.value.errors}
    assert {error.field for error in refused.value.errors} == {"new_password"}
    assert password.strip() == "" or password not in str([refused.value.detail, refused.value.errors])


@pytest.mark.parametrize(
    "password", [PASSWORD, "пароль-секрет", "密码很长而且没人知道它", "x1y2" * 64, "to Li: be or not"]
)
def test_R_ACC_1_good_passwords_are_taken(passwords: Passwords, password: str) -> None:
    assert len(password) <= MAX_CHARS
    passwords.check(password, "Li")


async def test_R_ACC_1_hash_is_argon2id_salted_and_checked(passwords: Passwords) -> None:
    one, other = await passwords.hash(PASSWORD), await passwords.hash(PASSWORD)
    assert one.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert one != other
    assert PASSWORD not in one
    assert (await passwords.verify(PASSWORD, one)).is_right
    assert not (await passwords.verify(PASSWORD + " ", one)).is_right
    assert not (await passwords.verify(PASSWORD.upper(), one)).is_right


async def test_R_ACC_1_the_same_characters_composed_otherwise_are_the_same_password(passwords: Passwords) -> None:
    hashed = await passwords.hash("cafe\u0301 au lait")
    assert (await passwords.verify("caf\u00e9 au lait", hashed)).is_right


async def test_R_ACC_1_recommended_cost_unless_told_otherwise() -> None:
    hashed = await Passwords(min_chars=10).hash(PASSWORD)
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_R_ACC_1_hash_of_another_cost_is_made_anew_once_it_was_right(passwords: Passwords) -> None:
    old = await passwords.hash(PASSWORD)
    dearer = Passwords(min_chars=10, cost=HashCost(iterations=2, memory_kib=16, lanes=1))
    verified = await dearer.verify(PASSWORD, old)
    assert verified.is_right
    assert verified.new_hash is not None
    assert verified.new_hash.startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert await dearer.verify("wrong password", old) == await dearer.verify("wrong password", verified.new_hash)
    assert (await dearer.verify(PASSWORD, verified.new_hash)).new_hash is None


async def test_R_ACC_4_name_that_nobody_has_costs_one_verification_too(passwords: Passwords) -> None:
    asked: list[str] = []
    hasher: Any = passwords._hasher
    verify = hasher.verify
    hasher.verify = lambda password, hashed: asked.append(hashed) or verify(password, hashed)
    hashed = await passwords.hash(PASSWORD)
    assert not (await passwords.verify("wrong password", hashed)).is_right
    assert not (await passwords.verify("wrong password", None)).is_right
    assert not (await passwords.verify("of nobody", None)).is_right
    assert len(asked) == 3
    assert asked[0] == hashed
    assert asked[1].partition("p=1$")[0] == hashed.partition("p=1$")[0]


async def test_R_ACC_1_two_hashes_at_once_off_the_event_loop_and_a_bounded_queue(passwords: Passwords) -> None:
    begun, go_on, threads = threading.Semaphore(0), threading.Event(), set[int]()
    hasher: Any = passwords._hasher

    def slow(password: str) -> str:
        threads.add(threading.get_ident())
        begun.release()
        assert go_on.wait(60)
        return password

    hasher.hash = slow
    tasks = [asyncio.create_task(passwords.hash(f"{number}")) for number in range(MAX_WAITING)]
    for _ in range(HASHES_AT_ONCE):
        await asyncio.to_thread(begun.acquire, timeout=60)
    tasks[0].cancel()  # its thread goes on, and must not make room for a third
    await asyncio.sleep(0.05)
    assert not begun.acquire(blocking=False)
    replacement = asyncio.create_task(passwords.hash("in its place"))
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await passwords.hash("one too many")
    go_on.set()
    await asyncio.gather(*tasks, replacement, return_exceptions=True)
    assert len(threads) == HASHES_AT_ONCE
    assert threading.get_ident() not in threads
    assert await passwords.hash("room again") == "room again"
