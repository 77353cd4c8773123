"""Credentials as they travel: what is signed cannot be changed, and what is stored gives nothing away."""

import base64
import json
import stat
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.accounts.secret import AccountSecret
from lianpu.accounts.tokens import (
    AccessTokens,
    RefreshToken,
    RefreshTokens,
    TokenKind,
    new_api_key,
    new_setup_token,
    prefix_of,
)
from lianpu.errors import TokenError, TokenExpiredError

SECRET = AccountSecret(Path("unused"), "a secret of the settings")
TOKENS = AccessTokens(SECRET, lifetime=timedelta(minutes=15))
REFRESH = RefreshTokens(SECRET)


def test_R_ACC_1_access_token_says_who_and_until_when() -> None:
    token = TOKENS.read(TOKENS.issue("user", "session"))
    assert (token.kind, token.subject, token.session_id) == (TokenKind.ACCESS, "user", "session")


def test_R_ACC_1_access_token_of_another_secret_or_without_one_is_refused() -> None:
    other = AccessTokens(AccountSecret(Path("unused"), "another secret"), lifetime=timedelta(minutes=15))
    genuine = TOKENS.issue("user", "session")
    claims = jwt.decode(genuine, options={"verify_signature": False})
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    unsigned = f"{header}.{genuine.split('.')[1]}."
    for forged in (
        other.issue("user", "session"),
        unsigned,
        jwt.encode(claims, None, "none"),
        jwt.encode({**claims, "iss": "somebody"}, SECRET.token_key, "HS256"),
        jwt.encode({**claims, "typ": "refresh"}, SECRET.token_key, "HS256"),
        jwt.encode({key: claims[key] for key in claims if key != "exp"}, SECRET.token_key, "HS256"),
        genuine[:-2],
        "..",
        "\ud800.\ud800.\ud800",
    ):
        with pytest.raises(TokenError) as refused:
            TOKENS.read(forged)
        assert not isinstance(refused.value, TokenExpiredError)


def test_R_ACC_1_expired_access_token_says_so() -> None:
    with pytest.raises(TokenExpiredError):
        TOKENS.read(AccessTokens(SECRET, lifetime=timedelta(seconds=-1)).issue("user", "session"))


@given(st.text(max_size=40), st.integers(min_value=0, max_value=10**9))
def test_R_ACC_1_refresh_token_says_its_session_and_generation(session_id: str, generation: int) -> None:
    token = RefreshToken(session_id, generation)
    assert REFRESH.read(REFRESH.issue(token)) == token


@given(st.text(max_size=120))
def test_R_ACC_1_any_text_is_no_refresh_token(text: str) -> None:
    with pytest.raises(TokenError):
        REFRESH.read(text)


@given(st.data())
def test_R_ACC_1_changed_refresh_token_is_refused(data: st.DataObject) -> None:
    genuine = REFRESH.issue(RefreshToken("018f6d3a-6c1e-7c3b-9d0e-2f4b8a1c5e77", 7))
    place = data.draw(st.integers(min_value=0, max_value=len(genuine) - 1))
    char = data.draw(st.characters(codec="utf-8").filter(lambda char: char != genuine[place]))
    changed = genuine[:place] + char + genuine[place + 1 :]
    with pytest.raises(TokenError):
        REFRESH.read(changed)
    with pytest.raises(TokenError):
        REFRESH.read(TOKENS.issue("user", "session"))


def test_R_ACC_1_api_keys_are_long_random_and_found_by_their_prefix() -> None:
    made = [new_api_key() for _ in range(100)]
    assert len({key.key for key in made} | {key.prefix for key in made}) == 200
    assert all(prefix_of(key.key) == key.prefix for key in made)
    assert len({new_setup_token() for _ in range(100)}) == 100
    for text in ("", "lianpu_", "lianpu_x_y", made[0].key[:-1], made[0].key + "x", made[0].key.upper()):
        assert prefix_of(text) is None


def test_R_ACC_3_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "accounts.secret"
    first = AccountSecret(path)
    digest = first.digest("a key")
    assert AccountSecret(path).digest("a key") == digest
    assert AccountSecret(tmp_path / "other").digest("a key") != digest
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len({first.token_key, first.refresh_key, first.audit_key}) == 3
