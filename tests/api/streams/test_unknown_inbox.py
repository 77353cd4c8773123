"""R-LIB 13 from a stream to a name: seen, kept, named in one step, and recognised the next time."""

from pathlib import Path

import pytest

from lianpu.engines.image import decode_image
from tests.api.streams.conftest import OpenStreams, square
from tests.api.streams.server import StreamServer
from tests.streams.clips import photo_clip

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60), pytest.mark.slow]
UNKNOWNS = "/api/v1/stream/unknowns"


@pytest.fixture
def short_clip(clips: Path, astronaut_photo: bytes) -> str:
    """Just long enough for a face to be found unknown."""
    (clips / "short.mp4").write_bytes(photo_clip([square(astronaut_photo)], 30))
    return "short.mp4"


async def seen(server: StreamServer, clip: str) -> list[tuple[str, str | None]]:
    """Kinds of events of a clip and whom they are about, oldest first."""
    stream = await server.start(clip, detect_every=2)
    await server.until(stream, lambda one: one["end_reason"] is not None)
    return [(event["kind"], event["person_id"]) for event in await server.events(stream)]


async def test_R_LIB_13_who_was_unknown_is_named_from_the_inbox_and_recognised_from_then_on(
    open_streams: OpenStreams, short_clip: str
) -> None:
    async with open_streams(streams__inbox__enabled=True, streams__inbox__min_quality=0.2) as server:
        assert await seen(server, short_clip) == [("unknown_appeared", None), ("unknown_left", None)]
        [unknown] = (await server.client.get(UNKNOWNS)).json()["unknowns"]
        assert (unknown["sightings"], unknown["faces"], len(unknown["streams"])) == (1, 1, 1)
        crop = decode_image((await server.client.get(unknown["crop_url"])).content)
        assert 150 < crop.width <= 256  # with room around the face, as large as it was

        new = {"person_id": "eileen", "name": "Eileen"}
        named = await server.client.post(f"{UNKNOWNS}/{unknown['unknown_id']}/name", json={"new_person": new})
        assert [face["status"] for face in named.json()["faces"]] == ["enrolled"]

        assert await seen(server, short_clip) == [("person_appeared", "eileen"), ("person_left", "eileen")]
        assert (await server.client.get(UNKNOWNS)).json()["total"] == 0


async def test_R_LIB_13_without_the_setting_nothing_is_kept_of_anybody(server: StreamServer, short_clip: str) -> None:
    assert await seen(server, short_clip) == [("unknown_appeared", None), ("unknown_left", None)]
    answer = (await server.client.get(UNKNOWNS)).json()
    assert (answer["enabled"], answer["total"]) == (False, 0)
    assert not (server.platform.settings.home / "streams" / "unknowns").exists()
