"""R-LIB 9, R-WEB: the health report is made, its findings are mended, called fine, or found to be outdated."""

import json
import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.server import Server
from tests.browser.words import EN, Words


def checked(page: Page, words: Words) -> Locator:
    """The findings of a new report."""
    page.get_by_role("button", name=re.compile(f"{words.check_now}|{words.check_again}")).first.click()
    return page.get_by_test_id("finding").and_(page.locator("[data-kind=duplicate_persons]"))


def test_R_LIB_9_a_person_enrolled_twice_is_found_and_merged(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], words: Words
) -> None:
    empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    empty_gallery.enrol("Bob", crops["Bob.jpg"])
    page = open_page("/gallery", locale=words.locale)
    page.get_by_role("navigation").get_by_role("link", name=words.health_report).click()
    page.get_by_role("button", name=re.compile(f"{words.check_now}|{words.check_again}")).first.click()
    expect(page.get_by_role("heading", name=words.all_well)).to_be_visible()

    empty_gallery.enrol("Anna", crops["Ann 2.jpg"])
    finding = checked(page, words)
    expect(finding).to_have_count(1)
    expect(finding.locator("img")).to_have_count(2)
    finding.get_by_role("button", name=words.merge_into.format("Anna", "Ann")).click()
    assert len(empty_gallery.persons()) == 3, "nothing is lost before it is confirmed"
    page.get_by_role("dialog").get_by_role("button", name=words.merge, exact=True).click()

    expect(page.get_by_role("heading", name=words.all_well)).to_be_visible()
    assert {person["name"]: person["image_count"] for person in empty_gallery.persons()} == {"Ann": 2, "Bob": 1}


def test_R_LIB_9_what_is_fine_is_not_reported_again(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes]
) -> None:
    empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    empty_gallery.enrol("Anna", crops["Ann 2.jpg"])
    page = open_page("/gallery-health")
    finding = checked(page, EN)
    finding.get_by_role("button", name=EN.is_fine).click()
    expect(finding).to_have_count(0)

    page.get_by_role("button", name=EN.check_again).click()
    page.get_by_label(re.compile(EN.show_dismissed)).check()
    expect(finding).to_contain_text("Called fine")
    finding.get_by_role("button", name="Report again").click()
    expect(finding.get_by_role("button", name=EN.is_fine)).to_be_visible()


def test_R_LIB_9_an_outdated_finding_changes_nothing(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], words: Words
) -> None:
    ids = [empty_gallery.enrol("Ann", crops["Ann 1.jpg"]), empty_gallery.enrol("Anna", crops["Ann 2.jpg"])]
    page = open_page("/gallery-health", locale=words.locale)
    finding = checked(page, words)
    expect(finding).to_have_count(1)
    for person_id in ids:
        empty_gallery.call("PATCH", f"/api/v1/faces/{person_id}", json.dumps({"threshold": 1.0}).encode())

    finding.get_by_role("button", name=words.merge_into.format("Anna", "Ann")).click()
    page.get_by_role("dialog").get_by_role("button", name=words.merge, exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(words.no_longer_holds)
    assert len(empty_gallery.persons()) == 2
