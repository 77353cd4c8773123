"""R-OPS 2: whoever has logged in at one node of an installation is known at all of them, and logged out of all."""

from pathlib import Path

import pytest

from tests.api.conftest import OpenClient
from tests.api.logins import TOKEN, anonymous, create_user, log_in
from tests.redis_server import NOTHING_KEPT, redis_server

pytestmark = pytest.mark.anyio


@pytest.fixture
def api_database(server_url: str) -> str:
    return server_url


async def test_R_ACC_2_a_login_is_good_and_ends_at_every_node(open_client: OpenClient, tmp_path: Path) -> None:
    with redis_server(tmp_path, *NOTHING_KEPT) as url:
        shared = {"nodes__redis": url, "limits__storage": url}
        async with open_client(**shared) as first, open_client(**shared) as second:
            user_id = await create_user(first, "ada")
            login = await log_in(second, "ada")
            async with anonymous(first) as one, anonymous(second) as other:
                assert (await one.get("/api/v1/users/me", headers=login.headers)).json()["user"]["user_id"] == user_id
                refreshing = {"grant_type": "refresh_token", "refresh_token": login.refresh_token}
                fresh = (await one.post(TOKEN, data=refreshing)).json()
                bearer = {"Authorization": f"Bearer {fresh['access_token']}"}
                assert (await other.get("/api/v1/users/me", headers=bearer)).status_code == 200
                assert (await first.delete(f"/api/v1/users/{user_id}")).status_code in {200, 204}
                assert (await other.get("/api/v1/users/me", headers=bearer)).status_code == 401
                refreshing["refresh_token"] = fresh["refresh_token"]
                assert (await other.post(TOKEN, data=refreshing)).status_code in {400, 401}


async def test_R_ACC_4_calls_are_counted_over_all_nodes(open_client: OpenClient, tmp_path: Path) -> None:
    with redis_server(tmp_path, *NOTHING_KEPT) as url:
        shared = {"nodes__redis": url, "limits__storage": url, "limits__per_user": "3/minute"}
        async with open_client(**shared) as first, open_client(**shared) as second:
            codes = [(await client.get("/api/v1/faces")).status_code for client in (first, second) * 2]
    assert codes == [200, 200, 200, 429]
