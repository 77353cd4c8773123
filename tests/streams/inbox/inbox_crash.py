"""Run by a test as a process of its own, over a home with three faces in its inbox: it dies in the middle of a change.

`python inbox_crash.py HOME POINT`; the exit status is 9 when it came to that point.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lianpu.bootstrap import Platform, open_platform
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.image import decode_image
from lianpu.gallery.enrolment import Enrolment, PersonFields
from lianpu.settings import Settings, load_settings
from lianpu.storage.local import LocalStorage
from lianpu.streams.inbox.inbox import UnknownInbox
from tests.streams.inbox.sightings import track_of

DIED = 9
SETTINGS = {"streams.inbox.enabled": True, "streams.inbox.min_quality": 0.2, "conflicts.mode": "off"}


def settings_of(home: Path) -> Settings:
    return load_settings({"home": str(home), **SETTINGS}, environment={}, folder=home).settings


def die(*_: Any, **__: Any) -> None:
    os._exit(DIED)


async def die_of_files(_: UnknownInbox, stored_paths: Sequence[str]) -> None:
    if stored_paths:  # the inbox is put in order at the start, too
        die()


async def keep(platform: Platform, analyzer: FaceAnalyzer, photo: Path) -> None:
    seen = await asyncio.to_thread(track_of, analyzer, decode_image(photo.read_bytes()).pixels)
    await platform.unknowns.inbox.keep("stream", analyzer, [seen])


async def main(home: Path, point: str) -> None:
    async with open_platform(settings_of(home)) as platform:
        [unknown] = (await platform.unknowns.review.page(None, None, 10))[0]
        match point:
            case "a file is written and its row is not":
                write = LocalStorage.write

                def write_and_die(storage: LocalStorage, name: str, data: bytes) -> None:
                    write(storage, name, data)
                    die()

                LocalStorage.write = write_and_die  # type: ignore[method-assign]
                await keep(platform, await platform.gallery.recognition.analyzer(None), home / "photo.jpg")
            case "rows are gone and their files are not":
                UnknownInbox.delete_files = die_of_files  # type: ignore[method-assign]
                await platform.unknowns.review.purge(unknown.row.id)
            case "an image is written and not enrolled yet":
                Enrolment.add_to = die  # type: ignore[assignment, method-assign]
                await platform.unknowns.naming.name(unknown.row.id, PersonFields("ann", "Ann"), is_new=True)
            case "an image is enrolled and its crop is not deleted yet":
                UnknownInbox.delete_files = die_of_files  # type: ignore[method-assign]
                await platform.unknowns.naming.name(unknown.row.id, PersonFields("ann", "Ann"), is_new=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
