"""Passwords: which are good enough, and their hashes (Argon2id, RFC 9106) made and checked off the event loop."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from pwdlib.hashers.argon2 import Argon2Hasher

from lianpu.accounts.names import name_key
from lianpu.errors import BusyError, FieldError, FieldsInvalidError

MAX_CHARS = 256
MIN_DISTINCT_CHARS = 4
HASHES_AT_ONCE = 2
"""Each takes 64 MiB."""
MAX_WAITING = 64
NAME_MIN_CHARS = 3
"""A shorter name is part of too many good passwords."""
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class HashCost:
    """Parameters of Argon2id; the second recommended option of RFC 9106."""

    iterations: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 4


@dataclass(frozen=True, slots=True)
class Verified:
    is_right: bool
    new_hash: str | None = None
    """Of a right password whose hash was made at another cost: store it instead."""


class Passwords:
    def __init__(self, *, min_chars: int, cost: HashCost | None = None) -> None:
        cost = cost or HashCost()
        self.min_chars = min_chars
        self._hasher = Argon2Hasher(cost.iterations, cost.memory_kib, cost.lanes)
        # A pool, not a semaphore: a request that is cancelled leaves its hash running.
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0
        self._dummy: str | None = None

    def check(self, password: str, user_name: str, *, field: str = "password") -> None:
        """
        Raises:
            FieldsInvalidError: it is too short or long, holds the user's name, or is next to nothing.
        """
        password = _normal(password)
        errors: list[FieldError] = []
        if len(password) < self.min_chars:
            errors.append(FieldError(field, f"must have at least {self.min_chars} characters", "password_too_short"))
        if len(password) > MAX_CHARS:
            errors.append(FieldError(field, f"must have at most {MAX_CHARS} characters", "password_too_long"))
        if len({char for char in password if unicodedata.category(char)[0] not in "CZ"}) < MIN_DISTINCT_CHARS:
            text = f"must hold at least {MIN_DISTINCT_CHARS} different visible characters"
            errors.append(FieldError(field, text, "password_too_simple"))
        key = name_key(user_name)
        if len(key) >= NAME_MIN_CHARS and key in name_key(password):
            errors.append(FieldError(field, "must not hold the user name", "password_holds_name"))
        if errors:
            raise FieldsInvalidError("The password is not good enough.", errors=errors)

    async def hash(self, password: str) -> str:
        """A PHC string.

        Raises:
            BusyError: too many passwords wait to be hashed.
        """
        return await self._run(lambda: self._hasher.hash(_normal(password)))

    async def verify(self, password: str, hashed: str | None) -> Verified:
        """
        Args:
            hashed: None: there is no such user; takes as long as a wrong password, and is as wrong.

        Raises:
            BusyError: as in `hash`.
        """
        return await self._run(lambda: self._verify(_normal(password), hashed))

    def _verify(self, password: str, hashed: str | None) -> Verified:
        if self._dummy is None:
            self._dummy = self._hasher.hash("of nobody")
        if not self._hasher.verify(password, hashed or self._dummy) or hashed is None:
            return Verified(False)
        return Verified(True, self._hasher.hash(password) if self._hasher.check_needs_rehash(hashed) else None)

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= MAX_WAITING:
            raise BusyError("Too many people log in at this moment.", retry_after_s=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _normal(password: str) -> str:
    """Keyboards differ in how they compose the same character (RFC 8265, OpaqueString)."""
    return unicodedata.normalize("NFC", password)
