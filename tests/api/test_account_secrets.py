"""What must never be read: no password, token or key in any log line, error, audit entry or table."""

import json
import logging
import sqlite3
from pathlib import Path

import pytest

from lianpu.observability.logging import configure_logging
from lianpu.settings import load_settings
from tests.api.conftest import OpenClient
from tests.api.logins import PASSWORD, TOKEN, anonymous, bearer, create_user

pytestmark = pytest.mark.anyio
WRONG = "wrong-password-that-was-typed"
NEW = "another good password"


async def test_R_ACC_1_secrets_are_nowhere_to_be_read(
    open_client: OpenClient, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Everything that an account does, with the log at its most talkative."""
    settings = load_settings({"home": str(home), "logging.level": "debug"}, environment={}, folder=home).settings
    secrets = [PASSWORD, WRONG, NEW]
    answers: list[str] = []
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    for handler in before:
        root.removeHandler(handler)
    try:
        configure_logging(settings.logging, settings.home)
        async with open_client(accounts__registration="open") as client, anonymous(client) as nobody:
            setup_token = await client.platform.accounts.setup.new_token()  # type: ignore[attr-defined]
            secrets.append(setup_token)
            body = {"setup_token": setup_token, "name": "Ada", "password": PASSWORD}
            answers += [(await nobody.post("/api/v1/users/setup", json=body)).text for _ in range(2)]
            await create_user(client, "bob", "operator")
            form = {"grant_type": "password", "username": "bob", "password": PASSWORD}
            tokens = (await nobody.post(TOKEN, data=form)).json()
            secrets += [tokens["access_token"], tokens["refresh_token"]]
            headers = bearer(tokens["access_token"])
            for _ in range(7):
                answers.append((await nobody.post(TOKEN, data={**form, "password": WRONG})).text)
                answers.append((await nobody.post(TOKEN, data={**form, "username": WRONG})).text)
            refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
            for _ in range(3):
                again = (await nobody.post(TOKEN, data=refresh)).json()
                secrets += [again["access_token"], again["refresh_token"]]
                refresh["refresh_token"] = again["refresh_token"]
            made = await nobody.post("/api/v1/keys", json={"name": "x", "scopes": ["images"]}, headers=headers)
            secrets.append(made.json()["secret"])
            answers.append((await nobody.get("/api/v1/keys", headers=headers)).text)
            answers.append((await nobody.get("/api/v1/faces", headers=bearer(made.json()["secret"]))).text)
            answers.append((await nobody.get("/api/v1/faces", headers=bearer(tokens["access_token"] + "x"))).text)
            for old in (WRONG, PASSWORD):
                change = {"current_password": old, "new_password": NEW}
                answers.append((await nobody.put("/api/v1/users/me/password", json=change, headers=headers)).text)
            bodies = ({"name": "eve", "password": f"{WRONG} eve"}, {"name": "x", "passwort": WRONG}, [WRONG])
            answers += [(await nobody.post("/api/v1/users/", json=wrong)).text for wrong in bodies]
            answers.append((await nobody.post(TOKEN, data={"grant_type": WRONG, "refresh_token": "x" * 600})).text)
            answers.append((await nobody.post(TOKEN, data={**refresh, "refresh_token": tokens["refresh_token"]})).text)
            answers.append((await client.get("/api/v1/audit", params={"limit": 200})).text)
    finally:
        for handler in root.handlers[:]:
            root.removeHandler(handler)
            handler.close()
        for handler in before:
            root.addHandler(handler)
        root.setLevel(level)

    logged = (home / "logs" / "lianpu.log").read_text(encoding="utf-8")
    printed = "".join(capfd.readouterr())
    assert "POST /api/v1/users/token 401" in logged
    assert "POST /api/v1/users/token 401" in printed
    database = sqlite3.connect(home / "lianpu.db")
    stored = "\n".join(database.iterdump())
    database.close()
    assert "argon2id" in stored
    assert any(json.loads(answer).get("code") == "locked_out" for answer in answers if answer)
    for place, text in {"log": logged, "stderr": printed, "answers": "\n".join(answers), "database": stored}.items():
        assert [secret for secret in secrets if secret in text] == [], place
