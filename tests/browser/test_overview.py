"""R-OPS 2, 3: the overview draws the last minutes of the server, the past too, and goes on as they are measured."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.server import INSTALLATION, Server
from tests.browser.words import EN, Words

CHARTS = ("cpu", "memory", "queue", "jobs", "streams", "requests", "inference")
LABELS = {
    "en-US": ("Processor", "Requests", "Time of one inference"),
    "zh-CN": ("处理器", "请求", "单次推理耗时"),
}
# A point is taken every five seconds.
NEXT_POINT_MS = 30_000


def points(page: Page, name: str = "cpu") -> int:
    return int(page.get_by_test_id(f"chart-{name}").get_attribute("data-points") or 0)


@pytest.mark.skipif(INSTALLATION is not None, reason="charts are of one server, and another may do the work")
def test_R_OPS_2_charts_show_what_the_server_does_and_what_it_did(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], words: Words
) -> None:
    page = open_page("/", locale=words.locale)
    charts = page.get_by_test_id("live-charts")
    for name in CHARTS:
        expect(page.get_by_test_id(f"chart-{name}")).to_be_visible()
    for label in LABELS[words.locale]:
        expect(charts.get_by_text(label, exact=True)).to_be_visible()
    empty_gallery.faces(crops["Bob.jpg"])
    # The work of a moment ago: a time in milliseconds, and a rate above zero.
    expect(page.get_by_test_id("value-inference")).to_have_text(re.compile(r"\d"), timeout=NEXT_POINT_MS)
    expect(page.get_by_test_id("value-requests")).to_have_text(re.compile(r"[1-9]"), timeout=NEXT_POINT_MS)
    expect(page.get_by_test_id("value-memory")).to_have_text(re.compile(r"\d"))
    # Two points make a line.
    expect(page.locator("[data-testid=chart-cpu] svg path")).to_have_attribute(
        "d", re.compile(r"M.*L"), timeout=NEXT_POINT_MS
    )
    seen = points(page)
    assert seen >= 2
    # A page that is opened now has the past at once.
    fresh = open_page("/", locale=words.locale)
    expect(fresh.get_by_test_id("chart-cpu")).to_be_visible()
    assert points(fresh) >= seen


def test_R_OPS_2_the_pointer_asks_a_chart_for_a_moment(open_page: OpenPage) -> None:
    page = open_page("/", locale=EN.locale)
    chart = page.get_by_test_id("chart-cpu")
    line = chart.locator("svg")
    expect(chart.locator("svg path").first).to_be_attached(timeout=NEXT_POINT_MS)
    box = line.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 10)
    expect(chart.locator("figcaption")).to_have_text(re.compile(r"\d{1,2}:\d{2}:\d{2}"))
    page.mouse.move(0, 0)
    expect(chart.locator("figcaption")).not_to_have_text(re.compile(r"\d{1,2}:\d{2}:\d{2}"))


def test_R_OPS_2_the_overview_asks_for_what_is_new_alone(open_page: OpenPage) -> None:
    page = open_page("/", locale=EN.locale)
    expect(page.locator("[data-testid=chart-cpu] svg path").first).to_be_attached(timeout=NEXT_POINT_MS)
    with page.expect_request(re.compile(r"/api/status/history\?since=1\d{9}"), timeout=NEXT_POINT_MS) as asked:
        pass
    answer = asked.value.response()
    assert answer is not None
    assert len(answer.json()["points"]) <= 2
