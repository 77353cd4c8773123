"""R-LIB 13: what the inbox keeps of unknown tracks, whom it takes for one person, and for how long."""

import asyncio
import logging
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.image import decode_image
from lianpu.errors import StorageError
from lianpu.settings import default_settings
from lianpu.storage.local import LocalStorage
from lianpu.streams.inbox.inbox import FOLDER, UnknownInbox
from lianpu.streams.inbox.models import UnknownFace, UnknownPerson
from lianpu.streams.inbox.repository import InboxRepository
from lianpu.streams.pipeline import Person
from lianpu.streams.voting import Recognised, Voting
from tests.streams.inbox.conftest import RULES, MakeInbox

pytestmark = pytest.mark.anyio
STREAM = "018f6d3a-6c1e-7c3b-9d0e-2f4b8a1c5e77"


async def kept(database: Database) -> dict[str, list[UnknownFace]]:
    """The faces of each unknown person, the best first."""
    async with database.session() as session:
        repository = InboxRepository(session)
        unknowns = await repository.unknowns(None, None, 1000)
        return await repository.faces_of([unknown.id for unknown in unknowns])


async def unknowns(database: Database) -> dict[str, UnknownPerson]:
    async with database.session() as session:
        return {unknown.id: unknown for unknown in await InboxRepository(session).unknowns(None, None, 1000)}


def stored(files: LocalStorage) -> list[str]:
    return sorted(file.name for file in files.files(FOLDER))


async def agrees(database: Database, files: LocalStorage) -> bool:
    """Every row has its file, and every file its row."""
    rows = [face.stored_path for faces in (await kept(database)).values() for face in faces]
    return sorted(rows) == stored(files)


async def age(database: Database, face_ids: list[str], days: float) -> None:
    async with database.session() as session:
        for face in await InboxRepository(session).faces(face_ids):
            face.seen_at -= timedelta(days=days)
        await session.commit()


