"""R-ENH 1, 2, 4, 5, 6, 7, R-WEB: photos are enhanced, compared with what they were, fetched once, and then gone."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Request, Route, WebSocketRoute, expect

from tests.browser.conftest import CONSOLE, OpenPage, drop
from tests.browser.server import Server, running_server
from tests.browser.test_roles import open_as
from tests.browser.words import EN, Words

SLOW_MS = 240_000
"""Networks on a processor, of which other tests may take a part."""
PUSH = "**/api/v1/ws/**"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that calls nothing quick, so that every photo becomes a task, and lets its users send what they like."""
    if not CONSOLE.is_file():
        pytest.skip("the console is not built: `python run.py` does that")
    folder = tmp_path_factory.mktemp("studio")
    environment = {"LIANPU_ENHANCE__QUICK_S": "0", "LIANPU_ENHANCE__PER_USER": "null"}
    with running_server(folder / "home", folder / "server.log", **environment) as running:
        yield running


@pytest.fixture(scope="module")
def portrait(astronaut_photo: bytes) -> bytes:
    """A poor one: 128×128 JPEG of the astronaut's head."""
    photo = Image.open(io.BytesIO(astronaut_photo)).convert("RGB").crop((100, 0, 356, 256))
    return jpeg(photo.resize((128, 128), Image.Resampling.BICUBIC))


def test_R_ENH_6_a_photo_is_enhanced_compared_fetched_once_and_gone(
    open_page: OpenPage, studio: Server, portrait: bytes, words: Words
) -> None:
    page = open_page("/", base=studio.url, locale=words.locale)
    fetched = requests_of(page, "/result")
    page.get_by_role("navigation").get_by_role("link", name=words.enhance, exact=True).click()
    drop(page.locator("main [role=group]").first, {"ada.jpg": portrait})
    estimate = page.get_by_test_id("estimate")
    expect(estimate).to_contain_text("256 × 256", timeout=SLOW_MS)
    expect(estimate).to_contain_text("realesrgan")
    page.get_by_text("×1", exact=True).click()
    expect(estimate).to_contain_text("128 × 128 → 128 × 128")
    page.get_by_text("×2", exact=True).click()

    page.get_by_role("button", name=words.start_enhancing, exact=True).click()
    progress = page.get_by_test_id("progress")
    expect(progress.get_by_role("progressbar")).to_be_visible()
    expect(progress.locator("[aria-current=step]")).to_have_count(1)
    expect(page.get_by_test_id("live")).to_have_attribute("data-live", "true")

    proof = page.get_by_test_id("proof")
    expect(proof).to_contain_text(words.gone_from_server, timeout=SLOW_MS)
    expect(proof).to_contain_text("cleaned, retrieved")
    (retrieved,) = fetched
    enhancement_id = retrieved.url.split("/")[-2]
    expect(proof).to_contain_text(enhancement_id)
    face = page.get_by_test_id("enhanced-face")
    expect(face).to_have_count(1)
    expect(face).to_have_attribute("data-identity", "kept")
    expect(face).to_contain_text(words.same_person)
    expect(page.get_by_test_id("report")).to_contain_text("realesrgan-x4plus")
    before, after = page.get_by_test_id("before-after").locator("img").all()[::-1]
    expect(before).to_have_js_property("naturalWidth", 128)
    expect(after).to_have_js_property("naturalWidth", 256)
    for picture in (before, after):
        assert (picture.get_attribute("src") or "").startswith("blob:")

    proof.get_by_role("button", name=words.ask_again).click()
    expect(page.get_by_test_id("proof-again")).to_contain_text("HTTP 410 enhancement_gone")
    with page.expect_download() as download:
        page.get_by_role("button", name=words.save_result).click()
    assert download.value.suggested_filename == "ada.jpg"
    saved = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert (saved.format, saved.size) == ("JPEG", (256, 256))
    expect(page.get_by_text(words.saved)).to_be_visible()
    # The one transfer, and the one that was refused.
    assert len(fetched) == 2

    # Its page was left, and the copy in this tab is still there.
    page.get_by_role("navigation").get_by_role("link", name=words.images, exact=True).click()
    page.get_by_role("navigation").get_by_role("link", name=words.enhance, exact=True).click()
    expect(proof).to_contain_text(enhancement_id)
    expect(page.get_by_test_id("before-after").locator("img").first).to_have_js_property("naturalWidth", 256)
    assert len(fetched) == 2


