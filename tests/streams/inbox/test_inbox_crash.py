"""R-LIB 13: whenever the server dies, after its next start every face has its file and every file its face."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lianpu.bootstrap import Platform, open_platform
from lianpu.errors import PersonNotFoundError
from lianpu.storage.local import LocalStorage
from lianpu.streams.inbox.inbox import FOLDER
from lianpu.streams.inbox.review import UnknownRecord
from tests.streams.inbox import inbox_crash
from tests.streams.inbox.inbox_crash import DIED, settings_of
from tests.streams.inbox.sightings import track_of, views

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def filled(home: Path, photo: bytes) -> None:
    """Three sightings of one person."""
    async with open_platform(settings_of(home)) as platform:
        analyzer = await platform.gallery.recognition.analyzer(None)
        sightings = [track_of(analyzer, pixels) for pixels in views(photo)]
        await platform.unknowns.inbox.keep("stream", analyzer, sightings)
    (home / "photo.jpg").write_bytes(photo)


async def in_order(platform: Platform, home: Path) -> list[UnknownRecord]:
    """Once the inbox has been put in order, as it is at every start."""
    await platform.unknowns.inbox.clear()
    records, _, _ = await platform.unknowns.review.page(None, None, 100)
    rows = sorted(face.stored_path for record in records for face in record.faces)
    assert rows == files(home, FOLDER)
    return records


def files(home: Path, folder: str) -> list[str]:
    return sorted(file.name for file in LocalStorage(home).files(folder))


@pytest.mark.parametrize(
    ("point", "faces", "images"),
    [
        ("a file is written and its row is not", 3, None),
        ("rows are gone and their files are not", 0, None),
        ("an image is written and not enrolled yet", 3, None),
        ("an image is enrolled and its crop is not deleted yet", 2, 1),
    ],
)
async def test_R_LIB_13_rows_and_files_agree_after_a_death(
    home: Path, portraits: list[bytes], point: str, faces: int, images: int | None
) -> None:
    await filled(home, portraits[0])
    assert len(files(home, FOLDER)) == 3
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIANPU_")}
    path = os.pathsep.join((str(Path(inbox_crash.__file__).parents[3]), *sys.path))
    dead = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, inbox_crash.__file__, str(home), point],
        env={**kept, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert dead.returncode == DIED, dead.stderr
    async with open_platform(settings_of(home)) as platform:
        records = await in_order(platform, home)
        assert sum(len(record.faces) for record in records) == faces
        if images is None:
            with pytest.raises(PersonNotFoundError):
                await platform.gallery.persons.get("ann")
            assert files(home, "gallery") == []
        else:
            assert len(await platform.gallery.persons.images("ann")) == images
            assert len(files(home, "gallery")) == 2 * images  # each with its thumbnail


async def test_R_LIB_13_the_inbox_is_put_in_order_at_the_start_by_itself(home: Path, portraits: list[bytes]) -> None:
    await filled(home, portraits[0])
    left = home / FOLDER / "00" / "left.jpg"
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"a face")
    async with open_platform(settings_of(home)), asyncio.timeout(20):
        while left.exists():
            await asyncio.sleep(0.01)
    assert len(files(home, FOLDER)) == 3
