"""R-INF 2 and 4: models on one's own images, at once and as tasks."""

import asyncio
import json
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest

from lianpu.packs.install import import_pack
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.api.conftest import OpenClient
from tests.api.logins import anonymous, create_user, log_in
from tests.api.test_images import IMAGES, uploaded
from tests.genderage_network import write_genderage
from tests.small_classifiers import drop_classifier, drop_squeezenet, public_photo

pytestmark = pytest.mark.anyio
INFERENCE = f"{IMAGES}/inference"


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()


async def ended(client: httpx2.AsyncClient, task: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    while task["finished_at"] is None:
        await asyncio.sleep(0.02)
        task = (await client.get(f"{INFERENCE}/tasks/{task['task_id']}", **kwargs)).json()["task"]
    return task


async def submitted(
    client: httpx2.AsyncClient, image_id: str, model: str, key: str | None = None, **parameters: Any
) -> dict[str, Any]:
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"image_id": image_id, "model": model, "parameters": parameters}
    answer = await client.post(f"{INFERENCE}/async", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()["task"]


async def test_R_INF_2_face_analysis_at_once(client: httpx2.AsyncClient, t1_photo: bytes) -> None:
    image = await uploaded(client, t1_photo)
    body = {"image_id": image["image_id"], "model": "face-analysis", "parameters": {"max_faces": 4}}
    answer = await client.post(INFERENCE, json=body)
    assert answer.status_code == 201, answer.text
    result = answer.json()["result"]
    assert (result["model"], result["status"], result["image_id"]) == ("face-analysis", "completed", image["image_id"])
    assert result["parameters"] == {"max_faces": 4}
    assert result["duration_ms"] > 0
    detected = (await client.post("/api/v1/detect", files={"image": ("t1.jpg", t1_photo)})).json()["faces"]
    faces = result["output"]["faces"]
    assert result["output"]["pack"] == "dlib@1"
    assert len(faces) == 4
    for face, same in zip(faces, detected, strict=False):
        for name in ("face_index", "box", "box_normalized", "detection_score", "landmarks"):
            assert face[name] == same[name], name
        assert face["quality"].items() <= same["quality"].items()
    assert (await client.get(f"{INFERENCE}/{result['result_id']}")).json()["result"] == result
    listed = (await client.get(f"{IMAGES}/{image['image_id']}/results")).json()
    assert (listed["results"], listed["total"]) == ([result], 1)


async def test_R_INF_2_a_task_goes_from_pending_to_its_result(client: httpx2.AsyncClient, t1_photo: bytes) -> None:
    image = await uploaded(client, t1_photo)
    task = await submitted(client, image["image_id"], "face-analysis")
    assert (task["status"], task["result_url"], task["image_id"]) == ("pending", None, image["image_id"])
    task = await ended(client, task)
    assert (task["status"], task["error"]) == ("completed", None)
    result = (await client.get(task["result_url"])).json()["result"]
    assert len(result["output"]["faces"]) == 6
    listed = (await client.get(f"{INFERENCE}/tasks")).json()
    assert (listed["tasks"], listed["total"]) == ([task], 1)
    job = (await client.get(f"/api/v1/jobs/{task['task_id']}")).json()["job"]
    assert (job["kind"], job["result"]) == ("images.inference", {"result_id": result["result_id"]})


async def test_R_INF_2_the_same_key_gives_the_same_task(client: httpx2.AsyncClient, astronaut_photo: bytes) -> None:
    image = await uploaded(client, astronaut_photo)
    first = await submitted(client, image["image_id"], "face-analysis", key="one")
    assert (await submitted(client, image["image_id"], "face-analysis", key="one"))["task_id"] == first["task_id"]
    other = await client.post(
        f"{INFERENCE}/async",
        json={"image_id": image["image_id"], "model": "face-analysis", "parameters": {"max_faces": 1}},
        headers={"Idempotency-Key": "one"},
    )
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    await ended(client, first)
    assert (await client.get(f"{IMAGES}/{image['image_id']}/results")).json()["total"] == 1


async def test_R_INF_4_a_real_classifier_that_was_dropped_in_knows_a_cat(
    open_client: OpenClient, home: Path, testkit: Path
) -> None:
    drop_squeezenet(home / "models", testkit)
    async with open_client() as client:
        image = await uploaded(client, png(public_photo("chelsea.png")))
        models = (await client.get(f"{INFERENCE}/models")).json()["models"]
        model = next(model for model in models if model["name"] == "squeezenet")
        assert (model["source"], model["state"], model["detail"], len(model["labels"])) == (
            "folder",
            "ready",
            None,
            1000,
        )
        body = {"image_id": image["image_id"], "model": "squeezenet", "parameters": {"top_k": 3}}
        classes = (await client.post(INFERENCE, json=body)).json()["result"]["output"]["classes"]
        assert len(classes) == 3
        assert "cat" in classes[0]["label"]


async def test_R_INF_4_the_list_says_what_can_be_used_and_why_not(open_client: OpenClient, home: Path) -> None:
    drop_classifier(home / "models", "colours")
    (home / "models" / "broken").mkdir()
    (home / "models" / "broken" / "model.toml").write_text('name = "broken"\n')
    async with open_client() as client:
        models = {model["name"]: model for model in (await client.get(f"{INFERENCE}/models")).json()["models"]}
        assert set(models) == {"broken", "colours", "face-analysis", "face-attributes"}
        assert models["face-analysis"]["state"] == "ready"
        assert models["face-analysis"]["parameters"]["properties"]["max_faces"]["maximum"] == 1000
        assert models["face-attributes"]["state"] == "unavailable"
        assert "no installed pack has the role" in models["face-attributes"]["detail"]
        assert models["broken"]["state"] == "unavailable"
        assert models["broken"]["detail"]
        assert str(home) not in json.dumps(models)
        image = await uploaded(client, png(np.full((9, 9, 3), (200, 10, 10), np.uint8)))
        for path in ("", "/async"):
            for name in ("broken", "face-attributes"):
                refused = await client.post(f"{INFERENCE}{path}", json={"image_id": image["image_id"], "model": name})
                assert (refused.status_code, refused.json()["code"]) == (503, "inference_model_unavailable")


async def test_R_INF_4_attributes_where_a_pack_has_them(
    open_client: OpenClient, home: Path, testkit: Path, t1_photo: bytes, tmp_path: Path
) -> None:
    """The network for gender and age is a stand-in with the real one's contract."""
    folder = tmp_path / "buffalo_x"
    folder.mkdir()
    models = testkit / "models"
    (folder / "det_2.5g.onnx").write_bytes((models / "detection/scrfd_2.5g_bnkps.onnx").read_bytes())
    (folder / "w600k_mbf.onnx").write_bytes((models / "recognition/mobilefacenet_foamliu_arc.onnx").read_bytes())
    write_genderage(folder / "genderage.onnx")
    import_pack(folder, home / "packs", OnnxSessionFactory(), accept_licence=True)
    async with open_client() as client:
        image = await uploaded(client, t1_photo)
        made = await client.post(INFERENCE, json={"image_id": image["image_id"], "model": "face-attributes"})
        assert made.status_code == 201, made.text
        output = made.json()["result"]["output"]
        # The default pack cannot; the one that can is used.
        assert output["pack"].startswith("buffalo_x@")
        assert len(output["faces"]) == 6
        for face in output["faces"]:
            assert face["attributes"]["gender"] in {"female", "male"}
            assert 0 <= face["attributes"]["age"] < 200
        body = {"image_id": image["image_id"], "model": "face-analysis", "parameters": {"pack": "buffalo_x"}}
        analysed = (await client.post(INFERENCE, json=body)).json()["result"]["output"]["faces"]
        assert [face["attributes"] for face in analysed] == [face["attributes"] for face in output["faces"]]
        for pack, wanted in (("buffalo_x", analysed), ("dlib", [{"attributes": None}] * 6)):
            files = {"image": ("t1.jpg", t1_photo)}
            detected = await client.post("/api/v1/detect", files=files, data={"pack": pack})
            assert [face["attributes"] for face in detected.json()["faces"]] == [face["attributes"] for face in wanted]
        body = {"image_id": image["image_id"], "model": "face-attributes", "parameters": {"pack": "dlib"}}
        assert (await client.post(INFERENCE, json=body)).json()["code"] == "pack_invalid"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"model": "face-analysys"}, 404, "inference_model_not_found"),
        ({"parameters": {"max_face": 1}}, 422, "validation_failed"),
        ({"parameters": {"max_faces": 0}}, 422, "validation_failed"),
        ({"parameters": {"pack": "no-such-pack"}}, 404, "pack_not_found"),
        ({"image_id": "0199a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b"}, 404, "image_not_found"),
        ({"image_id": "x' OR 1=1"}, 422, "validation_failed"),
        ({"model": "../../etc/passwd"}, 422, "validation_failed"),
        ({"modle": "x"}, 422, "validation_failed"),
        ({"parameters": []}, 422, "validation_failed"),
    ],
)
async def test_R_INF_2_a_wrong_request_is_told_what_is_wrong(
    client: httpx2.AsyncClient, astronaut_photo: bytes, change: dict[str, Any], status: int, code: str
) -> None:
    image = await uploaded(client, astronaut_photo)
    body = {"image_id": image["image_id"], "model": "face-analysis", **change}
    answer = await client.post(INFERENCE, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    later = await client.post(f"{INFERENCE}/async", json=body)
    if code == "pack_not_found":  # packs may come until the task runs
        task = await ended(client, later.json()["task"])
        assert (task["status"], task["error"]["code"]) == ("failed", code)
    else:
        assert (later.status_code, later.json()["code"]) == (status, code)
    assert (await client.get(f"{IMAGES}/{image['image_id']}/results")).json()["total"] == 0


async def test_R_INF_2_a_task_whose_image_is_deleted_fails_and_says_so(
    open_client: OpenClient, astronaut_photo: bytes
) -> None:
    async with open_client(jobs__workers=1) as client:
        first = await uploaded(client, astronaut_photo)
        second = await uploaded(client, astronaut_photo)
        tasks = [await submitted(client, first["image_id"], "face-analysis") for _ in range(8)]
        tasks.append(await submitted(client, second["image_id"], "face-analysis"))
        assert (await client.delete(f"{IMAGES}/{second['image_id']}")).status_code == 204
        done = [await ended(client, task) for task in tasks]
        assert {task["status"] for task in done[:-1]} == {"completed"}
        assert (done[-1]["status"], done[-1]["error"]["code"]) == ("failed", "image_not_found")


async def test_R_INF_2_an_image_deleted_while_a_model_looks_at_it_leaves_no_result(
    open_client: OpenClient, home: Path, slow_plugin: "SlowPlugin"
) -> None:
    async with open_client() as client:
        image = await uploaded(client, png(np.zeros((8, 8, 3), np.uint8)))
        body = {"image_id": image["image_id"], "model": slow_plugin.name}
        at_once = asyncio.create_task(client.post(INFERENCE, json=body))
        task = await submitted(client, image["image_id"], slow_plugin.name)
        await asyncio.to_thread(slow_plugin.wait_for, 2)
        assert (await client.delete(f"{IMAGES}/{image['image_id']}")).status_code == 204
        slow_plugin.go_on()
        answer = await at_once
        assert (answer.status_code, answer.json()["code"]) == (404, "image_not_found")
        task = await ended(client, task)
        assert (task["status"], task["error"]["code"]) == ("failed", "image_not_found")
        with sqlite3.connect(home / "lianpu.db") as database:
            assert database.execute("SELECT count(*) FROM inference_results").fetchone() == (0,)


async def test_R_INF_4_two_users_share_one_loaded_model(
    open_client: OpenClient, home: Path, slow_plugin: "SlowPlugin"
) -> None:
    slow_plugin.go_on()
    async with open_client() as client:
        for name in ("ada", "bob"):
            await create_user(client, name)
        async with anonymous(client) as browser:
            made: list[dict[str, Any]] = []
            for name in ("ada", "bob"):
                headers = (await log_in(client, name)).headers
                image = await uploaded(browser, png(np.full((8, 8, 3), 7, np.uint8)), headers=headers)
                body = {"image_id": image["image_id"], "model": slow_plugin.name}
                answers = await asyncio.gather(*(browser.post(INFERENCE, json=body, headers=headers) for _ in range(3)))
                made += [answer.json()["result"] for answer in answers]
            assert [result["output"] for result in made] == [{"mean": 7.0}] * 6
            assert slow_plugin.loads == 1
            assert (await browser.get(f"{INFERENCE}/tasks", headers=headers)).json()["total"] == 0


async def test_R_INF_4_a_model_that_fails_fails_its_run_alone(
    open_client: OpenClient, slow_plugin: "SlowPlugin", astronaut_photo: bytes
) -> None:
    slow_plugin.go_on()
    slow_plugin.fail()
    async with open_client() as client:
        image = await uploaded(client, astronaut_photo)
        body = {"image_id": image["image_id"], "model": slow_plugin.name}
        answer = await client.post(INFERENCE, json=body)
        assert (answer.status_code, answer.json()["code"]) == (500, "inference_failed")
        assert "a secret of the plug-in" not in answer.text
        task = await ended(client, await submitted(client, image["image_id"], slow_plugin.name))
        assert (task["status"], task["error"]["code"]) == ("failed", "inference_failed")
        body["model"] = "face-analysis"
        assert (await client.post(INFERENCE, json=body)).status_code == 201


async def test_R_INF_2_a_task_is_cancelled_and_tried_again_as_a_job(
    open_client: OpenClient, slow_plugin: "SlowPlugin", astronaut_photo: bytes
) -> None:
    async with open_client(jobs__workers=1) as client:
        await create_user(client, "ada")
        headers = (await log_in(client, "ada")).headers
        async with anonymous(client) as browser:
            browser.headers.update(headers)
            image = await uploaded(browser, astronaut_photo)
            running = await submitted(browser, image["image_id"], slow_plugin.name)
            waiting = await submitted(browser, image["image_id"], "face-analysis")
            await asyncio.to_thread(slow_plugin.wait_for, 1)
            cancelled = await browser.post(f"/api/v1/jobs/{waiting['task_id']}/cancel")
            assert cancelled.status_code == 200, cancelled.text
            assert (await ended(browser, waiting))["status"] == "cancelled"
            slow_plugin.go_on()
            assert (await ended(browser, running))["status"] == "completed"
            assert (await browser.post(f"/api/v1/jobs/{waiting['task_id']}/retry")).status_code == 200
            again = (await browser.get(f"{INFERENCE}/tasks/{waiting['task_id']}")).json()["task"]
            assert (await ended(browser, again))["status"] == "completed"
        # An administrator sees that there are jobs, and nothing of what they are about.
        job = (await client.get(f"/api/v1/jobs/{running['task_id']}")).json()["job"]
        assert (job["is_withheld"], job["parameters"], job["result"]) == (True, {}, None)
        other = await client.get(f"{INFERENCE}/tasks/{running['task_id']}")
        assert (other.status_code, other.json()["code"]) == (404, "job_not_found")


SLOW = """
from threading import Event, Semaphore
from lianpu.inference import InferenceModel

started, gate = Semaphore(0), Event()
loads, failing = [], []


class Slow(InferenceModel):
    name = "slow"
    version = "1"

    def load_model(self, context):
        loads.append(context.name)

    def preprocess(self, image, parameters):
        started.release()
        gate.wait(30)
        return image

    def predict(self, inputs):
        if failing:
            raise RuntimeError("a secret of the plug-in")
        return float(inputs.mean())

    def postprocess(self, outputs, parameters):
        return {"mean": outputs}
"""


class SlowPlugin:
    """An installed package whose model waits until it may go on."""

    name = "slow"

    def __init__(self, module: Any) -> None:
        self._module = module
        self._seen = 0

    @property
    def loads(self) -> int:
        return len(self._module.loads)

    def wait_for(self, runs: int) -> None:
        """So many runs have begun."""
        while self._seen < runs:
            assert self._module.started.acquire(timeout=30)
            self._seen += 1

    def go_on(self) -> None:
        self._module.gate.set()

    def fail(self) -> None:
        self._module.failing.append(True)


@pytest.fixture
def slow_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowPlugin]:
    folder = tmp_path / "site"
    information = folder / "slow_plugin-1.dist-info"
    information.mkdir(parents=True)
    (folder / "slow_plugin.py").write_text(SLOW)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-plugin\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[lianpu.inference_models]\nslow = slow_plugin:Slow\n")
    monkeypatch.syspath_prepend(str(folder))
    import slow_plugin as module  # type: ignore[import-not-found]

    plugin = SlowPlugin(module)
    try:
        yield plugin
    finally:
        plugin.go_on()
        del sys.modules["slow_plugin"]
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("slow")]