def test_R_ENH_4_the_line_between_before_and_after_moves_by_keys_and_by_pointer(
    open_page: OpenPage, studio: Server, portrait: bytes
) -> None:
    page = open_page("/enhance", base=studio.url)
    enhance_by_interpolation(page, {"ada.jpg": portrait})
    figure = page.get_by_test_id("before-after")
    line = figure.get_by_role("slider")
    expect(line).to_have_value("50")
    line.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    expect(line).to_have_value("40")
    box = figure.locator("img").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 40, steps=4)
    page.mouse.up()
    expect(line).to_have_value("80")

    line.focus()
    page.keyboard.press("+")
    expect(page.get_by_test_id("zoom")).to_have_text("×1.5")
    nearer = figure.locator("img").first.bounding_box()
    assert nearer is not None
    assert nearer["width"] == pytest.approx(1.5 * box["width"], rel=0.01)
    page.keyboard.press("Shift+ArrowDown")
    lower = figure.locator("img").first.bounding_box()
    assert lower is not None
    assert lower["y"] < nearer["y"]
    # Far from the line, the pointer now moves the picture.
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
    page.mouse.up()
    expect(line).to_have_value("80")
    aside = figure.locator("img").first.bounding_box()
    assert aside is not None
    assert aside["x"] > lower["x"]
    page.keyboard.press("0")
    expect(page.get_by_test_id("zoom")).to_have_text("×1.0")


def test_R_ENH_2_many_photos_have_each_its_progress_and_one_download(
    open_page: OpenPage, studio: Server, portrait: bytes, t1_photo: bytes, words: Words
) -> None:
    page = open_page("/enhance?batch=true", base=studio.url, locale=words.locale)
    fetched = requests_of(page, "/result")
    group = jpeg(Image.open(io.BytesIO(t1_photo)).convert("RGB").resize((320, 222)))
    photos = {"ada.jpg": portrait, "合影.jpg": group, "cut off.jpg": portrait[:900], "notes.txt": b"no photo"}
    choose(page.get_by_test_id("photos-input"), photos)
    chosen = page.get_by_test_id("chosen")
    expect(chosen.get_by_role("listitem")).to_have_count(3)
    without_networks(page, words)
    expect(page.get_by_test_id("estimate")).to_contain_text("256 × 256", timeout=SLOW_MS)
    page.get_by_role("button", name=words.start_enhancing, exact=True).click()

    done = page.locator("[data-testid=batch-photo][data-status=completed]")
    expect(done).to_have_count(2, timeout=SLOW_MS)
    failed = page.locator("[data-testid=batch-photo][data-status=failed]")
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text("cut off.jpg")
    expect(failed).to_contain_text("image_damaged")
    expect(page.get_by_test_id("expiry")).to_be_visible(timeout=SLOW_MS)
    assert fetched == []

    with page.expect_download() as download:
        page.get_by_role("button", name=words.download_zip).click()
    assert download.value.suggested_filename.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        names = set(archive.namelist())
        assert {"ada.jpg", "合影.jpg"} < names
        assert "cut off.jpg" not in names
        assert Image.open(io.BytesIO(archive.read("合影.jpg"))).size == (640, 444)
    expect(page.get_by_test_id("proof")).to_contain_text(words.all_gone_from_server)
    expect(page.get_by_test_id("proof")).to_contain_text("cleaned, retrieved")
    assert len(fetched) == 1
    expect(done).to_have_count(2)


def test_R_ENH_2_an_archive_is_sent_as_it_is(open_page: OpenPage, studio: Server, portrait: bytes) -> None:
    page = open_page("/enhance?batch=true", base=studio.url)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("holiday/ada.jpg", portrait)
        out.writestr("holiday/beach/ada.jpg", portrait)
    choose(page.get_by_test_id("archive-input"), {"holiday.zip": archive.getvalue()})
    expect(page.get_by_test_id("chosen")).to_contain_text("holiday.zip")
    without_networks(page, EN)
    page.get_by_role("button", name=EN.start_enhancing, exact=True).click()
    done = page.locator("[data-testid=batch-photo][data-status=completed]")
    expect(done).to_have_count(2, timeout=SLOW_MS)
    expect(done.first).to_contain_text("holiday/ada.jpg")

    # Deleted before anybody has fetched it.
    page.get_by_role("button", name="Delete now").click()
    expect(page.get_by_test_id("proof")).to_contain_text("cleaned, deleted")
    expect(page.get_by_role("button", name=EN.download_zip)).to_have_count(0)


