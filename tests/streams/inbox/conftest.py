"""An inbox over a database and a home of its own, and tracks of real people to keep in it."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer, load_analyzer
from lianpu.engines.image import decode_image
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.index_engine import ExactEngine
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.thresholds import GalleryThresholds
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.storage.local import LocalStorage
from lianpu.streams.inbox.inbox import InboxRules, UnknownInbox
from lianpu.streams.pipeline import Person
from tests.api.conftest import api_database, open_client, settings_for  # noqa: F401
from tests.streams.inbox.sightings import track_of, tracks_of, views

RULES = InboxRules(enabled=True, retention=timedelta(days=14), min_quality=0.2, max_faces=1000, faces_per_unknown=10)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def dlib(translated_packs: Path) -> FaceAnalyzer:
    sessions = OnnxSessionFactory()
    return load_analyzer(PackRegistry(translated_packs / "none", translated_packs, sessions).get("dlib"), sessions)


@pytest.fixture(scope="session")
def people(dlib: FaceAnalyzer, portraits: list[bytes], astronaut_photo: bytes) -> list[list[Person]]:
    """Four persons, three sightings each: tracks that ended without a name."""
    return [[track_of(dlib, pixels) for pixels in views(photo)] for photo in (*portraits[:3], astronaut_photo)]


@pytest.fixture(scope="session")
def group(dlib: FaceAnalyzer, t1_photo: bytes) -> list[Person]:
    """Six persons, seen at once."""
    return tracks_of(dlib, decode_image(t1_photo).pixels, looks=3)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def files(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")


MakeInbox = Callable[..., UnknownInbox]


@pytest.fixture
def make_inbox(database: Database, files: LocalStorage) -> MakeInbox:
    """As the server is started with these rules; over the same database and files each time."""

    def make(rules: InboxRules = RULES) -> UnknownInbox:
        return UnknownInbox(
            database,
            files,
            GalleryThresholds(database, GalleryChanges(database, files, GalleryIndexes(database, ExactEngine()))),
            rules,
        )

    return make


@pytest.fixture
def inbox(make_inbox: MakeInbox) -> UnknownInbox:
    return make_inbox()
