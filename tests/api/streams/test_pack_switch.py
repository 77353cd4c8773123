"""R-LIB 7: a stream that was started without a pack goes along with a switch of the default pack, without a restart."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lianpu.settings import Settings
from lianpu.streams import following as following_module
from tests.api.calls import enrol, reembed
from tests.api.streams.server import Stream, serving_streams

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90), pytest.mark.slow]


async def test_R_LIB_7_a_running_stream_follows_the_switch_of_the_default_pack(
    settings_for: Callable[..., Settings],
    home: Path,
    pair_of_packs: Path,
    clips: Path,
    astronaut_photo: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following_module, "FOLLOWING_S", 0.05)
    shutil.copytree(pair_of_packs, home / "packs")
    settings = settings_for(
        server__api_key="a-key-that-may-do-everything",
        packs__default="foamliu",
        streams__folders=[str(clips)],
        streams__recheck_s=0.2,
        streams__cooldown_s=0,
    )

    def used(pack: str) -> Callable[[Stream], bool]:
        return lambda stream: stream["health"]["pack"] == pack

    async with serving_streams(settings) as server:
        await enrol(server.client, astronaut_photo, name="Eileen", person_id="eileen")
        stream = await server.start("known.mp4", loop=True)
        named = await server.start("known.mp4", loop=True, pack="foamliu")
        await server.until_events(stream, kind="person_appeared")
        before = await server.until(stream, used("foamliu@1"))
        await reembed(server.client, "insightface")
        switched = await server.client.post("/api/v1/models/default", json={"pack": "insightface"})
        assert switched.status_code == 200, switched.text
        after = await server.until(stream, used("insightface@1"))
        assert (after["state"], after["started_at"], after["pack"]) == ("running", before["started_at"], None)
        assert used("foamliu@1")(await server.get(named))
        runner = await server.platform.streams.runner(stream["stream_id"])
        # She is embedded anew by the other pack, recognised, and has not gone anywhere for it.
        await asyncio.sleep(0)
        while not any(person.embedding is not None and person.name == "Eileen" for person in runner.persons):
            await asyncio.sleep(0.02)
        events = await server.events(stream)
        assert [event["kind"] for event in events].count("person_left") == 0
