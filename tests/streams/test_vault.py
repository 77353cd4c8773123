"""Sources at rest: nobody reads them from the database, and none is moved to another stream."""

import pytest

from lianpu.errors import SourceUnreadableError
from lianpu.streams.vault import SourceVault

SOURCE = "rtsp://admin:geheim@camera.example/1"
VAULT = SourceVault(lambda: b"k" * 32)


def test_R_STR_2_a_source_comes_back_and_cannot_be_read_in_between() -> None:
    sealed = VAULT.sealed(SOURCE, "s1")
    assert b"geheim" not in sealed
    assert sealed != VAULT.sealed(SOURCE, "s1")
    assert VAULT.opened(sealed, "s1") == SOURCE


@pytest.mark.parametrize("damage", [lambda s: s[:-1], lambda s: b"", lambda s: s[:20] + bytes([s[20] ^ 1]) + s[21:]])
def test_R_STR_2_what_was_changed_or_moved_is_refused(damage: object) -> None:
    sealed = VAULT.sealed(SOURCE, "s1")
    with pytest.raises(SourceUnreadableError):
        VAULT.opened(damage(sealed), "s1")  # type: ignore[operator]
    with pytest.raises(SourceUnreadableError):
        VAULT.opened(sealed, "s2")
    with pytest.raises(SourceUnreadableError):
        SourceVault(lambda: b"x" * 32).opened(sealed, "s1")
