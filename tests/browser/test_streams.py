"""R-STR, R-WEB: a stream is started, watched, extended and stopped in the browser; events come by themselves."""

import re
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lianpu.engines.image import decode_image
from tests.browser.conftest import CONSOLE, OpenPage
from tests.browser.server import Server, running_server

FPS = 25
EVENTS = re.compile(r"/api/v1/stream/[^/]+/events(\?|$)")


def write_clip(path: Path, photos: list[tuple[bytes, float]]) -> None:
    """H.264, 640x480: each photo stands still for its seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for photo, seconds in photos:
            pixels = decode_image(photo).pixels
            scale = min(640 / pixels.shape[1], 480 / pixels.shape[0])
            small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            canvas = np.full((480, 640, 3), 60, np.uint8)
            canvas[: small.shape[0], : small.shape[1]] = small
            for _ in range(round(FPS * seconds)):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(canvas, format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def theatre(
    tmp_path_factory: pytest.TempPathFactory, crops: dict[str, bytes], t1_photo: bytes
) -> Iterator[tuple[Server, Path]]:
    """A server that knows Ann, and may read a video of her and of a group."""
    if not CONSOLE.is_file():
        pytest.skip("the console is not built: `python run.py` does that")
    folder = tmp_path_factory.mktemp("theatre")
    (folder / "videos").mkdir()
    video = folder / "videos" / "door.mp4"
    write_clip(video, [(crops["Ann 1.jpg"], 4), (t1_photo, 16)])
    write_clip(folder / "videos" / "bob.mp4", [(crops["Bob.jpg"], 12)])
    environment = {"LIANPU_STREAMS__FOLDERS": str(folder / "videos"), "LIANPU_STREAMS__INBOX__ENABLED": "true"}
    with running_server(folder / "home", folder / "server.log", **environment) as server:
        server.enrol("安娜 Ann", crops["Ann 2.jpg"])
        yield server, video


def start(page: Page, source: str, name: str, **options: bool) -> None:
    page.get_by_role("button", name="Start a stream").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Source").fill(source)
    dialog.get_by_label("Name").fill(name)
    if options.get("loop"):
        dialog.get_by_label("Files begin again at their end").check()
    dialog.get_by_role("button", name="Start", exact=True).click()


def test_R_STR_1_a_stream_is_started_watched_extended_and_stopped(
    open_page: OpenPage, theatre: tuple[Server, Path]
) -> None:
    server, video = theatre
    page = open_page("/streams", base=server.url)
    expect(page.get_by_text("Nothing is running")).to_be_visible()
    start(page, str(video), "Entrance", loop=True)
    expect(page.get_by_role("heading", level=1)).to_have_text("Entrance")
    expect(page.get_by_test_id("stream-state")).to_have_text("Running")
    feed = page.get_by_test_id("feed")
    expect(feed).to_have_js_property("naturalWidth", 640)
    assert "signature=" in (feed.get_attribute("src") or "")
    ann = page.locator("[data-kind=person_appeared]").filter(has_text="安娜 Ann")
    expect(ann).to_have_count(1)
    expect(ann.locator("img")).to_have_js_property("complete", True)
    expect(page.locator("[data-kind=unknown_appeared]").first).to_be_visible()
    expect(page.get_by_test_id("time-left")).to_contain_text("min")

    page.get_by_role("button", name="Extend").click()
    page.get_by_role("menuitem", name="Never (∞)").click()
    expect(page.get_by_test_id("time-left")).to_contain_text("∞")
    page.get_by_role("button", name="Pause detection").click()
    expect(page.get_by_text("Detection is paused")).to_be_visible()
    page.get_by_role("button", name="Resume detection").click()

    page.get_by_role("link", name="All streams").click()
    card = page.get_by_test_id("stream-card")
    expect(card).to_have_count(1)
    expect(card.locator("img")).to_be_visible()
    card.get_by_role("link", name="Entrance").click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("This stream has ended.")).to_be_visible()
    expect(page.locator("main")).to_contain_text("stopped")
    # Its events stay.
    expect(ann.first).to_be_visible()
    page.get_by_role("link", name="All streams").click()
    expect(page.get_by_test_id("ended-stream").filter(has_text="Entrance")).to_contain_text("stopped")


def asked_for_events(page: Page) -> list[str]:
    """Requests for the list of a stream's events, from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if EVENTS.search(request.url) else None)
    return asked


