"""R-LIB 8, R-WEB: what each threshold means for the own people is measured, shown and applied."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.server import Server
from tests.browser.test_packs import pack_of
from tests.browser.words import Words


def test_R_LIB_8_a_threshold_is_proposed_and_applied(open_page: OpenPage, server_of_ten: Server, words: Words) -> None:
    page = open_page("/", locale=words.locale, base=server_of_ten.url)
    page.get_by_role("navigation").get_by_role("link", name=words.calibration).click()
    page.get_by_role("combobox", name=words.wanted_rate).click()
    page.get_by_role("option", name=words.one_in_100, exact=True).click()
    page.get_by_role("main").locator("button[type=submit]").click()
    expect(page.get_by_test_id("sentence")).to_contain_text(words.stranger_sentence)
    expect(page.get_by_test_id("threshold-row").first).to_be_visible()
    expect(page.locator("svg.recharts-surface path.recharts-curve").first).to_be_visible()
    proposed = page.get_by_test_id("proposed").inner_text()
    page.get_by_role("button", name=words.apply_threshold).click()
    expect(page.get_by_test_id("in-use")).to_have_text(proposed)
    applied = pack_of(server_of_ten, "foamliu")["gallery_threshold"]
    assert isinstance(applied, float)
    assert f"{applied:.3f}" == proposed

    page.reload()  # the earlier result is shown again
    expect(page.get_by_test_id("proposed")).to_have_text(proposed)
    page.get_by_role("button", name=words.back_to_own).click()
    expect(page.get_by_test_id("in-use")).to_have_text("0.700")
    assert pack_of(server_of_ten, "foamliu")["gallery_threshold"] is None


def test_R_LIB_8_look_alikes_are_kept_apart_by_thresholds_of_their_own(
    open_page: OpenPage, server_of_ten: Server, words: Words
) -> None:
    for person in server_of_ten.persons():
        server_of_ten.call("PATCH", f"/api/v1/faces/{person['person_id']}", b'{"threshold": null}')
    page = open_page("/calibration?pack=foamliu@1", locale=words.locale, base=server_of_ten.url)
    page.get_by_role("main").locator("button[type=submit]").click()
    pair = page.get_by_test_id("look-alike").first
    expect(pair.locator("img")).to_have_count(2)
    pair.get_by_role("button", name=re.compile(words.own_threshold_set)).click()
    expect(pair).to_contain_text(words.kept_apart)
    report = server_of_ten.call("GET", "/api/v1/gallery/calibrate?pack=foamliu")["calibration"]["look_alikes"][0]
    own = {person["person_id"]: person["threshold"] for person in server_of_ten.persons()}
    assert [own[person_id] for person_id in report["person_ids"]] == [report["suggested_threshold"]] * 2


def test_R_LIB_8_too_few_people_are_told_what_is_needed(
    open_page: OpenPage, empty_gallery: Server, words: Words
) -> None:
    page = open_page("/calibration", locale=words.locale)
    page.get_by_role("button", name=words.calibrate, exact=True).click()
    expect(page.get_by_role("heading", name=words.too_few_people)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(words.needs_ten)
    assert empty_gallery.call("GET", "/api/v1/jobs?kind=gallery.calibrate")["jobs"] == []