async def test_R_LIB_13_sightings_of_four_people_become_four_unknown_persons(
    inbox: UnknownInbox, database: Database, files: LocalStorage, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    for sightings in zip(*people, strict=True):
        await inbox.keep(STREAM, dlib, sightings)
    found = await kept(database)
    embeddings = {person.embedding.tobytes(): place for place, seen in enumerate(people) for person in seen}  # type: ignore[union-attr]
    together = [{embeddings[face.vector.tobytes()] for face in faces} for faces in found.values()]
    assert sorted(together, key=min) == [{0}, {1}, {2}, {3}]
    assert all(row.sightings == 3 for row in (await unknowns(database)).values())
    assert await agrees(database, files)
    # The best one comes first, and is a picture of a face.
    for faces in found.values():
        assert [face.quality for face in faces] == sorted((face.quality for face in faces), reverse=True)
        assert {(face.stream_id, face.dimension) for face in faces} == {(STREAM, dlib.dimension)}
        assert len(dlib.detect(decode_image(await inbox.read(faces[0].stored_path)).pixels)) == 1


async def test_R_LIB_13_six_people_seen_at_once_are_six(
    inbox: UnknownInbox, database: Database, dlib: FaceAnalyzer, group: list[Person]
) -> None:
    await inbox.keep(STREAM, dlib, group)
    assert sorted(len(faces) for faces in (await kept(database)).values()) == [1] * 6


async def test_R_LIB_13_off_by_default_and_then_nothing_is_kept(
    make_inbox: MakeInbox, database: Database, files: LocalStorage, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    assert default_settings(files.root).streams.inbox.enabled is False
    inbox = make_inbox(replace(RULES, enabled=False))
    await inbox.keep(STREAM, dlib, people[0])
    assert (await kept(database), stored(files)) == ({}, [])
    embedding = people[0][0].embedding
    assert embedding is not None
    assert inbox.cluster_of(dlib, embedding) is None


async def test_R_LIB_13_named_doubtful_and_poor_tracks_are_not_kept(
    make_inbox: MakeInbox, database: Database, files: LocalStorage, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    seen = people[0][0]
    named, doubtful = replace(seen, voting=Voting()), replace(seen, voting=Voting())
    named.voting.vote(Recognised("ann", 0.95, 0.3, 0.9))
    doubtful.voting.vote(Recognised(None, 0.4, -0.3, 0.9))
    inbox = make_inbox(replace(RULES, min_quality=seen.quality))
    await inbox.keep(STREAM, dlib, [named, doubtful, replace(seen, quality=seen.quality - 0.001)])
    await inbox.keep(STREAM, dlib, [replace(seen, embedding=None), replace(seen, portrait=None)])
    assert (await kept(database), stored(files)) == ({}, [])
    await inbox.keep(STREAM, dlib, [seen])
    assert len(stored(files)) == 1


async def test_R_LIB_13_the_best_faces_of_a_person_are_kept_and_all_sightings_counted(
    make_inbox: MakeInbox, database: Database, files: LocalStorage, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    inbox = make_inbox(replace(RULES, faces_per_unknown=2))
    qualities = [0.5, 0.9, 0.3, 0.7, 0.6]
    await inbox.keep(STREAM, dlib, [replace(people[0][0], quality=quality) for quality in qualities])
    [faces] = (await kept(database)).values()
    assert [face.quality for face in faces] == [0.9, 0.7]
    [unknown] = (await unknowns(database)).values()
    assert unknown.sightings == 5
    assert await agrees(database, files)


async def test_R_LIB_13_when_the_inbox_is_full_the_oldest_faces_make_room(
    make_inbox: MakeInbox, database: Database, files: LocalStorage, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    inbox = make_inbox(replace(RULES, max_faces=4))
    for person in people[0][:2] + people[1][:2] + people[2][:1] + people[3][:2]:
        await inbox.keep(STREAM, dlib, [person])
    found = await kept(database)
    assert sorted(len(faces) for faces in found.values()) == [1, 1, 2]
    assert await agrees(database, files)
    # Who is not kept any more is nobody that is known, and is somebody new when he comes again.
    embedding = people[0][0].embedding
    assert embedding is not None
    assert inbox.cluster_of(dlib, embedding) is None
    await inbox.keep(STREAM, dlib, people[0][:1])
    assert len((await kept(database)).keys() - found.keys()) == 1


async def test_R_LIB_13_faces_go_when_their_retention_is_over_and_a_person_with_the_last_one(
    inbox: UnknownInbox, database: Database, files: LocalStorage, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    await inbox.keep(STREAM, dlib, people[0] + people[1][:1])
    found = await kept(database)
    [three, one] = sorted(found, key=lambda unknown_id: -len(found[unknown_id]))
    old = [found[three][0].id, found[one][0].id]
    await age(database, old, RULES.retention.days - 0.01)
    await inbox.clear()
    assert len(stored(files)) == 4
    await age(database, old, 0.02)
    await inbox.clear()
    left = await kept(database)
    assert [face.id for face in left[three]] == [face.id for face in found[three][1:]]
    assert one not in left
    assert await agrees(database, files)
    assert len(stored(files)) == 2
    gone = people[1][0].embedding
    assert gone is not None
    assert inbox.cluster_of(dlib, gone) is None


async def test_R_LIB_13_faces_of_different_packs_or_versions_never_meet(
    inbox: UnknownInbox, database: Database, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    newer = replace(dlib, manifest=dlib.manifest.model_copy(update={"version": "2"}))
    await inbox.keep(STREAM, dlib, people[0][:1])
    await inbox.keep(STREAM, newer, people[0][:1])
    await inbox.keep(STREAM, newer, people[0][1:2])
    versions = Counter({row.pack_version: row.sightings for row in (await unknowns(database)).values()})
    assert versions == {dlib.pack_version: 1, "2": 2}
    embedding = people[0][0].embedding
    assert embedding is not None
    near, newer_near = inbox.cluster_of(dlib, embedding), inbox.cluster_of(newer, embedding)
    assert near is not None
    assert newer_near is not None
    assert near.cluster_id != newer_near.cluster_id


def between(one: Person, other: Person, share: float) -> Person:
    """A face on the way from one to the other."""
    assert one.embedding is not None
    assert other.embedding is not None
    return replace(one, embedding=((1 - share) * one.embedding + share * other.embedding).astype(np.float32))


async def test_R_LIB_13_unknown_persons_are_merged_when_they_come_together(
    inbox: UnknownInbox, database: Database, files: LocalStorage, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    """Two who are just not alike enough, and then faces in between that bring them together."""
    one, other = people[0][0], people[1][0]
    # By dlib two faces are the same below 0.55; these two are further apart, and 0.6 of the way is too far as well.
    assert one.embedding is not None
    assert other.embedding is not None
    far = float(np.linalg.norm(one.embedding - other.embedding))
    share = 0.6 / far
    await inbox.keep(STREAM, dlib, [one])
    await inbox.keep(STREAM, dlib, [between(one, other, share)])
    assert len(await kept(database)) == 2
    await inbox.keep(STREAM, dlib, [between(one, other, 0.5 * share)] * 3)
    [faces] = (await kept(database)).values()
    assert len(faces) == 5
    [unknown] = (await unknowns(database)).values()
    assert unknown.sightings == 5
    assert await agrees(database, files)


async def test_R_LIB_13_what_was_kept_is_remembered_over_a_restart(
    make_inbox: MakeInbox, database: Database, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    before = make_inbox()
    await before.keep(STREAM, dlib, [person for seen in people for person in seen[:2]])
    after = make_inbox()
    await after.keep(STREAM, dlib, [])
    for seen in people:
        probe = seen[2].embedding
        assert probe is not None
        near = before.cluster_of(dlib, probe)
        assert near is not None
        assert after.cluster_of(dlib, probe) == pytest.approx(near)
    await after.keep(STREAM, dlib, [seen[2] for seen in people])
    assert sorted(len(faces) for faces in (await kept(database)).values()) == [3, 3, 3, 3]


async def test_R_LIB_13_a_face_that_cannot_be_written_costs_the_stream_nothing_and_leaves_no_row(
    inbox: UnknownInbox,
    database: Database,
    files: LocalStorage,
    dlib: FaceAnalyzer,
    people: list[list[Person]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await inbox.keep(STREAM, dlib, people[0][:1])

    def full(name: str, data: bytes) -> None:
        raise StorageError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write", full)
        await inbox.keep(STREAM, dlib, people[0][1:] + people[1])
    assert "cannot be kept" in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert [len(faces) for faces in (await kept(database)).values()] == [1]
    await inbox.keep(STREAM, dlib, people[0][1:] + people[1])
    assert sorted(len(faces) for faces in (await kept(database)).values()) == [3, 3]
    assert await agrees(database, files)


async def test_R_LIB_13_a_row_that_cannot_be_stored_leaves_no_file_and_is_not_remembered(
    inbox: UnknownInbox,
    database: Database,
    files: LocalStorage,
    dlib: FaceAnalyzer,
    people: list[list[Person]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await inbox.keep(STREAM, dlib, people[0][:1])

    async def locked(*_: object) -> int:
        raise OSError("the database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(InboxRepository, "face_count", locked)
        await inbox.keep(STREAM, dlib, people[1])
    assert len(stored(files)) == 1
    embedding = people[1][0].embedding
    assert embedding is not None
    await inbox.keep(STREAM, dlib, [])
    assert inbox.cluster_of(dlib, embedding) is None
    assert await agrees(database, files)


async def test_R_LIB_13_streams_that_end_at_the_same_time_do_not_disturb_each_other(
    inbox: UnknownInbox, database: Database, files: LocalStorage, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    await asyncio.gather(
        *(inbox.keep(f"stream-{number}", dlib, [seen[number]]) for seen in people for number in range(3)),
        *(inbox.clear() for _ in range(3)),
    )
    found = await kept(database)
    assert sorted(len(faces) for faces in found.values()) == [3, 3, 3, 3]
    assert {face.stream_id for faces in found.values() for face in faces} == {"stream-0", "stream-1", "stream-2"}
    assert await agrees(database, files)


@pytest.mark.parametrize("left", ["a file without a row", "half a file", "a row without a file"])
async def test_R_LIB_13_rows_and_files_agree_again_after_a_restart(
    make_inbox: MakeInbox,
    database: Database,
    files: LocalStorage,
    dlib: FaceAnalyzer,
    people: list[list[Person]],
    left: str,
) -> None:
    await make_inbox().keep(STREAM, dlib, people[0])
    first, *others = stored(files)
    folder: Path = files.root
    # One of the kept faces may lie in that folder already.
    if left == "a file without a row":
        (folder / FOLDER / "00").mkdir(exist_ok=True)
        (folder / FOLDER / "00" / "left.jpg").write_bytes(b"a face")
    elif left == "half a file":
        (folder / FOLDER / "00").mkdir(exist_ok=True)
        (folder / FOLDER / "00" / ".left.jpg.k3x9.part").write_bytes(b"half a fa")
    else:
        files.delete(first)
    restarted = make_inbox()
    await restarted.clear()
    assert stored(files) == (others if left == "a row without a file" else [first, *others])
    assert await agrees(database, files)
    assert now_utc() > max(row.last_seen_at for row in (await unknowns(database)).values())