def test_R_STR_8_events_beside_the_picture_are_pushed_and_the_list_is_not_asked_for(
    open_page: OpenPage, theatre: tuple[Server, Path]
) -> None:
    server, video = theatre
    page = open_page("/streams", base=server.url)
    start(page, str(video), "Pushed", loop=True)
    expect(page.get_by_test_id("live")).to_have_attribute("data-live", "true")
    expect(page.get_by_test_id("stream-state")).to_have_text("Running")
    asked = asked_for_events(page)
    events = page.get_by_test_id("stream-event")
    before = events.count()
    expect(events.nth(before + 1)).to_be_visible()
    assert asked == []
    expect(page.locator("dt", has_text="Decoding").locator("xpath=following-sibling::dd")).to_contain_text("h264")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("This stream has ended.")).to_be_visible()


def test_R_STR_8_without_push_the_list_is_asked_for_every_now_and_then(
    open_page: OpenPage, theatre: tuple[Server, Path]
) -> None:
    server, video = theatre
    page = open_page("/streams", base=server.url)
    page.route_web_socket(re.compile("/api/v1/ws/streams"), lambda socket: socket.close(code=1013))
    asked = asked_for_events(page)
    start(page, str(video), "Polled", loop=True)
    expect(page.get_by_test_id("live")).to_have_attribute("data-live", "false")
    expect(page.locator("[data-kind=person_appeared]").filter(has_text="安娜 Ann")).to_have_count(1)
    for _ in range(100):
        if len(asked) > 1:
            break
        page.wait_for_timeout(100)
    assert len(asked) > 1
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("This stream has ended.")).to_be_visible()


def test_R_STR_2_a_source_that_is_not_allowed_is_refused_with_the_reason(
    open_page: OpenPage, theatre: tuple[Server, Path]
) -> None:
    server, _ = theatre
    page = open_page("/streams", base=server.url)
    start(page, "/etc/passwd", "Secret")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("source_refused")
    dialog.get_by_role("textbox", name="Source").fill("http://169.254.169.254/latest/meta-data")
    dialog.get_by_role("button", name="Start", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("source_refused")
    assert server.call("GET", "/api/v1/stream")["active_streams_count"] == 0


def test_R_STR_1_the_end_of_a_file_is_told(open_page: OpenPage, theatre: tuple[Server, Path]) -> None:
    server, door = theatre
    video = door.with_name("bob.mp4")
    page = open_page("/streams", base=server.url, locale="zh-CN")
    page.get_by_role("button", name="启动视频流").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="来源").fill(str(video))
    dialog.get_by_role("button", name="启动", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("bob.mp4"))
    expect(page.get_by_text("该视频流已结束。")).to_be_visible()
    expect(page.locator("main")).to_contain_text("文件播放完毕")


def test_R_LIB_13_somebody_unknown_is_named_in_one_step_and_then_known(
    open_page: OpenPage, theatre: tuple[Server, Path], crops: dict[str, bytes]
) -> None:
    server, video = theatre
    server.call("DELETE", "/api/v1/stream/unknowns")
    page = open_page("/streams", base=server.url)
    start(page, str(video.with_name("bob.mp4")), "Back door")
    expect(page.get_by_text("This stream has ended.")).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Unknown people").click()
    unknown = page.get_by_test_id("unknown")
    expect(unknown).to_have_count(1)
    expect(unknown).to_contain_text("Most like 安娜 Ann")
    unknown.get_by_role("button", name="Not 安娜 Ann").click()
    expect(unknown).not_to_contain_text("安娜 Ann")
    unknown.get_by_role("button", name="Name", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_test_id("unknown-face").first).to_be_visible()
    dialog.get_by_role("textbox", name="Name of a new person").fill("Bob 鲍勃")
    dialog.get_by_role("button", name="Name", exact=True).click()
    expect(page.get_by_text("Nobody unknown")).to_be_visible()
    found = server.call("POST", "/api/v1/search", crops["Bob.jpg"], "image/jpeg")["faces"][0]
    assert found["best_match"]["name"] == "Bob 鲍勃"


def test_R_STR_2_this_browsers_camera_is_a_source_that_goes_on_while_pages_change(
    open_page: OpenPage, theatre: tuple[Server, Path]
) -> None:
    server, _ = theatre
    page = open_page("/streams", base=server.url)
    page.get_by_role("button", name="Start a stream").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("This browser's camera").check()
    dialog.get_by_label("Name").fill("Reception")
    dialog.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Reception")
    expect(page.get_by_text("This tab sends the picture: keep it open")).to_be_visible()
    expect(page.get_by_test_id("stream-state")).to_have_text("Running")
    expect(page.get_by_test_id("feed")).not_to_have_js_property("naturalWidth", 0)
    page.get_by_role("link", name="All streams").click()
    card = page.get_by_test_id("stream-card").filter(has_text="Reception")
    expect(card).to_contain_text("Running")
    expect(card.locator("img")).to_be_visible()
    card.get_by_role("link", name="Reception").click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("This stream has ended.")).to_be_visible()
    expect(page.get_by_text("This tab sends the picture: keep it open")).to_have_count(0)
