"""R-OPS 5: the gallery with its images in a bucket."""

from pathlib import Path

import pytest

from lianpu.bootstrap import open_platform
from lianpu.errors import PersonNotFoundError, StorageUnavailableError
from lianpu.gallery.enrolment import ImageOptions, PersonFields
from lianpu.settings import load_settings
from lianpu.storage import s3
from tests import fake_packs
from tests.fake_packs import photo
from tests.redis_server import unused_port
from tests.s3_server import s3_server

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_R_OPS_5_images_lie_in_the_bucket_and_a_service_that_is_away_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_packs.install(monkeypatch)
    monkeypatch.setattr(s3, "RETRIES", 0)
    port = unused_port()
    values = {
        "home": str(tmp_path),
        "packs.default": "alpha@1",
        "quality.mode": "off",
        "storage.kind": "s3",
        "storage.bucket": "faces",
        "storage.prefix": "lianpu",
        "storage.endpoint": f"http://127.0.0.1:{port}",
        "storage.access_key_id": "key",
        "storage.secret_access_key": "secret",
    }
    settings = load_settings(values, environment={}, folder=tmp_path).settings
    # It starts, although nobody answers there yet.
    async with open_platform(settings) as platform:
        gallery, storage = platform.gallery, platform.gallery.persons._storage
        with pytest.raises(StorageUnavailableError):
            await gallery.enrolment.enrol(photo(1), PersonFields("one", "One"), ImageOptions())
        with pytest.raises(PersonNotFoundError):
            await gallery.persons.get("one")
        with s3_server(port=port):
            for person in (1, 2):
                await gallery.enrolment.enrol(photo(person), PersonFields(f"p{person}", "N"), ImageOptions())
            image = await gallery.persons.primary_image("p1")
            assert gallery.persons.read(image.stored_path) == photo(1)
            stored = {file.name for file in storage.files("gallery")}
            assert {image.stored_path, image.thumbnail_path} < stored
            assert len(stored) == 4
            receipt = await gallery.persons.delete("p1")
            assert (receipt.files, receipt.verified) == (2, True)
            assert len(list(storage.files("gallery"))) == 2
            assert list(storage.files("unfinished")) == []
        with pytest.raises(StorageUnavailableError):
            gallery.persons.read(image.stored_path)
    assert not (tmp_path / "gallery").exists()
