"""R-OPS 3, R-WEB: administrators measure the machine, are asked before, and see the figures and what they are of."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from lianpu.capacity.report import (
    REPORT_FILE,
    CapacityReport,
    Figure,
    FigureName,
    MeasuredMachine,
    MeasuredSettings,
    MeasuredVersions,
    Reference,
    Unit,
    Unmeasured,
    write_report,
)
from tests.browser.conftest import CONSOLE, OpenPage
from tests.browser.server import Server, running_server
from tests.browser.words import Words

REPORT = CapacityReport(
    measured_at=datetime(2026, 11, 30, 8, tzinfo=UTC),
    is_quick=False,
    busy_share=0.34,
    is_busy=True,
    machine=MeasuredMachine(host="faces-1", system="Linux 6", processor="AMD EPYC", cores=4, memory_bytes=1 << 34),
    versions=MeasuredVersions(lianpu="0.1.0", python="3.11.7", onnxruntime="1.32.0"),
    settings=MeasuredSettings(pack="kit@1", provider="cpu", cpu_reason="OpenVINO runs them", threads=4, workers=3),
    figures=[
        Figure(name=FigureName.FACES, unit=Unit.FACES_PER_S, value=61.72, measured_s=4.1, in_flight=3),
        Figure(
            name=FigureName.SEARCHES,
            unit=Unit.SEARCHES_PER_S,
            value=None,
            measured_s=0,
            reason=Unmeasured.GALLERY_EMPTY,
        ),
        Figure(
            name=FigureName.SEARCHES_LARGE,
            unit=Unit.SEARCHES_PER_S,
            value=1234.5,
            measured_s=2,
            in_flight=3,
            rows=100_000,
        ),
        Figure(name=FigureName.STREAMS, unit=Unit.STREAMS, value=11.04, measured_s=5, is_derived=True),
        Figure(
            name=FigureName.ENHANCEMENTS,
            unit=Unit.ENHANCEMENTS_PER_MIN,
            value=18.2,
            measured_s=9,
            in_flight=1,
            engines=["realesrgan-compact@1"],
        ),
    ],
    reference=Reference(version="2.1", ratio=3.02, ours_per_s=61.7, theirs_per_s=20.4, in_flight=3, measured_s=12),
    no_reference=None,
)
TEXTS = {
    "en-US": {
        "page": "Capacity",
        "never": "Not measured yet",
        "start": "Measure now",
        "again": "Measure again",
        "ask": "Measure this machine?",
        "confirm": "Measure",
        "stop": "Stop",
        "empty": "Nobody is enrolled with this pack yet.",
        "busy": "34% busy",
        "derived": "worked out from what one costs",
    },
    "zh-CN": {
        "page": "容量",
        "never": "还没有测量过",
        "start": "开始测量",
        "again": "重新测量",
        "ask": "测量这台机器？",
        "confirm": "开始测量",
        "stop": "停止",
        "empty": "还没有用此模型包录入任何人。",
        "busy": "34%",
        "derived": "由单路开销推算",
    },
}


@pytest.fixture(scope="module")
def unmeasured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not CONSOLE.is_file():
        pytest.skip("the console is not built: `python run.py` does that")
    folder = tmp_path_factory.mktemp("capacity")
    with running_server(folder / "home", folder / "server.log") as running:
        yield running


def test_R_OPS_3_figures_are_shown_with_what_they_are_of(open_page: OpenPage, server: Server, words: Words) -> None:
    texts = TEXTS[words.locale]
    write_report(server.home, REPORT)
    page = open_page("/", locale=words.locale)
    page.get_by_role("navigation").get_by_role("link", name=texts["page"], exact=True).click()
    expect(page.get_by_role("heading", level=1, name=texts["page"])).to_be_visible()
    faces = page.get_by_test_id("figure-faces")
    expect(faces).to_contain_text("61.7")
    expect(page.get_by_test_id("figure-searches")).to_contain_text(texts["empty"])
    expect(page.get_by_test_id("figure-searches_large")).to_contain_text(re.compile(r"1,23[45].*100,000"))
    expect(page.get_by_test_id("figure-streams")).to_contain_text(texts["derived"])
    expect(page.get_by_test_id("figure-enhancements")).to_contain_text("realesrgan-compact@1")
    expect(page.get_by_test_id("figure-reference")).to_contain_text("20.4")
    expect(page.get_by_role("alert")).to_contain_text(texts["busy"])
    for fact in ("faces-1", "AMD EPYC", "kit@1"):
        expect(page.locator("main")).to_contain_text(fact)
    expect(page.get_by_role("button", name=texts["again"])).to_be_enabled()
    (server.home / REPORT_FILE).unlink()


def test_R_OPS_3_measuring_is_asked_for_and_shown_while_it_goes_on(
    open_page: OpenPage, unmeasured: Server, words: Words
) -> None:
    texts = TEXTS[words.locale]
    page = open_page("/capacity", base=unmeasured.url, locale=words.locale)
    expect(page.get_by_role("heading", name=texts["never"])).to_be_visible()
    before = jobs_of(unmeasured)
    page.get_by_role("button", name=texts["start"]).click()
    dialog = page.get_by_role("dialog", name=texts["ask"])
    expect(dialog).to_be_visible()
    assert jobs_of(unmeasured) == before, "nothing begins before it is confirmed"
    dialog.get_by_role("button", name=texts["confirm"], exact=True).click()
    expect(dialog).not_to_be_visible()
    stop = page.locator("main").get_by_role("button", name=re.compile(texts["stop"]))
    expect(stop).to_be_visible()
    expect(page.get_by_role("button", name=texts["start"])).to_have_count(0)
    (job,) = [job for job in jobs_of(unmeasured) if job not in before]
    unmeasured.call("POST", f"/api/v1/jobs/{job}/cancel")
    expect(page.get_by_role("button", name=texts["start"])).to_be_enabled()


def jobs_of(server: Server) -> list[str]:
    """Ids of the measurements."""
    return [job["job_id"] for job in server.call("GET", "/api/v1/jobs?kind=server.capacity")["jobs"]]
