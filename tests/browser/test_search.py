"""R-WEB: search a group photo and compare two photos."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import OpenPage, drop, files
from tests.browser.server import Server
from tests.browser.words import Words


@pytest.fixture
def two_known(empty_gallery: Server, crops: dict[str, bytes]) -> Server:
    empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    empty_gallery.enrol("Bob", crops["Bob.jpg"])
    return empty_gallery


def test_search_a_group(open_page: OpenPage, two_known: Server, t1_photo: bytes, words: Words) -> None:
    page = open_page("/search", locale=words.locale)
    drop(page.get_by_role("group").first, {"group.jpg": t1_photo})
    boxes = page.locator("main button[aria-pressed][data-tone]")
    expect(boxes).to_have_count(6)
    expect(page.locator("[data-tone=match]")).to_have_count(2)
    expect(page.locator("[data-tone=unknown]")).to_have_count(4)

    verdict = page.get_by_test_id("verdict")
    expect(verdict).to_have_text("Ann")
    expect(page.get_by_test_id("threshold")).to_contain_text(words.recommended)
    expect(page.get_by_test_id("match")).to_have_count(2)
    page.keyboard.press("ArrowRight")
    expect(verdict).to_have_text("Bob")
    page.locator("[data-tone=unknown]").first.click()
    expect(verdict).to_have_text(words.unknown)

    # The boxes lie on the faces whatever size the photo is shown at.
    photo = page.locator("main img[alt='group.jpg']").bounding_box()
    box = boxes.first.bounding_box()
    assert photo is not None
    assert box is not None
    face = two_known.faces(t1_photo)[0]["box_normalized"]
    assert (box["x"] - photo["x"]) / photo["width"] == pytest.approx(face["left"], abs=0.004)
    assert (box["y"] - photo["y"]) / photo["height"] == pytest.approx(face["top"], abs=0.004)
    assert box["width"] / photo["width"] == pytest.approx(face["width"], abs=0.004)


def test_own_threshold_is_named_as_the_source(
    open_page: OpenPage, two_known: Server, crops: dict[str, bytes], words: Words
) -> None:
    page = open_page("/search", locale=words.locale)
    page.locator("input[type=file]").set_input_files(files({"ann.jpg": crops["Ann 2.jpg"]}))
    expect(page.get_by_test_id("verdict")).to_have_text("Ann")
    page.get_by_role("button", name=words.options).click()
    page.get_by_label(words.own_threshold).check()
    expect(page.get_by_test_id("threshold")).to_contain_text(words.request_threshold)
    page.get_by_role("slider").press("End")
    expect(page.get_by_test_id("verdict")).to_have_text(words.unknown)


def test_an_unknown_face_becomes_known(open_page: OpenPage, two_known: Server, t1_photo: bytes, words: Words) -> None:
    page = open_page("/search", locale=words.locale)
    page.locator("input[type=file]").set_input_files(files({"group.jpg": t1_photo}))
    page.locator("[data-tone=unknown]").first.click()
    page.get_by_role("button", name=words.enrol_face).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(words.name).fill("Cleo")
    dialog.get_by_role("button", name=words.start_one).click()
    dialog.get_by_role("button", name=words.done, exact=True).click()
    expect(page.locator("[data-tone=match]")).to_have_count(3)
    expect(page.get_by_test_id("verdict")).to_have_text("Cleo")


def test_search_with_the_camera(open_page: OpenPage, two_known: Server, words: Words) -> None:
    page = open_page("/search", locale=words.locale, permissions=["camera"])
    page.get_by_role("button", name=words.camera, exact=True).click()
    page.get_by_role("button", name=words.take_photo).click()
    expect(page.get_by_text("Ann").first).to_be_visible()
    expect(page.locator("[data-tone=match]")).to_have_count(2)


def test_search_a_pasted_photo(open_page: OpenPage, two_known: Server, crops: dict[str, bytes]) -> None:
    page = open_page("/search")
    page.evaluate(
        """(bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "pasted.jpg", { type: "image/jpeg" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        list(crops["Bob.jpg"]),
    )
    expect(page.get_by_test_id("verdict")).to_have_text("Bob")


def test_compare(open_page: OpenPage, server: Server, crops: dict[str, bytes], words: Words) -> None:
    page = open_page("/compare", locale=words.locale)
    both = {"a.jpg": crops["Ann 1.jpg"], "b.jpg": crops["Ann 2.jpg"]}
    page.locator("input[type=file]").first.set_input_files(files(both))
    expect(page.get_by_test_id("verdict")).to_have_text(words.same)
    page.locator("main section button").nth(1).click()
    page.locator("input[type=file]").set_input_files(files({"bob.jpg": crops["Bob.jpg"]}))
    expect(page.get_by_test_id("verdict")).to_have_text(words.different)


def test_R_LIB_9_a_face_that_is_not_live_is_nobodys(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], words: Words
) -> None:
    """The server's answer is changed on its way: a liveness pack is no part of the embedded one."""

    def not_live(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        judged = {"score": 0.02, "is_live": False, "pack": "minifasnet", "pack_version": "1", "threshold": 0.5}
        body["faces"][0] |= {"liveness": judged, "matches": [], "best_match": None, "margin": None}
        route.fulfill(response=answer, json=body)

    empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    page = open_page("/search", locale=words.locale)
    page.route("**/api/v1/search", not_live)
    page.locator("input[type=file]").first.set_input_files(files({"ann.jpg": crops["Ann 2.jpg"]}))
    expect(page.get_by_test_id("verdict")).to_have_text(words.not_live)
    expect(page.get_by_test_id("liveness")).to_contain_text("0.02")
    expect(page.get_by_role("button", name=words.enrol_face)).to_have_count(0)
