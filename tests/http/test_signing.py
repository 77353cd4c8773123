"""Signed addresses: good for a while, for one path and one holder, and for nobody who makes his own."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.errors import SignatureError
from lianpu.http.signing import AddressSigner

SIGNER = AddressSigner(lambda: b"k" * 32)


def parts(address: str) -> tuple[str, dict[str, str]]:
    return urlsplit(address).path, dict(parse_qsl(urlsplit(address).query))


def test_R_STR_1_a_signed_address_is_good_for_its_path_and_its_holder_alone() -> None:
    path, fields = parts(SIGNER.signed("/feed/a", 60, "user:安"))
    assert SIGNER.holder_of(path, fields) == "user:安"
    later = str(int(fields["expires"]) + 1)
    changes = [{"expires": later}, {"expires": "0" + fields["expires"]}, {"holder": "user:other"}, {"signature": ""}]
    for wrong in ([("/feed/b", fields)], [(path, {**fields, **change}) for change in changes], [(path, {})]):
        for one in wrong:
            with pytest.raises(SignatureError, match="not one"):
                SIGNER.holder_of(*one)
    with pytest.raises(SignatureError):
        AddressSigner(lambda: b"x" * 32).holder_of(path, fields)


def test_R_STR_1_a_signed_address_has_its_time() -> None:
    with pytest.raises(SignatureError, match="over"):
        SIGNER.holder_of(*parts(SIGNER.signed("/feed/a", -1, "user:1")))


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=80))
def test_R_STR_1_any_other_text_is_refused(expires: str, holder: str, signature: str) -> None:
    with pytest.raises(SignatureError):
        SIGNER.holder_of("/feed/a", {"expires": expires, "holder": holder, "signature": signature})
