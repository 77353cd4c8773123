"""R-WEB: languages, colour scheme, keyboard, small screens, the API key, errors, a strict content policy."""

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import POLICY_PROOF, OpenPage
from tests.browser.server import Server
from tests.browser.words import EN, ZH, Words

PAPER = "rgb(248, 245, 240)"
NIGHT = "rgb(23, 21, 19)"
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
    "connect-src 'self'; font-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'self'"
)
API_KEY = "a-key-for-the-browser-tests"


def test_the_language_follows_the_browser_and_is_remembered(open_page: OpenPage) -> None:
    page = open_page("/gallery", locale="zh-TW")
    expect(page.get_by_role("heading", level=1)).to_have_text(ZH.gallery)
    page.get_by_role("button", name="中文").click()
    page.get_by_role("menuitem", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(EN.gallery)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(EN.gallery)
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_dark_and_light(open_page: OpenPage) -> None:
    page = open_page("/", color_scheme="dark")
    assert background(page) == NIGHT
    page.get_by_role("button", name="Colour scheme").click()
    page.get_by_role("menuitem", name="Light").click()
    assert background(page) == PAPER
    page.reload()
    assert background(page) == PAPER


def test_keyboard_alone(open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes], words: Words) -> None:
    empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    page = open_page("/", locale=words.locale)
    for key, title in (("g", words.gallery), ("s", words.search), ("c", words.compare), ("o", words.overview)):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.get_by_role("heading", level=1)).to_have_text(title)

    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name=words.shortcuts)
    expect(dialog).to_be_visible()
    for _ in range(5):
        page.keyboard.press("Tab")
        assert dialog.evaluate("(element) => element.contains(document.activeElement)"), "the focus left the dialog"
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    page.keyboard.press("g")
    page.keyboard.press("g")
    expect(page.get_by_test_id("person-card")).to_have_count(1)
    tab_to(page, "link", "Ann")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann")
    tab_to(page, "button", words.open_image.format(1))
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus cannot be seen"
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text(words.quality)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=words.open_image.format(1))).to_be_focused()


def test_every_button_has_a_name(open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes]) -> None:
    person_id = empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    for path in ("/", "/gallery", f"/gallery/{person_id}", "/search", "/compare"):
        page = open_page(path)
        page.wait_for_load_state("networkidle")
        nameless = page.locator("button, a[href]").evaluate_all(
            "(all) => all.filter((one) => !one.innerText.trim() && !one.ariaLabel).map((one) => one.outerHTML)"
        )
        assert nameless == [], path


def test_small_screen(open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes]) -> None:
    person_id = empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    for path in ("/", "/gallery", f"/gallery/{person_id}", "/search", "/compare"):
        page = open_page(path, viewport={"width": 360, "height": 740})
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, f"{path} scrolls sideways"
    page.get_by_role("button", name="Open navigation").click()
    page.get_by_role("link", name="Gallery").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(EN.gallery)
    expect(page.get_by_role("button", name="Open navigation")).to_be_visible()


def test_nothing_breaks_a_strict_policy(open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes]) -> None:
    person_id = empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    page = open_page("/")

    def with_policy(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, headers={**response.headers, "content-security-policy": STRICT})

    page.route(lambda url: "/api/" not in url and "/assets/" not in url, with_policy)
    for path in ("/", "/gallery", "/search", "/compare", f"/gallery/{person_id}"):
        page.goto(empty_gallery.url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Open photo 1").click()
    expect(page.get_by_role("dialog").locator("img")).to_be_visible()
    # Violations are console errors, which the fixture finds; this one proves that the policy was in force.
    violated = page.evaluate(
        """(address) => new Promise((resolve) => {
          document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
          new Image().src = address;
        })""",
        POLICY_PROOF,
    )
    assert violated == "img-src"


def test_a_problem_is_told_with_code_and_request_id(
    open_page: OpenPage, empty_gallery: Server, crops: dict[str, bytes]
) -> None:
    person_id = empty_gallery.enrol("Ann", crops["Ann 1.jpg"])
    page = open_page("/gallery")
    page.get_by_role("button", name="Actions for Ann").click()
    page.get_by_role("menuitem", name="Rename").click()
    empty_gallery.call("DELETE", f"/api/v1/faces/{person_id}")
    page.get_by_role("dialog").get_by_label("Name").fill("Anna")
    page.keyboard.press("Enter")
    toast = page.get_by_role("alert")
    expect(toast).to_contain_text("Person not found")
    expect(toast).to_contain_text("person_not_found")
    expect(toast.get_by_role("button", name="Copy request id")).to_be_visible()


def background(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def tab_to(page: Page, role: str, name: str) -> None:
    wanted = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
    for _ in range(40):
        page.keyboard.press("Tab")
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"the {role} {name!r} cannot be reached with Tab")
