"""Users and their logins, as several tests of the API need them."""

from dataclasses import dataclass
from typing import Any

import httpx2

PASSWORD = "correct horse battery staple"
TOKEN = "/api/v1/users/token"


@dataclass(frozen=True)
class Login:
    user_id: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.access_token)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def anonymous(client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """The same server, as somebody without a credential and with cookies of its own."""
    return httpx2.AsyncClient(transport=client._transport, base_url=client.base_url, timeout=120)


async def create_user(client: httpx2.AsyncClient, name: str, role: str = "viewer", **fields: Any) -> str:
    """By the client's own right; the password need not be changed first."""
    body = {"name": name, "password": PASSWORD, "role": role, "must_change_password": False, **fields}
    answer = await client.post("/api/v1/users/", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["user"]["user_id"]


async def log_in(client: httpx2.AsyncClient, name: str, password: str = PASSWORD) -> Login:
    async with anonymous(client) as browser:
        answer = await browser.post(TOKEN, data={"grant_type": "password", "username": name, "password": password})
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        me = await browser.get("/api/v1/users/me", headers=bearer(tokens["access_token"]))
        return Login(me.json()["user"]["user_id"], tokens["access_token"], tokens["refresh_token"])
