"""Addresses that are good for a while: an `<img>` cannot send a header, so its address carries a signature."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from lianpu.errors import SignatureError

EXPIRES, HOLDER, SIGNATURE = "expires", "holder", "signature"
_FOREIGN = "The address is not one that this server gave out."


class AddressSigner:
    """HMAC-SHA256 over a path, the second at which it ends, and who it was given to."""

    def __init__(self, key: Callable[[], bytes]) -> None:
        """`key`: gives 32 bytes; asked at each use."""
        self._key = key

    def signed(self, path: str, lifetime_s: float, holder: str) -> str:
        """The path with a query that makes it good."""
        expires = str(int(time.time() + lifetime_s))
        fields = {EXPIRES: expires, HOLDER: holder, SIGNATURE: self._signature(path, expires, holder)}
        return f"{path}?{urlencode(fields)}"

    def holder_of(self, path: str, fields: Mapping[str, str]) -> str:
        """Who a signed address was given to.

        Args:
            fields: of its query.

        Raises:
            SignatureError: the address was not given out by this server, or its time is over.
        """
        expires, holder, signature = (fields.get(name, "") for name in (EXPIRES, HOLDER, SIGNATURE))
        if not (expires.isascii() and expires.isdecimal() and len(expires) <= 12):
            raise SignatureError(_FOREIGN)
        expected = self._signature(path, expires, holder)
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
            raise SignatureError(_FOREIGN)
        if int(expires) < time.time():
            raise SignatureError("The address's time is over: ask for a new one.")
        return holder

    def _signature(self, path: str, expires: str, holder: str) -> str:
        return hmac.new(self._key(), json.dumps([path, expires, holder]).encode(), hashlib.sha256).hexdigest()