def test_R_ENH_6_what_is_worked_on_is_stopped_and_deleted(open_page: OpenPage, studio: Server, t1_photo: bytes) -> None:
    page = open_page("/enhance", base=studio.url)
    choose(page.locator("main input[type=file]"), {"group.jpg": t1_photo})
    expect(page.get_by_test_id("estimate").locator("dl")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("button", name=EN.start_enhancing, exact=True).click()
    expect(page.get_by_test_id("progress").locator("[aria-current=step]")).to_have_count(1)
    page.get_by_role("button", name="Stop and delete").click()
    expect(page.get_by_test_id("proof")).to_contain_text("cleaned, deleted", timeout=SLOW_MS)
    expect(page.get_by_role("button", name=EN.save_result)).to_have_count(0)
    page.get_by_role("button", name="Another photo").click()
    expect(page.get_by_role("group", name="Drop a photo here")).to_be_visible()


def test_R_ENH_5_without_push_the_server_is_asked(open_page: OpenPage, studio: Server, portrait: bytes) -> None:
    page = open_page("/", base=studio.url)
    page.route_web_socket(PUSH, close)
    page.goto(f"{studio.url}/enhance")
    enhance_by_interpolation(page, {"ada.jpg": portrait})
    expect(page.get_by_test_id("proof")).to_contain_text("cleaned, retrieved")


def test_R_ENH_1_what_cannot_be_enhanced_is_told_before_it_is_sent(
    open_page: OpenPage, studio: Server, portrait: bytes
) -> None:
    page = open_page("/enhance", base=studio.url)
    sent = requests_of(page, "/api/v1/enhance")
    choose(page.locator("main input[type=file]"), {"notes.jpg": b"no photo at all"})
    expect(page.get_by_test_id("refusal")).to_contain_text("image_format_unsupported")
    expect(page.get_by_role("button", name=EN.start_enhancing, exact=True)).to_be_disabled()
    page.get_by_role("button", name="Another photo").click()
    huge = jpeg(Image.new("RGB", (6000, 6000)))
    choose(page.locator("main input[type=file]"), {"huge.jpg": huge})
    page.get_by_text("×8", exact=True).click()
    expect(page.get_by_test_id("refusal")).to_contain_text("enhancement_too_large")
    assert sent == []
    # What is allowed is one press away.
    page.get_by_role("button", name=re.compile("the most for this photo")).click()
    expect(page.get_by_test_id("estimate").locator("dl")).to_be_visible(timeout=SLOW_MS)


def test_R_ENH_1_a_quick_photo_is_answered_at_once(open_page: OpenPage, server: Server, portrait: bytes) -> None:
    """By a server that is set as it comes; the photo is pasted."""
    page = open_page("/enhance", base=server.url)
    fetched = requests_of(page, "/result")
    expect(page.get_by_role("group", name="Drop a photo here")).to_be_visible(timeout=SLOW_MS)
    page.evaluate(
        """(bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "pasted.jpg", { type: "image/jpeg" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        list(portrait),
    )
    without_networks(page, EN)
    page.get_by_role("button", name=EN.start_enhancing, exact=True).click()
    expect(page.get_by_test_id("proof")).to_contain_text("cleaned, retrieved", timeout=SLOW_MS)
    expect(page.get_by_test_id("before-after")).to_be_visible()
    assert len(fetched) == 1


def test_R_ENH_1_the_camera_takes_a_photo_to_enhance(open_page: OpenPage, studio: Server) -> None:
    page = open_page("/enhance", base=studio.url, permissions=["camera"])
    page.get_by_role("button", name="Camera", exact=True).click()
    page.get_by_role("button", name=EN.take_photo).click()
    expect(page.get_by_test_id("estimate").locator("dl")).to_be_visible(timeout=SLOW_MS)
    expect(page.locator("main")).to_contain_text(re.compile(r"camera .*\.jpg"))


def test_R_ENH_1_a_photo_that_is_damaged_inside_is_told_and_gone(
    open_page: OpenPage, studio: Server, portrait: bytes
) -> None:
    page = open_page("/enhance", base=studio.url)
    enhance_by_interpolation(page, {"cut off.jpg": portrait[:1200]}, is_damaged=True)
    expect(page.locator("main").get_by_role("alert")).to_contain_text("image_damaged")
    expect(page.get_by_test_id("proof")).to_contain_text("failed, failed")


def test_R_ENH_7_who_sends_too_much_is_told_how_long_to_wait(
    open_page: OpenPage, server: Server, portrait: bytes
) -> None:
    """By a server that is set as it comes."""
    page, _ = open_as(open_page, server, "erna", "viewer", "/enhance")
    spend_the_minute(page, server)
    choose(page.locator("main input[type=file]"), {"ada.jpg": portrait})
    expect(page.get_by_test_id("estimate").locator("dl")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("button", name=EN.start_enhancing, exact=True).click()
    refusal = page.get_by_test_id("refusal")
    expect(refusal).to_contain_text("rate_limited")
    expect(refusal).to_contain_text(re.compile(r"asks to wait \d+ sec"))
    expect(refusal.get_by_role("button", name="Try again")).to_be_disabled()
    # Neither the photo nor the settings are lost.
    expect(page.get_by_test_id("estimate").locator("dl")).to_be_visible()


def test_R_ENH_6_what_was_not_saved_is_not_given_up_by_mistake(
    open_page: OpenPage, studio: Server, portrait: bytes
) -> None:
    page = open_page("/enhance", base=studio.url)
    enhance_by_interpolation(page, {"ada.jpg": portrait})
    page.get_by_role("button", name="Another photo").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("the server does not keep it")
    dialog.get_by_role("button", name=EN.cancel).click()
    expect(page.get_by_test_id("before-after")).to_be_visible()
    page.get_by_role("button", name="Another photo").click()
    dialog.get_by_role("button", name="Give it up").click()
    expect(page.get_by_role("group", name="Drop a photo here")).to_be_visible()


def test_R_ENH_1_who_may_not_enhance_is_not_offered_it(open_page: OpenPage, studio: Server) -> None:
    page = open_page("/", base=studio.url)
    link = page.get_by_role("navigation").get_by_role("link", name=EN.enhance, exact=True)
    expect(link).to_be_visible()
    page.route("**/api/v1/users/me", without_scope)
    page.reload()
    expect(page.get_by_role("navigation").get_by_role("link", name=EN.images, exact=True)).to_be_visible()
    expect(link).to_have_count(0)
    page.goto(f"{studio.url}/enhance")
    expect(page.get_by_text("This page is not for your role")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_R_WEB_enhancement_fits_a_phone(open_page: OpenPage, studio: Server, portrait: bytes, scheme: Any) -> None:
    page = open_page(
        "/enhance", base=studio.url, viewport={"width": 390, "height": 844}, color_scheme=scheme, has_touch=True
    )
    enhance_by_interpolation(page, {"ada.jpg": portrait})
    expect(page.get_by_test_id("proof")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("tab", name="Many photos").click()
    expect(page.get_by_role("button", name="Choose an archive")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def enhance_by_interpolation(page: Page, photo: dict[str, bytes], *, is_damaged: bool = False) -> None:
    """Without a network: it takes no time, and what the console does is the same."""
    choose(page.locator("main input[type=file]"), photo)
    without_networks(page, EN)
    start = page.get_by_role("button", name=EN.start_enhancing, exact=True)
    expect(start).to_be_enabled(timeout=SLOW_MS)
    start.click()
    shown = page.get_by_test_id("proof" if is_damaged else "before-after")
    expect(shown).to_be_visible(timeout=SLOW_MS)


def without_networks(page: Page, words: Words) -> None:
    for label, choice in ((words.faces_by, words.like_the_rest), (words.rest_by, words.interpolation)):
        page.get_by_role("combobox", name=label, exact=True).click()
        page.get_by_role("option", name=choice, exact=True).click()


def choose(target: Locator, files: dict[str, bytes]) -> None:
    kinds = {"jpg": "image/jpeg", "png": "image/png", "txt": "text/plain", "zip": "application/zip"}
    chosen: list[Any] = [
        {"name": name, "mimeType": kinds[name.rpartition(".")[2]], "buffer": data} for name, data in files.items()
    ]
    target.set_input_files(chosen)


def requests_of(page: Page, ending: str) -> list[Request]:
    """Those to addresses that end so, from now on."""
    seen: list[Request] = []
    page.on("request", lambda request: seen.append(request) if request.url.endswith(ending) else None)
    return seen


def spend_the_minute(page: Page, server: Server) -> None:
    """All uploads that the user of the page may send in a minute, with nothing in them."""
    form = {"grant_type": "refresh_token", "refresh_cookie": "true"}
    token = page.context.request.post(f"{server.url}/api/v1/users/token", form=form).json()["access_token"]
    for _ in range(100):
        answer = page.context.request.post(
            f"{server.url}/api/v1/enhance",
            headers={"Authorization": f"Bearer {token}"},
            multipart={"image": {"name": "empty.jpg", "mimeType": "image/jpeg", "buffer": b""}},
        )
        if answer.status == 429:
            return
    raise AssertionError("a hundred uploads in a minute were let in")


def without_scope(route: Route) -> None:
    answer = route.fetch()
    body = json.loads(answer.text())
    body["user"]["scopes"] = [scope for scope in body["user"]["scopes"] if scope != "enhance:use"]
    route.fulfill(response=answer, json=body)


def close(connection: WebSocketRoute) -> None:
    connection.close(code=1012)


def jpeg(photo: Image.Image) -> bytes:
    data = io.BytesIO()
    photo.save(data, "JPEG", quality=60)
    return data.getvalue()
