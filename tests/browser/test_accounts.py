"""The door: nobody sees the console who is not logged in, and everybody sees what their role allows."""

from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.server import Server, running_server

PASSWORD = "quite-a-long-password"


def log_in(page: Page, name: str, password: str) -> None:
    page.get_by_role("textbox", name="User name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def test_R_ACC_1_a_login_leads_to_where_one_wanted_to_be(open_page: OpenPage, server: Server) -> None:
    page = open_page("/jobs", anonymous=True)
    name, password = server.administrator
    log_in(page, name, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    log_in(page, name, password)
    expect(page.get_by_role("heading", level=1, name="Jobs")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", level=1, name="Jobs")).to_be_visible()


def test_R_ACC_1_logging_out_ends_all_tabs(open_page: OpenPage) -> None:
    page = open_page("/jobs")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("heading", level=1, name="Jobs")).to_be_visible()
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="Log out").click()
    for one in (page, other):
        expect(one.get_by_role("button", name="Log in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_R_ACC_3_the_one_time_link_makes_the_administrator(open_page: OpenPage, tmp_path: Path) -> None:
    with running_server(tmp_path / "home", tmp_path / "server.log", with_administrator=False) as fresh:
        printed = next(line for line in fresh.log.read_text().split() if "/setup#" in line)
        link = printed[printed.index("/setup#") :]
        page = open_page(link, base=fresh.url, anonymous=True)
        assert "#" not in page.url
        page.get_by_label("User name").fill("Grace")
        page.get_by_label("New password", exact=True).fill("short")
        expect(page.get_by_text("Too short")).to_be_visible()
        page.get_by_label("New password", exact=True).fill(PASSWORD)
        page.get_by_label("New password again").fill(PASSWORD)
        page.get_by_role("button", name="Make administrator").click()
        expect(page.get_by_role("button", name="Account: Grace")).to_be_visible()
        again = open_page(link, base=fresh.url, anonymous=True)
        again.get_by_label("User name").fill("Eve")
        again.get_by_label("New password", exact=True).fill(PASSWORD)
        again.get_by_label("New password again").fill(PASSWORD)
        again.get_by_role("button", name="Make administrator").click()
        expect(again.get_by_role("alert")).to_contain_text("void")


def test_R_ACC_2_a_viewer_is_made_and_sees_no_users(open_page: OpenPage) -> None:
    page = open_page("/users")
    page.get_by_role("button", name="Add a user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("User name").fill("Vera")
    dialog.get_by_label("First password").fill(PASSWORD)
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("user-row").filter(has_text="Vera")).to_contain_text("New password due")
    viewer = open_page("/gallery", anonymous=True)
    log_in(viewer, "vera", PASSWORD)
    expect(viewer.get_by_role("heading", level=1, name="Choose a password")).to_be_visible()
    viewer.get_by_label("Current password").fill(PASSWORD)
    viewer.get_by_label("New password", exact=True).fill(f"{PASSWORD}-of-my-own")
    viewer.get_by_label("New password again").fill(f"{PASSWORD}-of-my-own")
    viewer.get_by_role("button", name="Change password").click()
    expect(viewer.get_by_role("heading", level=1, name="Gallery")).to_be_visible()
    navigation = viewer.get_by_role("navigation", name="Main navigation")
    expect(navigation.get_by_role("link", name="Search")).to_be_visible()
    expect(navigation.get_by_role("link", name="Users")).to_have_count(0)
    viewer.goto(viewer.url.replace("/gallery", "/users"))
    expect(viewer.get_by_text("This page is not for your role")).to_be_visible()
    page.get_by_test_id("user-row").filter(has_text="Vera").get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Disable").click()
    expect(page.get_by_test_id("user-row").filter(has_text="Vera")).to_contain_text("Disabled")
    viewer.goto(viewer.url.replace("/users", "/gallery"))
    expect(viewer.get_by_role("button", name="Log in")).to_be_visible()


def test_R_ACC_1_an_api_key_is_shown_once_and_revoked(open_page: OpenPage, server: Server) -> None:
    page = open_page("/profile")
    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("door camera")
    dialog.get_by_label("Search and compare").check()
    dialog.get_by_role("button", name="Make key").click()
    secret = dialog.get_by_test_id("key-secret").inner_text()
    assert secret.startswith("lianpu_")
    keyed = replace(server, api_key=secret)
    assert keyed.call("GET", "/api/v1/users/setup")["setup_needed"] is False
    dialog.get_by_role("button", name="Close").last.click()
    row = page.get_by_test_id("key-row").filter(has_text="door camera")
    expect(row).to_contain_text("Search and compare")
    expect(page.get_by_text(secret)).to_have_count(0)
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_have_count(0)


def test_R_WEB_1_the_door_speaks_chinese(open_page: OpenPage) -> None:
    page = open_page("/", anonymous=True, locale="zh-CN")
    expect(page.get_by_role("button", name="登录")).to_be_visible()
    expect(page.get_by_label("用户名")).to_be_visible()
