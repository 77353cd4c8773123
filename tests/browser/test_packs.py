"""R-LIB 6-8, R-INF 5, R-WEB: the page of the packs: thresholds, coverage, the switch, shadow mode, downloads."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import WEIGHTS, OpenPage
from tests.browser.server import Server
from tests.browser.words import EN, Words
from tests.packs.nasty_server import NastyServer


def panel_of(page: Page, pack: str) -> Locator:
    return page.get_by_test_id("pack").filter(has=page.get_by_role("heading", name=pack))


def pack_of(server: Server, name: str) -> dict[str, object]:
    return next(pack for pack in server.call("GET", "/api/v1/models")["models"] if pack["name"] == name)


def test_R_LIB_8_the_gallerys_own_threshold_is_set_and_taken_back(
    open_page: OpenPage, server_of_ten: Server, words: Words
) -> None:
    page = open_page("/", locale=words.locale, base=server_of_ten.url)
    page.get_by_role("navigation").get_by_role("link", name=words.packs, exact=True).click()
    panel = panel_of(page, "foamliu@1")
    expect(panel).to_contain_text(words.default_badge)
    expect(panel.get_by_test_id("coverage")).to_have_text(words.coverage_of.format(20, 20))
    change = panel.get_by_role("button", name=words.change_threshold.format("foamliu@1"))
    change.click()
    page.get_by_label(words.least_score).fill("0.66")
    page.get_by_role("dialog").get_by_role("button", name=words.save).click()
    expect(panel.get_by_test_id("threshold")).to_have_text("0.660")
    assert pack_of(server_of_ten, "foamliu")["gallery_threshold"] == 0.66

    change.click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile(words.back_to_own)).click()
    expect(panel.get_by_test_id("threshold")).to_have_text("0.700")
    assert pack_of(server_of_ten, "foamliu")["gallery_threshold"] is None


def test_R_LIB_7_a_pack_that_knows_nobody_becomes_default_only_by_force(
    open_page: OpenPage, server_of_ten: Server, words: Words
) -> None:
    page = open_page("/packs", locale=words.locale, base=server_of_ten.url)
    panel_of(page, "dlib@1").get_by_role("button", name=words.make_default).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=words.switch).click()
    expect(dialog.get_by_test_id("coverage")).to_have_text(words.coverage_of.format(0, 20))
    forced = dialog.get_by_role("button", name=words.switch_nevertheless)
    expect(forced).to_be_disabled()
    dialog.get_by_label(words.not_recognised).check()
    expect(forced).to_be_enabled()
    dialog.get_by_role("button", name=words.cancel).click()
    assert pack_of(server_of_ten, "foamliu")["is_default"]


def test_R_LIB_6_and_7_a_second_pack_is_embedded_compared_and_made_default(
    open_page: OpenPage, server_of_ten: Server, t1_photo: bytes
) -> None:
    page = open_page("/packs", base=server_of_ten.url)
    panel = panel_of(page, "insightface@1")
    panel.get_by_role("button", name=EN.make_missing.format(20)).click()
    expect(panel.get_by_test_id("coverage")).to_have_text(EN.coverage_of.format(20, 20))

    panel.get_by_role("button", name=EN.pack_actions.format("insightface@1")).click()
    page.get_by_role("menuitem", name=EN.try_shadow).click()
    page.get_by_role("dialog").get_by_role("button", name=EN.begin).click()
    shadow = page.get_by_role("region", name=EN.shadow_mode)
    expect(shadow).to_contain_text("insightface@1 beside foamliu@1")
    server_of_ten.call("POST", "/api/v1/search", t1_photo, "image/jpeg")
    expect(shadow.get_by_test_id("agreement")).to_have_text("100%")
    shadow.get_by_role("button", name=EN.end).click()
    expect(shadow).to_be_hidden()

    for pack in ("insightface@1", "foamliu@1"):  # there, and back
        panel_of(page, pack).get_by_role("button", name=EN.make_default).click()
        page.get_by_role("dialog").get_by_role("button", name=EN.switch).click()
        expect(panel_of(page, pack)).to_contain_text(EN.default_badge)
        assert pack_of(server_of_ten, pack.partition("@")[0])["is_default"]


def test_R_INF_5_a_pack_is_downloaded_once_its_terms_are_accepted_and_deleted_again(
    open_page: OpenPage, server_of_ten: Server, weights_server: NastyServer, words: Words
) -> None:
    weights_server.serve("/w", WEIGHTS)
    weights_server.asked.clear()
    page = open_page("/packs", locale=words.locale, base=server_of_ten.url)
    page.get_by_role("button", name=re.compile(words.show_all_packs)).click()
    page.get_by_role("button", name=words.download_pack.format("restorer@1")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("LicenseRef-InsightFace-NonCommercial")
    download = dialog.get_by_role("button", name=words.download, exact=True)
    expect(download).to_be_disabled()
    assert weights_server.asked == []
    dialog.get_by_label(re.compile(words.accept_terms)).check()
    download.click()

    panel = panel_of(page, "restorer@1")
    expect(panel).to_be_visible()
    assert weights_server.asked != []
    panel.get_by_role("button", name=words.pack_actions.format("restorer@1")).click()
    page.get_by_role("menuitem", name=words.delete_pack).click()
    page.get_by_role("dialog").get_by_role("button", name=words.delete, exact=True).click()
    expect(panel).to_be_hidden()
    assert "restorer" not in {pack["name"] for pack in server_of_ten.call("GET", "/api/v1/models")["models"]}
