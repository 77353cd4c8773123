"""A gallery that others filled starts, lists, finds and forgets, whether it has hundreds of persons or 100,000."""

from pathlib import Path

import pytest

from benchmarks.synthetic_gallery import CHUNK_PERSONS, DEPARTMENTS, SyntheticGallery
from lianpu.database.session import Database
from lianpu.packs.metric import Metric
from tests.api.calls import enrol, search
from tests.api.conftest import OpenClient

pytestmark = pytest.mark.anyio
KEY = ("kit", "1")


async def made(home: Path, persons: int) -> SyntheticGallery:
    gallery = SyntheticGallery(*KEY, dimension=128, persons=persons)
    database = Database(f"sqlite+aiosqlite:///{home / 'lianpu.db'}")
    await database.migrate()
    await gallery.fill(database)
    await database.close()
    return gallery


@pytest.mark.parametrize("persons", [400, pytest.param(100_000, marks=pytest.mark.slow)])
async def test_R_LIB_3_large_gallery_starts_and_answers(
    persons: int, home: Path, open_kit_client: OpenClient, portraits: list[bytes]
) -> None:
    gallery = await made(home, persons)
    async with open_kit_client() as client:
        assert (await client.get("/health")).json()["status"] == "ok"
        status = (await client.get("/api/status")).json()
        assert status["gallery"] == {"persons": persons, "images": 2 * persons, "embeddings": 2 * persons}
        assert status["indexes"] == {"kit@1": 2 * persons}

        # Vectors made first and last lead to their persons.
        index = await client.platform.gallery.indexes.index_of(KEY, 128, Metric.COSINE)  # type: ignore[attr-defined]
        for start in {0, (persons - 1) // CHUNK_PERSONS * CHUNK_PERSONS}:
            vectors = gallery.vectors(start, min(persons, start + CHUNK_PERSONS))[:200, 1]
            hits = index.search(vectors, 2)
            assert [of_face[0].person_id for of_face in hits] == [gallery.person_id(start + at) for at in range(200)]
            assert all(of_face[0].raw_value == pytest.approx(1, abs=1e-5) for of_face in hits)

        # Newest first, whole pages, each person once.
        cursor, ids = {}, list[str]()
        for _ in range(3):
            page = (await client.get("/api/v1/faces", params={"limit": 130, **cursor})).json()
            ids += [person["person_id"] for person in page["persons"]]
            cursor = {"cursor": page["next_cursor"]}
        assert ids == [gallery.person_id(persons - 1 - at) for at in range(390)]
        assert page["persons"][-1]["packs"] == [{"name": "kit", "version": "1", "embedding_count": 2}]

        number = persons // 2 + 1
        for parameters in (
            {"name": f" {number}"},
            {"name": gallery.person_name(number).lower()},
            {"metadata.badge": f"B{number}", "metadata.department": f"D{number % DEPARTMENTS}"},
        ):
            found = (await client.get("/api/v1/faces", params={**parameters, "pack": "kit"})).json()["persons"]
            assert gallery.person_id(number) in [person["person_id"] for person in found], parameters

        assert (await client.delete(f"/api/v1/faces/{gallery.person_id(number)}")).status_code == 200
        assert (await client.get(f"/api/v1/faces/{gallery.person_id(number)}")).status_code == 404
        assert len(index) == 2 * persons - 2
        enrolled = (await enrol(client, portraits[0], name="Ada")).json()
        best = (await search(client, portraits[0])).json()["faces"][0]["best_match"]
        assert best["person_id"] == enrolled["person"]["person_id"]


async def test_R_LIB_1_vector_of_the_wrong_length_names_its_row(home: Path, open_kit_client: OpenClient) -> None:
    await made(home, 3)
    database = Database(f"sqlite+aiosqlite:///{home / 'lianpu.db'}")
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE face_embeddings SET vector = x'00000000' WHERE rowid = 4")
    await database.close()
    with pytest.raises(ValueError, match=r"embedding 00000001-\S+ has 4 bytes instead of 512"):
        async with open_kit_client():
            pass
