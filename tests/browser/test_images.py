"""R-INF 1-4, R-WEB: one's own pictures, what models see in them now or in the background, told without reloading."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.browser.conftest import CONSOLE, OpenPage, drop
from tests.browser.server import Server, running_server
from tests.browser.words import EN, Words

PUSH = "**/api/v1/ws/**"
BROKEN_OFF = 1012
TITLE = "SqueezeNet 1.1"
MANIFEST = """
schema_version = 1
name = "squeezenet"
version = "1.1"
title = "SqueezeNet 1.1"
[input]
size = 227
colour = "bgr"
mean = [104.0, 117.0, 123.0]
"""


@pytest.fixture
def no_pictures(server: Server) -> Server:
    """Calls as the account of the pages."""
    server = server.as_administrator()
    while images := server.call("GET", "/api/v1/images/")["images"]:
        for image in images:
            server.call("DELETE", f"/api/v1/images/{image['image_id']}")
    return server


@pytest.fixture(scope="module")
def server_with_squeezenet(testkit: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Its models folder has SqueezeNet, and another model without its labels."""
    if not CONSOLE.is_file():
        pytest.skip("the console is not built: `python run.py` does that")
    folder = tmp_path_factory.mktemp("squeezenet")
    models = folder / "home" / "models"
    for name in ("squeezenet", "unfinished"):
        (models / name).mkdir(parents=True)
        copyfile(testkit / "models/classification/squeezenet_v1.1_227.onnx", models / name / "model.onnx")
        (models / name / "model.toml").write_text(
            MANIFEST.replace("squeezenet", name).replace(TITLE, TITLE if name == "squeezenet" else name)
        )
    names = (testkit / "models/classification/synset_words.txt").read_text().splitlines()
    labels = [name.partition(" ")[2] for name in names]
    (models / "squeezenet" / "labels.txt").write_text("\n".join(labels) + "\n")
    with running_server(folder / "home", folder / "server.log") as running:
        yield running


