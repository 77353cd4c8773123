"""R-WEB: enrol by dropping files, choose among several faces, rename, edit, delete, the images of a person."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, drop, files
from tests.browser.server import Server
from tests.browser.words import Words


def test_enrol_several_files_by_dropping_them(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], words: Words
) -> None:
    page = open_page("/gallery", locale=words.locale)
    expect(page.get_by_role("button", name=words.first_person)).to_be_visible()

    drop(page.get_by_role("heading", level=1), {**crops, "empty.jpg": b""})
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(words.named_by_file).click()
    dialog.locator("button[type=submit]").click()

    rows = dialog.get_by_test_id("enrol-row")
    expect(rows.nth(0)).to_contain_text(words.enrolled)
    expect(rows.nth(1)).to_contain_text(f"{words.added} Ann")
    expect(rows.nth(2)).to_contain_text(words.enrolled)
    expect(rows.nth(3)).to_contain_text(words.image_empty)
    expect(rows.nth(3)).to_contain_text("image_empty")
    dialog.get_by_role("button", name=words.done, exact=True).click()

    expect(page.get_by_test_id("person-card")).to_have_count(2)
    assert {person["name"]: person["image_count"] for person in empty_gallery.persons()} == {"Ann": 2, "Bob": 1}


def test_choose_one_of_several_faces(open_page: OpenPage, empty_gallery: Server, t1_photo: bytes, words: Words) -> None:
    page = open_page("/gallery", locale=words.locale)
    page.get_by_role("button", name=words.enrol, exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(words.name).fill("Cleo")
    dialog.locator("input[type=file]").set_input_files(files({"group.jpg": t1_photo}))
    dialog.get_by_role("button", name=words.start_one).click()
    dialog.get_by_role("button", name=words.choose).click()

    boxes = dialog.locator("button[aria-pressed]")
    expect(boxes).to_have_count(6)
    boxes.nth(2).click()

    expect(dialog.get_by_test_id("enrol-row")).to_contain_text(words.enrolled)
    [cleo] = empty_gallery.persons()
    image = empty_gallery.call("GET", f"/api/v1/faces/{cleo['person_id']}")["images"][0]
    assert image["box"] == empty_gallery.faces(t1_photo)[2]["box"]


def test_rename_edit_and_delete(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], words: Words
) -> None:
    empty_gallery.enrol("Bob", crops["Bob.jpg"])
    page = open_page("/gallery", locale=words.locale)
    page.get_by_role("button", name=words.actions.format("Bob")).click()
    page.get_by_role("menuitem", name=words.rename).click()
    page.get_by_role("dialog").get_by_label(words.name).fill("Róbert 张")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("person-card")).to_contain_text("Róbert 张")

    page.get_by_role("button", name=words.actions.format("Róbert 张")).click()
    page.get_by_role("menuitem", name=words.edit_details).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=words.add_field).click()
    dialog.get_by_label(words.key, exact=True).fill("department")
    dialog.get_by_label(words.value, exact=True).fill("R&D")
    dialog.get_by_role("button", name=words.save).click()
    expect(dialog).to_be_hidden()
    assert empty_gallery.persons()[0]["metadata"] == {"department": "R&D"}

    page.get_by_role("button", name=words.actions.format("Róbert 张")).click()
    page.get_by_role("menuitem", name=words.delete).click()
    page.get_by_role("dialog").get_by_role("button", name=words.delete, exact=True).click()
    expect(page.get_by_role("button", name=words.first_person)).to_be_visible()
    assert empty_gallery.persons() == []


def test_images_of_a_person(open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], words: Words) -> None:
    empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    page = open_page("/gallery", locale=words.locale)
    page.get_by_role("link", name="Ann").click()
    tiles = page.get_by_test_id("image-tile")
    expect(tiles).to_have_count(1)

    page.keyboard.press("n")
    dialog = page.get_by_role("dialog")
    dialog.locator("input[type=file]").set_input_files(files({"another.jpg": crops["Ann 2.jpg"]}))
    dialog.get_by_role("button", name=words.start_one).click()
    dialog.get_by_role("button", name=words.done, exact=True).click()
    expect(tiles).to_have_count(2)

    page.get_by_role("button", name=words.image_menu.format(2)).click()
    page.get_by_role("menuitem", name=words.set_primary).click()
    expect(tiles.filter(has_text=words.primary)).to_have_count(1)
    expect(page.get_by_role("alert").or_(page.locator(".mantine-Notification-root"))).to_be_visible()

    page.get_by_role("button", name=words.open_image.format(1)).click()
    detail = page.get_by_role("dialog")
    expect(detail).to_contain_text(words.quality)
    expect(detail).to_contain_text("dlib@1")
    page.keyboard.press("Escape")
    expect(detail).to_be_hidden()

    page.get_by_role("button", name=words.image_menu.format(2)).click()
    page.get_by_role("menuitem", name=words.delete_image).click()
    page.get_by_role("dialog").get_by_role("button", name=words.delete, exact=True).click()
    expect(tiles).to_have_count(1)
    assert empty_gallery.persons()[0]["image_count"] == 1


def test_filter_by_name(open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes]) -> None:
    empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    empty_gallery.enrol("Bob", crops["Bob.jpg"])
    page = open_page("/gallery")
    cards = page.get_by_test_id("person-card")
    expect(cards).to_have_count(2)
    page.keyboard.press("/")
    page.keyboard.type("bo")
    expect(cards).to_have_count(1)
    page.keyboard.type("xx")
    page.get_by_role("button", name="Clear the filter").last.click()
    expect(cards).to_have_count(2)


def test_pages_follow_one_another(open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes]) -> None:
    empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    empty_gallery.enrol("Bob", crops["Bob.jpg"])
    page = open_page("/")
    # Two persons are two pages when the server is asked for one at a time.
    page.route("**/api/v1/faces?limit=*", lambda route: route.continue_(url=route.request.url.replace("=60", "=1")))
    page.keyboard.press("g")
    page.keyboard.press("g")
    expect(page.get_by_test_id("person-card")).to_have_count(2)
