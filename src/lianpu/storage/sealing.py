"""AES-256-GCM over long content in segments: each is encrypted and read by itself, so that little is plain at once."""

from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lianpu.storage.erasure import erase

SEGMENT_BYTES = 1 << 20
TAG_BYTES = 16


class SealBrokenError(Exception):
    """Another key, or content that was changed."""


def seal(segments: Iterable[bytearray], key: bytes, about: bytes) -> list[bytearray]:
    """Encrypt the segments, and overwrite each as soon as that is done.

    The nonce is the segment's number and whether it is the last one, as in the STREAM construction (Hoang et al.,
    "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015): none can be left out, moved or cut.

    Args:
        segments: each of `SEGMENT_BYTES` but the last, which may be shorter and empty if it is the only one.
        key: 32 bytes that never sealed anything before.
        about: bound to it, and has to be given again to open it.
    """
    cipher = AESGCM(key)
    sealed: list[bytearray] = []
    waiting: bytearray | None = None
    for segment in segments:
        if waiting is not None:
            sealed.append(_sealed(cipher, waiting, len(sealed), is_last=False, about=about))
        waiting = segment
    sealed.append(_sealed(cipher, waiting or bytearray(), len(sealed), is_last=True, about=about))
    return sealed


class Opener:
    """Opens what `seal` gave, one segment at a time."""

    def __init__(self, sealed: Sequence[bytes | bytearray | memoryview], key: bytes, about: bytes) -> None:
        self._sealed = sealed
        self._cipher = AESGCM(key)
        self._about = about

    def __len__(self) -> int:
        return len(self._sealed)

    @property
    def size_bytes(self) -> int:
        """Of the plain content."""
        return sum(len(segment) - TAG_BYTES for segment in self._sealed)

    def open_into(self, number: int, room: bytearray) -> int:
        """Decrypt a segment into the beginning of `room`, which has at least `SEGMENT_BYTES`. Returns: its length.

        Raises:
            SealBrokenError: another key, or it was changed.
        """
        segment = self._sealed[number]
        size = len(segment) - TAG_BYTES
        nonce = _nonce(number, is_last=number == len(self._sealed) - 1)
        try:
            self._cipher.decrypt_into(nonce, segment, self._about, memoryview(room)[:size])
        except InvalidTag as error:
            raise SealBrokenError from error
        return size


def split(joined: bytes) -> list[memoryview]:
    """Sealed segments that were joined."""
    step = SEGMENT_BYTES + TAG_BYTES
    view = memoryview(joined)
    return [view[start : start + step] for start in range(0, len(view), step)]


def _sealed(cipher: AESGCM, segment: bytearray, number: int, *, is_last: bool, about: bytes) -> bytearray:
    room = bytearray(len(segment) + TAG_BYTES)
    cipher.encrypt_into(_nonce(number, is_last=is_last), segment, about, room)
    erase(segment)
    return room


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
