"""R-OPS 5: CompreFace's own Python SDK, as it is published, against a real server that speaks its API."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lianpu.cli.compreface_source import CompreFaceSource, portions
from lianpu.engines.image import decode_image
from lianpu.settings import load_settings
from tests.api.conftest import API_KEY
from tests.api.streams.server import serving_streams

pytestmark = [
    pytest.mark.slow,
    pytest.mark.anyio,
    # The SDK leaves the files open that it sends.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]
compreface_sdk = pytest.importorskip("compreface", reason="the development package compreface-sdk is not installed")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_R_OPS_5_the_official_client_keeps_a_collection_recognises_verifies_and_detects(
    home: Path, tmp_path: Path, portraits: Sequence[bytes], t1_photo: bytes
) -> None:
    values = {"home": str(home), "server.api_key": API_KEY, "compreface.enabled": True}
    settings = load_settings(values, environment={}, folder=home).settings
    photos = [tmp_path / f"{number}.jpg" for number in range(3)]
    for path, photo in zip(photos, portraits, strict=False):
        path.write_bytes(photo)
    (tmp_path / "group.jpg").write_bytes(t1_photo)

    def work(port: int) -> dict[str, Any]:
        client = compreface_sdk.CompreFace("http://127.0.0.1", str(port), {"limit": 0, "status": "true"})
        recognition = client.init_face_recognition(API_KEY)
        subjects, faces = recognition.get_subjects(), recognition.get_face_collection()
        found: dict[str, Any] = {"added": subjects.add("张三")}
        found["example"] = faces.add(image_path=str(photos[0]), subject="张三", options={"det_prob_threshold": 0.5})
        found["bytes"] = faces.add(image_path=portraits[1], subject="Ada L")
        found["renamed"] = subjects.update("Ada L", "Ada")
        found["subjects"] = subjects.list()
        found["faces"] = faces.list()
        options = {
            "limit": 0,
            "det_prob_threshold": 0.1,
            "prediction_count": 2,
            "face_plugins": "landmarks",
            "status": "true",
        }
        found["recognised"] = recognition.recognize(str(tmp_path / "group.jpg"), options)
        image_id = found["example"]["image_id"]
        found["verified"] = faces.verify(str(photos[0]), image_id, {"limit": 1})
        verification = client.init_face_verification(API_KEY)
        found["compared"] = verification.verify(str(photos[0]), str(photos[1]))
        found["detected"] = client.init_face_detection(API_KEY).detect(str(photos[2]), {"face_plugins": "calculator"})
        found["no face"] = faces.add(image_path=b"no photo", subject="Ada")
        found["unknown"] = subjects.delete("Nobody")
        return found

    async with serving_streams(settings) as server:
        port = int(server.client.base_url.port or 0)
        found = await asyncio.to_thread(work, port)
        assert found["added"] == {"subject": "张三"}
        assert found["example"]["subject"] == "张三"
        assert found["bytes"]["subject"] == "Ada L"
        assert found["renamed"] == {"updated": True}
        assert sorted(found["subjects"]["subjects"]) == ["Ada", "张三"]
        assert found["faces"]["total_elements"] == 2
        named = [face["subjects"][0]["subject"] for face in found["recognised"]["result"] if face["subjects"]]
        assert sorted(named) == ["Ada", "张三"]
        assert len(found["recognised"]["result"]) == 6
        assert found["recognised"]["plugins_versions"]["detector"] == "dlib@1"
        assert found["verified"]["result"][0]["similarity"] == 1
        assert 0 < found["compared"]["result"][0]["face_matches"][0]["similarity"] < 1
        assert len(found["detected"]["result"][0]["embedding"]) == 128
        assert found["no face"]["code"] == 21
        assert found["unknown"].keys() == {"message", "code"}

        # What an import would fetch from a CompreFace, it fetches from here as well.
        source = CompreFaceSource(f"http://127.0.0.1:{port}", API_KEY, max_photo_bytes=10**7)
        told = portions(source, lambda _, reason: pytest.fail(reason), max_photos=10, max_bytes=10**7)
        fetched = {photo.person: photo.read() async for portion in told for photo in portion}
        await source.aclose()
        assert fetched == {"张三": portraits[0], "Ada": portraits[1]}
        assert decode_image(fetched["Ada"]).pixels.any()

        def clear() -> list[Any]:
            recognition = compreface_sdk.CompreFace("http://127.0.0.1", str(port)).init_face_recognition(API_KEY)
            faces, subjects = recognition.get_face_collection(), recognition.get_subjects()
            image_id = found["example"]["image_id"]
            return [faces.delete(image_id), faces.delete_all("Ada"), subjects.delete("Ada"), subjects.delete_all()]

        cleared = await asyncio.to_thread(clear)
        assert cleared[0] == {"image_id": found["example"]["image_id"], "subject": "张三"}
        assert cleared[1:] == [{"deleted": 1}, {"subject": "Ada"}, {"deleted": 1}], json.dumps(cleared)
