"""Enrol many photos in the background and watch how far it is; each folder is a person.

python enrol_folder.py http://127.0.0.1:8000 API_KEY people/
"""

import sys
from pathlib import Path

from lianpu.client import Lianpu


def main(url: str, api_key: str, folder: str) -> None:
    photos = {path.relative_to(folder).as_posix(): path for path in sorted(Path(folder).glob("*/*.jpg"))}
    with Lianpu(url, api_key=api_key) as lianpu:
        job = lianpu.persons.enrol_batch(photos=photos)
        job = lianpu.jobs.wait(
            job.job_id,
            on_progress=lambda state: print(f"{state.progress.done} of {state.progress.total}"),
        )
        print(job.items)
        for item in lianpu.jobs.items(job.job_id, status="failed"):
            print(f"{item.name}: {item.detail['message']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
