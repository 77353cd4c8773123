"""Enrol a person with a photo, then ask who is on another one.

python enrol_and_search.py http://127.0.0.1:8000 API_KEY 张三 zhang-san.jpg party.jpg
"""

import sys

from lianpu.client import ConflictError, Lianpu


def main(url: str, api_key: str, name: str, portrait: str, party: str) -> None:
    with Lianpu(url, api_key=api_key) as lianpu:
        try:
            enrolled = lianpu.persons.enrol(portrait, name=name, person_id=name)
            print(f"{enrolled.person.name} has {enrolled.person.image_count} image(s)")
            for warning in enrolled.warnings:
                print(f"  {warning.message}")
        except ConflictError as error:
            print(error.detail)
        for face in lianpu.search(party).faces:
            best = face.best_match
            print("unknown" if best is None else f"{best.name}, score {best.score:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
