"""R-OPS 3: the machine's capacity is measured by a job, one at a time, for administrators, and told from then on."""

import json

import httpx2
import pytest

from lianpu.capacity.report import REPORT_FILE
from tests.api.calls import ended, enrol
from tests.api.conftest import OpenClient

pytestmark = pytest.mark.anyio
CAPACITY = "/api/v1/capacity"


async def measured(client: httpx2.AsyncClient, **fields: bool) -> dict[str, object]:
    job = await ended(client, await client.post(CAPACITY, json=fields))
    assert job["status"] == "completed", job
    return (await client.get(CAPACITY)).json()["capacity"]


async def test_R_OPS_3_nothing_is_told_before_it_was_measured_and_only_one_measures(client: httpx2.AsyncClient) -> None:
    answer = await client.get(CAPACITY)
    assert (answer.status_code, answer.json()["capacity"]) == (200, None)
    started = await client.post(CAPACITY, json={"quick": True})
    assert (started.status_code, started.json()["job"]["kind"]) == (202, "server.capacity")
    refused = await client.post(CAPACITY, json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "measurement_running")
    await client.post(f"/api/v1/jobs/{started.json()['job']['job_id']}/cancel")
    assert (await ended(client, started))["status"] == "cancelled"
    assert (await client.get(CAPACITY)).json()["capacity"] is None
    unknown = await client.post(CAPACITY, json={"slow": True})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "validation_failed")


# insightface calls scikit-image in a way that is to go.
@pytest.mark.filterwarnings("ignore:`estimate` is deprecated:FutureWarning")
@pytest.mark.slow
async def test_R_OPS_3_every_figure_is_measured_on_the_default_pack_and_the_own_settings(
    open_kit_client: OpenClient, astronaut_photo: bytes
) -> None:
    async with open_kit_client(runtime__threads=1, runtime__workers=2) as client:
        report = await measured(client, quick=True)
        figures = {figure["name"]: figure for figure in report["figures"]}  # type: ignore[attr-defined, index]
        assert list(figures) == ["faces", "faces_alone", "searches", "searches_large", "streams", "enhancements"]
        assert (figures["searches"]["value"], figures["searches"]["reason"]) == (None, "gallery_empty")
        others = [figure for name, figure in figures.items() if name != "searches"]
        assert all(figure["value"] > 0 and figure["measured_s"] > 0 for figure in others)
        assert (figures["faces"]["in_flight"], figures["faces_alone"]["in_flight"]) == (2, 1)
        assert figures["searches_large"]["rows"] == 100_000
        assert figures["streams"]["is_derived"]
        assert figures["enhancements"]["engines"]
        assert report["settings"]["pack"].startswith("kit@")  # type: ignore[index]
        assert (report["settings"]["threads"], report["settings"]["workers"]) == (1, 2)  # type: ignore[index]
        assert report["reference"]["ratio"] > 0  # type: ignore[index]
        assert report["is_quick"]
        await enrol(client, astronaut_photo, name="Eileen")
        again = await measured(client, quick=True)
        (searches,) = [figure for figure in again["figures"] if figure["name"] == "searches"]  # type: ignore[attr-defined]
        assert (searches["rows"], searches["value"] > 0) == (1, True)
        home = client.platform.settings.home  # type: ignore[attr-defined]
        assert json.loads((home / REPORT_FILE).read_text())["measured_at"] == again["measured_at"]