def test_R_INF_1_pictures_are_uploaded_with_progress_and_deleted(
    open_page: OpenPage, no_pictures: Server, t1_photo: bytes, astronaut_photo: bytes, words: Words
) -> None:
    page = open_page("/", locale=words.locale)
    page.get_by_role("navigation").get_by_role("link", name=words.images, exact=True).click()
    choose(page, {"group.jpg": t1_photo, "astronaut.png": astronaut_photo, "notes.txt": b"no picture at all"})

    pictures = page.get_by_test_id("picture")
    expect(pictures).to_have_count(2)
    refused = page.locator("[data-testid=upload][data-state=failed]")
    expect(refused).to_have_count(1)
    expect(refused).to_contain_text("notes.txt")
    expect(refused).to_contain_text(words.format_unsupported)
    for picture in pictures.all():
        expect(picture.locator("img")).to_have_js_property("complete", True)
        expect(picture.locator("img")).not_to_have_js_property("naturalWidth", 0)

    # It outlives the page.
    page.reload()
    expect(pictures).to_have_count(2)
    page.get_by_role("button", name=words.delete_named.format("group.jpg")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("group.jpg")
    dialog.get_by_role("button", name=words.cancel).click()
    expect(pictures).to_have_count(2)
    page.get_by_role("button", name=words.delete_named.format("group.jpg")).click()
    dialog.get_by_role("button", name=words.delete, exact=True).click()
    expect(pictures).to_have_count(1)
    left = no_pictures.call("GET", "/api/v1/images/")["images"]
    assert [image["name"] for image in left] == ["astronaut.png"]


def test_R_INF_1_dropped_pictures_come_in_pages(
    open_page: OpenPage, no_pictures: Server, crops: dict[str, bytes]
) -> None:
    page = open_page("/images")
    target = page.get_by_role("group", name="Drop photos here")
    drop(target, {f"{number:02}.jpg": crops["Bob.jpg"] for number in range(25)})
    pictures = page.get_by_test_id("picture")
    expect(page.get_by_text("25 pictures", exact=True)).to_be_visible()
    expect(pictures).to_have_count(24)
    page.get_by_role("button", name="Page 2").click()
    expect(pictures).to_have_count(1)
    expect(page).to_have_url(re.compile(r"page=2"))
    # The last one of a page takes the page with it.
    pictures.get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(pictures).to_have_count(24)
    expect(page).not_to_have_url(re.compile(r"page="))


def test_R_INF_2_faces_are_found_now_and_drawn_on_the_picture(
    open_page: OpenPage, no_pictures: Server, t1_photo: bytes, words: Words
) -> None:
    page = opened_picture(open_page, "group.jpg", t1_photo, locale=words.locale)
    page.get_by_role("button", name=words.run_now).click()
    faces = page.get_by_test_id("face")
    expected = no_pictures.faces(t1_photo)
    expect(faces).to_have_count(len(expected))
    boxes = page.get_by_test_id("stage").get_by_role("button")
    expect(boxes).to_have_count(len(expected))
    image = page.get_by_test_id("stage").locator("img").bounding_box()
    assert image is not None
    drawn = [drawn_box(box, image) for box in boxes.all()]
    for face in expected:
        place = face["box_normalized"]
        nearest = min(drawn, key=lambda box: abs(box[0] - place["left"]) + abs(box[1] - place["top"]))
        wanted = (place["left"], place["top"], place["width"], place["height"])
        assert nearest == pytest.approx(wanted, abs=0.01)

    boxes.first.click()
    expect(page.locator("[data-testid=face][data-selected=true]")).to_have_count(1)


def test_R_INF_3_a_result_of_the_background_arrives_without_reloading_or_asking(
    open_page: OpenPage, no_pictures: Server, t1_photo: bytes, words: Words
) -> None:
    sockets: list[str] = []
    heard: list[str] = []
    page = open_page("/images", locale=words.locale)
    page.on(
        "websocket",
        lambda socket: (
            sockets.append(socket.url),
            socket.on("framereceived", lambda frame: heard.append(str(frame))),
        ),
    )
    open_uploaded(page, "group.jpg", t1_photo)
    page.evaluate("globalThis.stays = true")
    page.get_by_role("button", name=words.run_in_background).click()
    expect(page.get_by_test_id("face")).to_have_count(len(no_pictures.faces(t1_photo)))
    assert page.evaluate("globalThis.stays"), "the page was loaded anew"
    assert any('"completed"' in frame and "event_id" in frame for frame in heard), "nothing was pushed"
    assert not any("token" in url for url in sockets), "a credential was put into an address"
    # Its job leads back to the picture.
    page.get_by_role("navigation").get_by_role("link", name=words.jobs).click()
    row = page.get_by_test_id("job-row").first
    expect(row.get_by_role("button")).not_to_have_text("images.inference")
    row.get_by_role("button").click()
    page.get_by_role("dialog").locator("a[href^='/images/']").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("group.jpg")


def test_R_INF_3_without_push_the_result_is_asked_for(
    open_page: OpenPage, no_pictures: Server, t1_photo: bytes
) -> None:
    page = open_page("/images")
    page.route_web_socket(PUSH, lambda connection: connection.close(code=BROKEN_OFF))
    open_uploaded(page, "group.jpg", t1_photo)
    page.get_by_role("button", name=EN.run_in_background).click()
    expect(page.get_by_test_id("face")).to_have_count(len(no_pictures.faces(t1_photo)))


def test_R_INF_3_a_connection_that_breaks_resumes_and_tells_what_happened_meanwhile(
    open_page: OpenPage, no_pictures: Server, t1_photo: bytes
) -> None:
    connections: list[WebSocketRoute] = []
    auths: list[dict[str, Any]] = []
    page = open_page("/images")
    page.route_web_socket(PUSH, lambda connection: through(connection, connections, auths))
    open_uploaded(page, "group.jpg", t1_photo)
    page.get_by_role("button", name=EN.run_in_background).click()
    expect(page.get_by_test_id("face").first).to_be_visible()
    image_id = page.url.rpartition("/")[2]
    connections[-1].close(code=BROKEN_OFF)
    inference = json.dumps({"image_id": image_id, "model": "face-analysis"}).encode()
    no_pictures.call("POST", "/api/v1/images/inference/async", inference)
    expect(page.locator("[data-testid=run][data-status=completed]")).to_have_count(2)
    resumed = [auth for auth in auths if "last_event_id" in auth]
    assert resumed, "the console began anew where it should have resumed"


def test_R_INF_4_a_dropped_in_classifier_is_drawn_as_bars_and_a_broken_one_is_explained(
    open_page: OpenPage, server_with_squeezenet: Server, astronaut_photo: bytes
) -> None:
    page = opened_picture(open_page, "astronaut.png", astronaut_photo, base=server_with_squeezenet.url)
    unavailable = page.get_by_test_id("unavailable-models")
    unavailable.locator("summary").click()
    expect(unavailable).to_contain_text("unfinished")
    expect(unavailable).to_contain_text("labels.txt")
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name=TITLE).click()
    page.get_by_role("button", name=EN.run_now).click()
    classes = page.get_by_test_id("classes").get_by_role("listitem")
    expect(classes).to_have_count(5)
    expect(page.get_by_test_id("result-model")).to_have_text(TITLE)
    shares = [float(one.get_by_role("progressbar").get_attribute("aria-valuenow") or 0) for one in classes.all()]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 5


def test_R_INF_1_a_picture_that_was_deleted_is_told_gone(open_page: OpenPage, no_pictures: Server) -> None:
    page = open_page("/images/018f0000-0000-7000-8000-000000000000")
    expect(page.get_by_role("heading", name="There is no such picture")).to_be_visible()


def choose(page: Page, files: dict[str, bytes]) -> None:
    kinds = {"jpg": "image/jpeg", "png": "image/png", "txt": "text/plain"}
    chosen: list[Any] = [
        {"name": name, "mimeType": kinds[name.rpartition(".")[2]], "buffer": data} for name, data in files.items()
    ]
    page.locator("main input[type=file]").set_input_files(chosen)


def open_uploaded(page: Page, name: str, photo: bytes) -> None:
    choose(page, {name: photo})
    page.get_by_role("link", name=name).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def opened_picture(open_page: OpenPage, name: str, photo: bytes, **options: Any) -> Page:
    page = open_page("/images", **options)
    open_uploaded(page, name, photo)
    return page


def through(connection: WebSocketRoute, connections: list[WebSocketRoute], sent: list[dict[str, Any]]) -> None:
    """To the server and back; what the page sends is noted."""
    connections.append(connection)
    server = connection.connect_to_server()

    def from_page(message: str | bytes) -> None:
        sent.append(json.loads(message))
        server.send(message)

    connection.on_message(from_page)


def drawn_box(box: Locator, image: Any) -> tuple[float, ...]:
    place = box.bounding_box()
    assert place is not None
    left, top = (place["x"] - image["x"]) / image["width"], (place["y"] - image["y"]) / image["height"]
    return left, top, place["width"] / image["width"], place["height"] / image["height"]
