"""R-OPS 7, R-WEB: the page of the jobs lists them as they change, shows one, and clears it away."""

import json
from typing import Any

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.conftest import OpenPage
from tests.browser.server import Server
from tests.browser.words import EN, Words

PUSH = "**/api/v1/ws/**"
BROKEN_OFF = 1012


def test_R_OPS_7_jobs_are_listed_shown_and_cleared_away(
    open_page: OpenPage, empty_gallery: Server, words: Words
) -> None:
    job = empty_gallery.call("POST", "/api/v1/gallery/health", b"{}")["job"]
    page = open_page("/", locale=words.locale)
    page.get_by_role("navigation").get_by_role("link", name=words.jobs).click()
    row = page.get_by_test_id("job-row").first
    expect(row).to_contain_text(words.health_job)
    row.get_by_role("button").click()

    dialog = page.get_by_role("dialog")
    expect(dialog.locator("[data-testid=job][data-status=completed]")).to_be_visible()
    dialog.get_by_role("button", name=words.clear_away).click()
    expect(dialog).to_be_hidden()
    left = [other["job_id"] for other in empty_gallery.call("GET", "/api/v1/jobs")["jobs"]]
    assert job["job_id"] not in left


def test_R_OPS_7_a_health_report_is_shown_on_its_own_page(open_page: OpenPage, empty_gallery: Server) -> None:
    job = empty_gallery.call("POST", "/api/v1/gallery/health", b"{}")["job"]
    page = open_page(f"/jobs?job={job['job_id']}")
    page.get_by_role("dialog").get_by_role("link", name="To the health report").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(EN.health_report)


def test_R_OPS_7_the_list_changes_as_jobs_do_without_being_asked_for(
    open_page: OpenPage, empty_gallery: Server
) -> None:
    page = open_page("/jobs")
    expect(page.locator("[data-testid=live][data-live=true]")).to_be_visible()
    page.wait_for_load_state("networkidle")
    asked = count_requests(page, "/api/v1/jobs")
    # Longer than the console waits between two questions where nothing is pushed.
    page.wait_for_timeout(3000)
    assert asked == []
    job = empty_gallery.call("POST", "/api/v1/gallery/health", b"{}")["job"]
    row = page.get_by_test_id("job-row").first
    expect(row.get_by_role("button")).to_have_attribute("data-job", job["job_id"])
    expect(row).to_contain_text("Completed")


def test_R_OPS_7_without_push_the_list_is_asked_for(open_page: OpenPage, empty_gallery: Server) -> None:
    page = open_page("/")
    page.route_web_socket(PUSH, lambda connection: connection.close(code=BROKEN_OFF))
    page.get_by_role("navigation").get_by_role("link", name=EN.jobs).click()
    expect(page.locator("[data-testid=live][data-live=false]")).to_be_visible()
    job = empty_gallery.call("POST", "/api/v1/gallery/health", b"{}")["job"]
    row = page.get_by_test_id("job-row").first
    expect(row.get_by_role("button")).to_have_attribute("data-job", job["job_id"])
    expect(row).to_contain_text("Completed")


def test_R_INF_3_what_happened_while_the_connection_was_broken_is_told_afterwards(
    open_page: OpenPage, empty_gallery: Server
) -> None:
    connections: list[WebSocketRoute] = []
    sent: list[dict[str, Any]] = []

    def through(connection: WebSocketRoute) -> None:
        connections.append(connection)
        server = connection.connect_to_server()

        def from_page(message: str | bytes) -> None:
            sent.append(json.loads(message))
            server.send(message)

        connection.on_message(from_page)

    page = open_page("/")
    page.route_web_socket(PUSH, through)
    page.get_by_role("navigation").get_by_role("link", name=EN.jobs).click()
    expect(page.locator("[data-testid=live][data-live=true]")).to_be_visible()
    page.wait_for_load_state("networkidle")
    connections[0].close(code=BROKEN_OFF)
    job = empty_gallery.call("POST", "/api/v1/gallery/health", b"{}")["job"]
    expect(page.locator("[data-testid=live][data-live=true]")).to_be_visible()
    row = page.get_by_test_id("job-row").first
    expect(row.get_by_role("button")).to_have_attribute("data-job", job["job_id"])
    expect(row).to_contain_text("Completed")
    first, second = sent
    assert "last_event_id" not in first
    assert second["last_event_id"] >= 0


def count_requests(page: Page, path: str) -> list[str]:
    """Grows with each request to the path."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if path in request.url else None)
    return asked
