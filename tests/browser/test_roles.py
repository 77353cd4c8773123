"""R-ACC 2: nobody is offered what the server would refuse, and nothing that is shown is asked for in vain."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.server import Server
from tests.browser.test_accounts import PASSWORD, log_in

REFUSED = {401, 403}
FOR_MANAGERS = ["/gallery-health", "/calibration", "/bulk"]
FOR_ADMINISTRATORS = ["/users", "/audit", "/capacity"]


def open_as(open_page: OpenPage, server: Server, name: str, role: str, path: str) -> tuple[Page, list[str]]:
    """A page of a user of this role, and the calls that the server refuses on it."""
    fields = {"name": name, "password": PASSWORD, "role": role, "must_change_password": False}
    if name not in {user["name"] for user in server.call("GET", "/api/v1/users/")["users"]}:
        server.call("POST", "/api/v1/users/", json.dumps(fields).encode())
    page = open_page(path, base=server.url, anonymous=True)
    log_in(page, name, PASSWORD)
    expect(page.get_by_role("navigation", name="Main navigation")).to_be_visible()
    refused: list[str] = []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status in REFUSED else None)
    return page, refused


def go(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Main navigation").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def test_R_ACC_2_a_viewer_reads_the_gallery_and_changes_nothing(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes]
) -> None:
    page, refused = open_as(open_page, empty_gallery, "victor", "viewer", "/gallery")
    main = page.locator("main")
    expect(main.get_by_text("Those who are enrolled appear here.")).to_be_visible()
    expect(main.get_by_role("button", name=re.compile("Enrol"))).to_have_count(0)
    empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    page.reload()
    ann = page.get_by_role("link", name="Ann")
    expect(ann).to_be_visible()
    expect(main.get_by_role("link", name="Bulk")).to_have_count(0)
    expect(main.get_by_role("button", name=re.compile("Enrol|Actions"))).to_have_count(0)
    page.keyboard.press("n")
    expect(page.get_by_role("dialog")).to_have_count(0)
    ann.click()
    expect(page.get_by_role("heading", level=1, name="Ann")).to_be_visible()
    expect(main.get_by_role("button", name=re.compile("Add photos|Actions|Edit details"))).to_have_count(0)
    page.get_by_role("button", name="Open photo 1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("link", name="Download")).to_be_visible()
    expect(dialog.get_by_role("button", name=re.compile("Delete|Move|primary", re.IGNORECASE))).to_have_count(0)
    assert refused == []


def test_R_ACC_2_a_viewer_searches_and_is_not_asked_to_enrol(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes]
) -> None:
    page, refused = open_as(open_page, empty_gallery, "victor", "viewer", "/search")
    page.locator("main input[type=file]").first.set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": crops["Bob.jpg"]}
    )
    expect(page.get_by_test_id("verdict")).to_have_text("Unknown")
    expect(page.get_by_role("button", name="Enrol this face")).to_have_count(0)
    assert refused == []


def test_R_ACC_2_a_viewer_sees_packs_as_they_are(open_page: OpenPage, server_of_ten: Server) -> None:
    page, refused = open_as(open_page, server_of_ten, "victor", "viewer", "/")
    page.get_by_role("link", name="More about the packs").click()
    packs = page.get_by_test_id("pack")
    expect(packs.filter(has_text="foamliu").get_by_test_id("coverage")).to_have_text("20 of 20 photos")
    expect(packs.get_by_role("button")).to_have_count(0)
    catalogued = page.get_by_test_id("available-pack")
    page.get_by_role("button", name=re.compile("Show all")).click()
    expect(catalogued.filter(has_text="restorer")).to_be_visible()
    expect(catalogued.get_by_role("button")).to_have_count(0)
    for name in ("Compare", "Images", "Jobs", "Overview"):
        go(page, name)
    page.wait_for_load_state("networkidle")
    assert refused == []


@pytest.mark.parametrize("path", [*FOR_MANAGERS, *FOR_ADMINISTRATORS])
def test_R_ACC_2_a_viewer_who_follows_a_link_is_told_that_the_page_is_for_others(
    open_page: OpenPage, server: Server, path: str
) -> None:
    page, refused = open_as(open_page, server, "victor", "viewer", path)
    expect(page.get_by_text("This page is not for your role")).to_be_visible()
    assert refused == []


def test_R_ACC_2_the_list_of_shortcuts_names_what_one_may_do(open_page: OpenPage, server: Server) -> None:
    page, _ = open_as(open_page, server, "victor", "viewer", "/gallery")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Compare")
    for name in ("Users", "Audit log", "Calibration", "Enrol a person"):
        expect(dialog).not_to_contain_text(name)


def test_R_ACC_2_an_operator_enrols_and_calibrates_and_leaves_packs_to_administrators(
    open_page: OpenPage, server_of_ten: Server
) -> None:
    page, refused = open_as(open_page, server_of_ten, "olga", "operator", "/gallery")
    main = page.locator("main")
    expect(main.get_by_role("button", name="Enrol", exact=True)).to_be_visible()
    expect(main.get_by_role("link", name="Bulk")).to_be_visible()
    go(page, "Packs")
    default = page.get_by_test_id("pack").filter(has_text="foamliu")
    expect(default).to_be_visible()
    expect(main.get_by_role("button", name=re.compile("Make default|Change the threshold|Download"))).to_have_count(0)
    default.get_by_role("button", name="Actions for foamliu@1").click()
    expect(page.get_by_role("menuitem", name="Calibrate")).to_be_visible()
    expect(page.get_by_role("menuitem", name=re.compile("Delete|Unload|Load"))).to_have_count(0)
    page.keyboard.press("Escape")
    go(page, "Calibration")
    page.get_by_role("button", name=re.compile("Calibrate")).click()
    expect(page.get_by_test_id("proposed")).to_be_visible()
    expect(page.get_by_text("An administrator can apply it to the gallery.")).to_be_visible()
    expect(main.get_by_role("button", name=re.compile("Apply|^Use "))).to_have_count(0)
    go(page, "Health report")
    expect(page.get_by_role("button", name=re.compile("Check")).first).to_be_visible()
    navigation = page.get_by_role("navigation", name="Main navigation")
    for name in ("Users", "Audit log"):
        expect(navigation.get_by_role("link", name=name)).to_have_count(0)
    page.wait_for_load_state("networkidle")
    assert refused == []


@pytest.mark.parametrize("viewport", [{"width": 1360, "height": 900}, {"width": 390, "height": 844}])
@pytest.mark.parametrize(("locale", "current"), [("en-US", "This one"), ("zh-CN", "当前")])
def test_R_WEB_1_the_login_of_this_browser_is_marked_in_full(
    open_page: OpenPage, viewport: dict[str, int], locale: str, current: str
) -> None:
    page = open_page("/profile", viewport=viewport, locale=locale)
    badge = page.get_by_text(current, exact=True)
    badge.scroll_into_view_if_needed()  # others have logged in before
    expect(badge).to_be_in_viewport(ratio=1)
    assert badge.evaluate("(label) => label.scrollWidth <= label.clientWidth")
