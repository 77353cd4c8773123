"""The console in a real browser against a real server: Debian's Chromium, headless, through Playwright."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

import lianpu
from lianpu.packs.install import import_pack
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.browser.server import Server, face_crop, running_server
from tests.browser.words import EN, ZH, Words
from tests.packs.nasty_server import NastyServer, nasty_server
from tests.packs.test_pull import NON_COMMERCIAL, file_of

CHROMIUM = Path("/usr/bin/chromium")
CONSOLE = Path(lianpu.__file__).parent / "console_dist" / "index.html"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
TIMEOUT_MS = 20_000
WEIGHTS = bytes(range(256)) * 40_000
POLICY_PROOF = "http://policy-proof.invalid/"
"""The one address that a test asks for on purpose, to see it refused."""
# Refused uploads are part of the tests; the browser reports each as an error of its own.
EXPECTED = ("Failed to load resource", POLICY_PROOF)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not CONSOLE.is_file():
        pytest.skip("the console is not built: `python run.py` does that")
    folder = tmp_path_factory.mktemp("browser")
    with running_server(folder / "home", folder / "server.log") as running:
        yield running


@pytest.fixture(scope="session")
def weights_server() -> Iterator[NastyServer]:
    with nasty_server() as one:
        yield one


@pytest.fixture(scope="session")
def server_of_ten(
    testkit: Path, tmp_path_factory: pytest.TempPathFactory, weights_server: NastyServer
) -> Iterator[Server]:
    """A server with ten people, two photos each, by the default pack `foamliu`; `insightface` knows none of them.

    Its catalogue has `restorer@1`, whose file is WEIGHTS at `/w` of `weights_server`.
    """
    if not CONSOLE.is_file():
        pytest.skip("the console is not built: `python run.py` does that")
    folder = tmp_path_factory.mktemp("ten")
    sessions = OnnxSessionFactory()
    for name, network in (("foamliu", "foamliu_arc"), ("insightface", "insightface_y1")):
        import_pack(
            None,
            folder / "home/packs",
            sessions,
            name=name,
            version="1",
            detector=str(testkit / "models/detection/scrfd_2.5g_bnkps.onnx"),
            embedder=str(testkit / f"models/recognition/mobilefacenet_{network}.onnx"),
            accept_licence=True,
        )
    entry = {"name": "restorer", "version": "1", "family": "restore", "licence": NON_COMMERCIAL}
    entry["files"] = [file_of("restorer.pth", WEIGHTS, f"{weights_server.address}/w")]
    (folder / "own.toml").write_text(tomli_w.dumps({"packs": [entry]}))
    environment = {"LIANPU_PACKS__DEFAULT": "foamliu", "LIANPU_PACKS__CATALOGUE": str(folder / "own.toml")}
    with running_server(folder / "home", folder / "server.log", **environment) as running:
        for person in sorted((testkit / "images/lfw_small").iterdir())[:10]:
            first, second, *_ = sorted(person.glob("*.jpg"))
            person_id = running.enrol(person.name, first.read_bytes())
            running.add(person_id, second.read_bytes())
        yield running


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory, t1_photo: bytes) -> Iterator[Browser]:
    if not CHROMIUM.is_file():
        pytest.skip(f"there is no {CHROMIUM}; on Debian: apt-get install chromium")
    # What the fake camera films: the group photo. A motion JPEG is JPEGs one after another.
    film = tmp_path_factory.mktemp("camera") / "group.mjpeg"
    film.write_bytes(t1_photo * 2)
    with sync_playwright() as playwright:
        arguments = [*ARGUMENTS, f"--use-file-for-fake-video-capture={film}"]
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield launched
        launched.close()


@pytest.fixture(params=[EN, ZH], ids=["en", "zh"])
def words(request: pytest.FixtureRequest) -> Words:
    return request.param


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[OpenPage]:
    """Opens pages as the administrator, and afterwards insists that none met a script error or asked another server.

    `anonymous=True`: as nobody.
    """
    complaints: list[str] = []
    contexts: list[Any] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(known in message.text for known in EXPECTED):
            complaints.append(message.text)

    def on_request(url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "blob:", "data:", POLICY_PROOF)):
            complaints.append(f"asked {url}")

    def opened(
        path: str, *, locale: str = "en-US", base: str = server.url, anonymous: bool = False, **options: Any
    ) -> Page:
        options = {"viewport": {"width": 1360, "height": 900}, "reduced_motion": "reduce", **options}
        context = browser.new_context(locale=locale, **options)
        contexts.append(context)
        if not anonymous:
            name, password = server.administrator
            form = {"grant_type": "password", "username": name, "password": password, "refresh_cookie": "true"}
            assert context.request.post(f"{base}/api/v1/users/token", form=form).ok
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.on("console", on_console)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: on_request(request.url))
        page.goto(base + path)
        expect(page.locator("main")).to_be_visible()
        return page

    expect.set_options(timeout=TIMEOUT_MS)
    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def empty_gallery(server: Server) -> Server:
    server.clear()
    return server


@pytest.fixture(scope="session")
def crops(server: Server, t1_photo: bytes) -> dict[str, bytes]:
    """Photos of single persons, cut from the group: two of Ann, one of Bob."""
    first, second, *_ = [face["box"] for face in server.faces(t1_photo)]
    return {
        "Ann 1.jpg": face_crop(t1_photo, first, 0.5),
        "Ann 2.jpg": face_crop(t1_photo, first, 0.6),
        "Bob.jpg": face_crop(t1_photo, second, 0.5),
    }


def drop(target: Locator, files: dict[str, bytes]) -> None:
    """Files dropped with the mouse, as far as a page can tell."""
    encoded = [[name, base64.b64encode(data).decode()] for name, data in files.items()]
    transfer = target.page.evaluate_handle(
        """(files) => {
          const transfer = new DataTransfer();
          for (const [name, text] of files) {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
          }
          return transfer;
        }""",
        encoded,
    )
    for event in ("dragenter", "dragover", "drop"):
        target.dispatch_event(event, {"dataTransfer": transfer})


def files(photos: dict[str, bytes]) -> list[Any]:
    """The photos as a file input takes them."""
    return [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in photos.items()]
