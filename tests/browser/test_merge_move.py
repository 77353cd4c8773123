"""R-LIB 5, R-WEB: persons are merged, an image is moved, and a deletion says what is gone."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.server import Server
from tests.browser.words import Words


def test_R_LIB_5_merge_another_person_into_this(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], words: Words
) -> None:
    ann = empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    empty_gallery.enrol("Anna", crops["Ann 2.jpg"])
    empty_gallery.enrol("Bob", crops["Bob.jpg"])
    page = open_page(f"/gallery/{ann}", locale=words.locale)
    page.get_by_role("button", name=words.actions.format("Ann")).click()
    page.get_by_role("menuitem", name=words.merge_another).click()
    dialog = page.get_by_role("dialog")
    merge = dialog.get_by_role("button", name=words.merge, exact=True)
    expect(merge).to_be_disabled()
    dialog.get_by_label(words.same_person_as.format("Ann")).fill("nna")
    expect(page.get_by_role("option")).to_have_count(1)
    page.get_by_role("option", name="Anna").click()
    expect(dialog.locator("img")).to_have_count(2)
    merge.click()
    expect(page.get_by_test_id("image-tile")).to_have_count(2)
    assert {person["name"]: person["image_count"] for person in empty_gallery.persons()} == {"Ann": 2, "Bob": 1}


def test_R_LIB_5_move_an_image_and_delete_with_a_receipt(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], words: Words
) -> None:
    ann = empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    page = open_page(f"/gallery/{ann}", locale=words.locale)
    page.get_by_role("button", name=words.image_menu.format(1)).click()
    page.get_by_role("menuitem", name=words.move_photo).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(words.new_person, exact=True).click()
    dialog.get_by_label(words.new_name).fill("Cleo")
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name=words.move, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cleo")
    assert [(person["name"], person["image_count"]) for person in empty_gallery.persons()] == [("Cleo", 1)]

    page.get_by_role("button", name=words.actions.format("Cleo")).click()
    page.get_by_role("menuitem", name=words.delete).click()
    page.get_by_role("dialog").get_by_role("button", name=words.delete, exact=True).click()
    expect(page.locator(".mantine-Notification-root", has_text=words.nothing_left)).to_be_visible()
    assert empty_gallery.persons() == []


def test_R_LIB_9_an_enrolment_that_looks_like_somebody_else_says_so(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], words: Words
) -> None:
    empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    page = open_page("/gallery", locale=words.locale)
    page.get_by_role("button", name=words.enrol, exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(words.name).fill("Anna")
    photo = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": crops["Ann 2.jpg"]}
    dialog.locator("input[type=file]").set_input_files([photo])
    dialog.get_by_role("button", name=words.start_one).click()
    expect(dialog.get_by_test_id("enrol-row")).to_contain_text(words.enrolled)
    expect(dialog.get_by_test_id("warnings")).to_contain_text(words.looks_like.format("Ann"))
