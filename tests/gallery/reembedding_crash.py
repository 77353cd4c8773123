"""Run by a test as a process of its own: re-embeds a gallery with made-up packs until it is done or somebody kills it.

`python reembedding_crash.py HOME enrol COUNT` fills the gallery; `… HOME reembed 0` works through one job.
"""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from lianpu.bootstrap import Platform, open_platform
from lianpu.gallery.enrolment import ImageOptions, PersonFields
from lianpu.gallery.packs.reembedding import REEMBED, Reembedding
from lianpu.settings import load_settings
from tests import fake_packs


async def enrol(platform: Platform, count: int) -> None:
    for number in range(count):
        person = PersonFields(person_id=f"p{number % 50}", name=f"Person {number % 50}")
        photo = fake_packs.photo(fake_packs.UNSEEN if number % 20 == 0 else number % 50, number // 50)
        await platform.gallery.enrolment.enrol(photo, person, ImageOptions())


async def reembed(platform: Platform) -> None:
    parameters = {"pack": "beta", "pack_version": "1"}
    job = await platform.jobs.submit(REEMBED, parameters, idempotency_key="the one")
    while (record := (await platform.jobs.get(job.id)).job).finished_at is None:
        print(record.done, flush=True)
        await asyncio.sleep(0.003)


async def main(home: Path, what: str, count: int) -> None:
    values = {"home": str(home), "packs.default": "alpha@1", "quality.mode": "off", "conflicts.mode": "off"}
    settings = load_settings({**values, "jobs.max_attempts": 50}, environment={}, folder=home).settings
    async with open_platform(settings) as platform:
        await (enrol(platform, count) if what == "enrol" else reembed(platform))


if __name__ == "__main__":
    patch = pytest.MonkeyPatch()
    fake_packs.install(patch)
    original = Reembedding._embed

    def slowly(*arguments: object) -> object:
        time.sleep(0.002)
        return original(*arguments)  # type: ignore[arg-type]

    patch.setattr(Reembedding, "_embed", slowly)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
