"""R-ACC 4, R-WEB: the page of the audit log says who did what to whom, and proves that nothing was changed."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from lianpu.http.audited import Action
from tests.browser.conftest import OpenPage
from tests.browser.server import INSTALLATION, Server, running_server

PAGE = 50


def rows(page: Page, action: str = "") -> Locator:
    row = page.get_by_test_id("audit-row")
    return row.and_(page.locator(f"[data-action='{action}']")) if action else row


def narrow(page: Page, **fields: str) -> None:
    form = page.get_by_role("form", name="Filter")
    for label, value in fields.items():
        form.get_by_label(label, exact=True).fill(value)
    form.get_by_role("button", name="Show").click()


def choose_action(page: Page, name: str) -> None:
    page.get_by_role("combobox", name="Act").click()
    page.get_by_role("option", name=name, exact=True).click()


def test_R_ACC_4_an_entry_says_who_did_what_to_whom_from_where_and_how_it_ended(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes]
) -> None:
    person_id = empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    page = open_page("/gallery")
    page.get_by_role("navigation").get_by_role("link", name="Audit log").click()
    row = rows(page, "person.enrol").first
    for text in ("Key of the settings", "Enrol person", person_id, "Done", "127.0.0.1"):
        expect(row).to_contain_text(text)
    row.get_by_role("button", name="Enrol person").click()

    dialog = page.get_by_role("dialog")
    for text in ("person.enrol", person_id, "HTTP 201", "127.0.0.1"):
        expect(dialog).to_contain_text(text)
    [entry] = empty_gallery.call("GET", f"/api/v1/audit?target={person_id}&action=person.enrol")["events"]
    expect(dialog).to_contain_text(f"Entry {entry['sequence']}")
    expect(dialog).to_contain_text(entry["hash"])
    expect(dialog.get_by_label("Details")).to_contain_text(str(entry["detail"]["image_id"]))
    expect(page.locator("main")).not_to_contain_text("Ann")


def test_R_ACC_4_the_log_is_narrowed_by_subject_actor_act_and_time(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes]
) -> None:
    person_id = empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    empty_gallery.call("PATCH", f"/api/v1/faces/{person_id}", b'{"name": "Ann B."}')
    page = open_page("/audit")
    narrow(page, Subject=person_id)
    expect(rows(page)).to_have_count(2)
    choose_action(page, "Change person")
    narrow(page)
    expect(rows(page)).to_have_count(1)
    expect(rows(page, "person.update")).to_have_count(1)
    # The view can be passed on.
    page.reload()
    expect(rows(page, "person.update")).to_have_count(1)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(rows(page, "person.enrol").first).to_be_visible()

    name, _ = empty_gallery.administrator
    narrow(page, Who=name)
    expect(rows(page, "audit.read").first).to_be_visible()
    expect(rows(page, "person.enrol")).to_have_count(0)
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    narrow(page, Who="", Subject=person_id, From=tomorrow)
    expect(page.get_by_text("No entries")).to_be_visible()
    narrow(page, From="", **{"To, exclusive": tomorrow})
    expect(rows(page)).to_have_count(2)


def test_R_ACC_4_an_entry_leads_to_all_about_its_subject_and_all_by_its_actor(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes]
) -> None:
    person_id = empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    empty_gallery.call("GET", f"/api/v1/faces/{person_id}")
    page = open_page("/audit?action=person.enrol")
    rows(page).first.get_by_role("button", name="Enrol person").click()
    page.get_by_role("dialog").get_by_role("button", name="All about this subject").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_label("Subject", exact=True)).to_have_value(person_id)
    rows(page, "person.read").get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="All by Key of the settings").click()
    expect(page.get_by_label("Who", exact=True)).to_have_value("configured")
    expect(rows(page).nth(2)).to_be_visible()


def test_R_ACC_4_older_entries_follow_without_gap_and_a_refresh_begins_with_the_newest(
    open_page: OpenPage, server: Server
) -> None:
    for _ in range(2 * PAGE):
        server.call("GET", "/api/v1/faces")
    page = open_page("/audit?action=person.list")
    expect(rows(page)).to_have_count(PAGE)
    page.get_by_role("button", name="Show older ones").click()
    expect(rows(page)).to_have_count(2 * PAGE)
    shown = rows(page).evaluate_all("all => all.map((row) => Number(row.dataset.sequence))")
    newest = server.call("GET", f"/api/v1/audit?action=person.list&limit={2 * PAGE}")["events"]
    assert shown == [event["sequence"] for event in newest]
    server.call("GET", "/api/v1/faces")
    page.get_by_role("button", name="Refresh").click()
    expect(rows(page)).to_have_count(PAGE)
    expect(rows(page).first).not_to_have_attribute("data-sequence", str(shown[0]))


def test_R_ACC_4_the_page_asks_once_since_asking_is_recorded(open_page: OpenPage, server: Server) -> None:
    page = open_page("/audit")
    expect(rows(page, "audit.read").first).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/v1/audit" in request.url else None)
    page.get_by_label("Who", exact=True).press_sequentially("Ada", delay=60)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")
    page.wait_for_timeout(1500)
    assert asked == []


def test_R_WEB_1_on_a_phone_the_filter_makes_room_for_the_log(open_page: OpenPage, server: Server) -> None:
    page = open_page("/audit", viewport={"width": 390, "height": 844})
    expect(rows(page).first).to_be_in_viewport()
    form = page.get_by_role("form", name="Filter")
    expect(form).to_be_hidden()
    page.get_by_role("button", name="Filter").click()
    narrow(page, Subject="nobody")
    expect(page.get_by_text("No entries")).to_be_visible()
    expect(form).to_be_visible()


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_R_ACC_4_every_act_that_the_server_records_has_words(open_page: OpenPage, locale: str) -> None:
    page = open_page("/audit", locale=locale)
    page.get_by_role("combobox").click()
    options = page.get_by_role("option")
    expect(options.first).to_be_visible()
    offered = {str(one.get_attribute("value")): one.inner_text() for one in options.all()}
    assert offered.keys() == {action.value for action in Action}
    assert not [name for name in offered.values() if not name or "." in name]


def test_R_ACC_4_the_log_is_proved_and_the_proof_is_held_to_a_hash_noted_before(
    open_page: OpenPage, server: Server
) -> None:
    page = open_page("/audit")
    page.get_by_role("button", name="Verify").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("lianpu audit verify")
    dialog.get_by_role("button", name="Verify").click()
    verdict = dialog.get_by_test_id("verdict")
    expect(verdict).to_contain_text("The log is whole")
    head = dialog.get_by_test_id("head").inner_text()
    expected = dialog.get_by_role("textbox")
    expected.fill("0" * 63)
    expect(dialog).to_contain_text("A hash has 64 digits")
    expect(dialog.get_by_role("button", name="Verify")).to_be_disabled()
    expected.fill("0" * 64)
    dialog.get_by_role("button", name="Verify").click()
    expect(verdict).to_contain_text("No entry has the expected hash")
    expected.fill(f" {head.upper()} ")
    dialog.get_by_role("button", name="Verify").click()
    expect(verdict).to_contain_text("The log is whole")
    assert server.call("GET", f"/api/v1/audit/verify?expect_head={head}")["ok"]


@pytest.mark.skipif(INSTALLATION is not None, reason="it changes the file of SQLite behind the server's back")
@pytest.mark.parametrize(
    ("locale", "verify", "broken", "where", "why"),
    [
        ("en-US", "Verify", "The log is broken", "Entry 2:", "Its seal does not fit"),
        ("zh-CN", "验证", "日志已损坏", "第 2 条记录：", "封印不符"),
    ],
)
def test_R_ACC_4_a_log_that_was_changed_is_shown_broken(
    open_page: OpenPage, tmp_path: Path, locale: str, verify: str, broken: str, where: str, why: str
) -> None:
    with running_server(tmp_path / "home", tmp_path / "server.log") as fresh:
        with sqlite3.connect(tmp_path / "home" / "lianpu.db") as database:
            database.execute("DROP TRIGGER audit_events_no_update")
            database.execute("UPDATE audit_events SET action = 'face.detect' WHERE sequence = 2")
        page = open_page("/audit", base=fresh.url, locale=locale)
        page.get_by_role("button", name=verify).click()
        page.get_by_role("dialog").locator("[type=submit]").click()
        verdict = page.get_by_test_id("verdict")
        for text in (broken, where, why):
            expect(verdict).to_contain_text(text)
