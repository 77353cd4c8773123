"""R-LIB 5, R-WEB: an archive or a folder is enrolled in the background, each file with its own outcome."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, drop
from tests.browser.server import Server
from tests.browser.words import EN, Words


def archive(entries: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as opened:
        for name, content in entries.items():
            opened.writestr(name, content)
    return data.getvalue()


@pytest.fixture(autouse=True)
def no_earlier_jobs(server: Server) -> None:
    """The page shows the newest one, until there is a newer."""
    for job in server.call("GET", "/api/v1/jobs?kind=gallery.bulk_enrol")["jobs"]:
        server.call("DELETE", f"/api/v1/jobs/{job['job_id']}")


def test_R_LIB_5_an_archive_with_a_broken_photo(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], words: Words
) -> None:
    page = open_page("/gallery", locale=words.locale)
    page.get_by_role("link", name=words.bulk, exact=True).click()
    content = archive(
        {
            "Ann/1.jpg": crops["Ann 1.jpg"],
            "Ann/2.jpg": crops["Ann 2.jpg"],
            "Bob/1.jpg": crops["Bob.jpg"],
            "Bob/2.jpg": b"",
        }
    )
    picked = {"name": "people.zip", "mimeType": "application/zip", "buffer": content}
    page.get_by_test_id("archive-input").set_input_files([picked])
    expect(page.get_by_test_id("chosen")).to_contain_text("people.zip")
    page.get_by_role("button", name=words.upload).click()

    expect(page.locator("[data-testid=job][data-status=completed]")).to_be_visible()
    items = page.get_by_test_id("job-item")
    expect(items).to_have_count(4)
    page.get_by_role("radiogroup").get_by_text(words.failed).click()
    expect(items).to_have_count(1)
    expect(items).to_contain_text("Bob/2.jpg")
    expect(items).to_contain_text(words.image_empty)
    assert {person["name"]: person["image_count"] for person in empty_gallery.persons()} == {"Ann": 2, "Bob": 1}

    # Whoever leaves and comes back finds it.
    page.reload()
    page.get_by_role("link", name="Ann/1.jpg").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann")


def test_R_LIB_5_a_folder_is_tried_first_and_then_enrolled(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], tmp_path: Path, words: Words
) -> None:
    folder = tmp_path / "People"
    for name, photo in (("Ann/1.jpg", "Ann 1.jpg"), ("Bob Lee/1.jpg", "Bob.jpg")):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(crops[photo])
    (folder / "notes.txt").write_text("no photo")
    page = open_page("/bulk", locale=words.locale)
    page.get_by_test_id("folder-input").set_input_files(folder)
    expect(page.get_by_test_id("chosen")).to_contain_text("Bob Lee")
    page.get_by_label(re.compile(words.dry_run)).check()
    page.get_by_role("button", name=words.upload_dry).click()
    items = page.get_by_test_id("job-item")
    expect(items.filter(has_text=words.would_enrol)).to_have_count(2)
    assert empty_gallery.persons() == []

    page.get_by_role("button", name=words.upload).click()
    expect(items.filter(has_text=words.would_enrol)).to_have_count(0)
    expect(items.filter(has_text=words.enrolled)).to_have_count(2)
    assert {person["name"] for person in empty_gallery.persons()} == {"Ann", "Bob Lee"}


def test_R_LIB_5_an_upload_that_is_no_archive_is_refused_and_said(open_page: OpenPage, empty_gallery: Server) -> None:
    page = open_page("/bulk")
    drop(page.get_by_role("group", name="Drop an archive or a folder here"), {"people.zip": b"no archive"})
    page.get_by_role("button", name=EN.upload).click()
    expect(page.get_by_role("alert")).to_contain_text("archive_damaged")
    expect(page.get_by_test_id("chosen")).to_be_visible()
    assert empty_gallery.persons() == []
