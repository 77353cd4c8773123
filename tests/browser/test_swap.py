"""R-SWP 3, 4: consent, swap, labelled result, verification and revocation in the browser, in both languages."""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import CONSOLE, OpenPage
from tests.browser.server import Server, running_server
from tests.browser.test_accounts import PASSWORD, log_in
from tests.browser.test_streams import write_clip

EVIDENCE = b"Signed by hand, and nobody else's business."
PURPOSE = "film-dubbing"
LABELS = ["visible", "xmp", "aigc", "c2pa", "watermark"]
# Playwright does not see what is sent by a Request object.
LISTEN = """() => {
  globalThis.sent = [];
  const { fetch } = globalThis;
  globalThis.fetch = (request, init) => {
    globalThis.sent.push((request instanceof Request ? request : new Request(request, init)).clone().text());
    return fetch(request, init);
  };
  const { send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.send = function (body) {
    globalThis.sent.push(new Response(body).text());
    return send.call(this, body);
  };
}"""
# Each frame of a video is looked at twice, by a network that is in no hurry on a busy machine.
PATIENCE_MS = 600_000
PHONE = {"width": 390, "height": 844}


@dataclass(frozen=True)
class SwapWords:
    locale: str
    studio: str
    consents: str
    engines: str
    verify: str
    record: str
    person: str
    purpose: str
    photo: str
    video: str
    live: str
    until: str
    evidence: str
    confirm: str
    choose_consent: str
    for_purpose: str
    preview: str
    swap: str
    another: str
    download: str
    delete: str
    actions: str
    revoke: str
    reason: str
    all: str
    off: str
    intact: str
    altered: str
    unlabelled: str


EN = SwapWords(
    locale="en-US",
    studio="Swap studio",
    consents="Consents",
    engines="Swap engines",
    verify="Verify",
    record="Record a consent",
    person="Whose face",
    purpose="Purpose",
    photo="Photo",
    video="Video",
    live="Live",
    until="Valid until",
    evidence="Evidence",
    confirm="Record",
    choose_consent="Whose face",
    for_purpose=f"I make it for the purpose {PURPOSE}",
    preview="Preview",
    swap="Swap",
    another="Another target",
    download="Download",
    delete="Delete",
    actions="Actions for the consent of {}",
    revoke="Revoke",
    reason="Reason",
    all="All",
    off="Face swaps are off on this server",
    intact="Labelled and untouched",
    altered="Labelled, and changed since",
    unlabelled="No label found",
)
ZH = SwapWords(
    locale="zh-CN",
    studio="换脸工作室",
    consents="授权",
    engines="换脸引擎",
    verify="验证来源",
    record="登记授权",
    person="使用谁的脸",
    purpose="用途",
    photo="照片",
    video="视频",
    live="实时",
    until="有效至",
    evidence="凭证",
    confirm="登记",
    choose_consent="使用谁的脸",
    for_purpose=f"我制作它用于 {PURPOSE}",
    preview="预览",
    swap="换脸",
    another="换一个目标",
    download="下载",
    delete="删除",
    actions="{} 授权",
    revoke="撤销",
    reason="原因",
    all="全部",
    off="此服务器未开启换脸",
    intact="有标识，未被改动",
    altered="有标识，但之后被改动过",
    unlabelled="未找到标识",
)


@pytest.fixture(params=[EN, ZH], ids=["en", "zh"])
def words(request: pytest.FixtureRequest) -> SwapWords:
    return request.param


@dataclass(frozen=True)
class Studio:
    server: Server
    person_id: str
    folder: Path
    """Streams may be read from it."""

    def consent(self, *scopes: str) -> str:
        """One that the administrator recorded; its id."""
        until = datetime.now(UTC) + timedelta(days=30)
        fields = {
            "person_id": self.person_id,
            "grantor": "艾琳 Eileen",
            "purpose": PURPOSE,
            "scopes": scopes,
            "valid_until": until.isoformat(),
            "evidence_name": "consent.pdf",
            "evidence_sha256": hashlib.sha256(EVIDENCE).hexdigest(),
        }
        answer = self.server.call("POST", "/api/v1/swap/consents", json.dumps(fields).encode())
        return answer["consent"]["consent_id"]

    def revoke(self, consent_id: str) -> None:
        self.server.call("POST", f"/api/v1/swap/consents/{consent_id}/revoke", b'{"reason": "test"}')

    def revoke_all(self) -> None:
        for consent in self.server.call("GET", "/api/v1/swap/consents?valid=true")["consents"]:
            self.revoke(consent["consent_id"])


@pytest.fixture(scope="module")
def running_studio(tmp_path_factory: pytest.TempPathFactory, astronaut_photo: bytes) -> Iterator[Studio]:
    """A server that swaps faces and knows Eileen; the account of the pages may swap."""
    if not CONSOLE.is_file():
        pytest.skip("the console is not built: `python run.py` does that")
    folder = tmp_path_factory.mktemp("studio")
    videos = folder / "videos"
    videos.mkdir()
    environment = {"LIANPU_SWAP__ENABLED": "true", "LIANPU_STREAMS__FOLDERS": str(videos)}
    with running_server(folder / "home", folder / "server.log", **environment) as server:
        grant(server, server.administrator[0])
        yield Studio(server, server.enrol("艾琳 Eileen", astronaut_photo), videos)


@pytest.fixture
def studio(running_studio: Studio) -> Studio:
    running_studio.revoke_all()
    return running_studio


def grant(server: Server, name: str) -> None:
    users = {user["name"]: user["user_id"] for user in server.call("GET", "/api/v1/users/")["users"]}
    server.call("PUT", f"/api/v1/users/{users[name]}", b'{"granted_scopes": ["swap"]}')


def chosen(name: str, data: bytes, mime: str = "image/jpeg") -> Any:
    return {"name": name, "mimeType": mime, "buffer": data}


def go(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def choose_consent(page: Page, words: SwapWords) -> None:
    page.get_by_role("combobox", name=words.choose_consent).click()
    page.get_by_role("option").filter(has_text="Eileen").first.click()
    face = page.get_by_test_id("chosen-consent").locator("img")
    expect(face).to_have_js_property("complete", True)
    expect(face).not_to_have_js_property("naturalWidth", 0)


def put_onto(page: Page, words: SwapWords, target: Any) -> None:
    page.locator("main input[type=file]").set_input_files(target)
    expect(page.get_by_test_id("target")).to_be_visible()
    page.get_by_label(words.for_purpose).check()


def start(page: Page, button: str) -> None:
    page.locator("main").get_by_role("button", name=button, exact=True).click()


def completed(page: Page) -> Locator:
    result = page.get_by_test_id("result")
    expect(result).to_be_visible(timeout=PATIENCE_MS)
    return result


def labels_of(page: Page) -> list[str | None]:
    expect(page.get_by_test_id("label").first).to_be_visible()
    return [label.get_attribute("data-label") for label in page.get_by_test_id("label").all()]


def downloaded(page: Page, words: SwapWords) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("link", name=words.download).click()
    return Path(waiting.value.path()).read_bytes()


def verified(page: Page, words: SwapWords, file: Any) -> dict[str | None, str | None]:
    """The state of each label, as the page for it tells."""
    go(page, words.verify)
    page.locator("main input[type=file]").set_input_files(file)
    expect(page.get_by_test_id("conclusion")).to_be_visible(timeout=60_000)
    rows = page.get_by_test_id("label").all()
    return {row.get_attribute("data-label"): row.get_attribute("data-state") for row in rows}


def test_R_SWP_3_a_face_is_swapped_by_consent_labelled_verified_and_refused_after_the_revocation(
    open_page: OpenPage, studio: Studio, crops: dict[str, bytes], words: SwapWords
) -> None:
    page = open_page("/consents", base=studio.server.url, locale=words.locale)
    page.evaluate(LISTEN)
    record_consent(page, words)
    sent: list[str] = page.evaluate("() => Promise.all(globalThis.sent)")
    assert any(hashlib.sha256(EVIDENCE).hexdigest() in body for body in sent)
    assert not any(EVIDENCE.decode() in body for body in sent), "the evidence was uploaded"

    go(page, words.studio)
    choose_consent(page, words)
    put_onto(page, words, chosen("Bob.jpg", crops["Bob.jpg"]))
    start(page, words.preview)
    completed(page)
    page.get_by_role("button", name=words.another).click()
    put_onto(page, words, chosen("Bob.jpg", crops["Bob.jpg"]))
    start(page, words.swap)
    result = completed(page)
    width, height = Image.open(io.BytesIO(crops["Bob.jpg"])).size
    expect(result).to_have_js_property("naturalWidth", width)
    expect(result).to_have_js_property("naturalHeight", height)
    expect(page.get_by_test_id("target")).to_be_visible()
    assert labels_of(page) == [*LABELS, "audit"]
    made = downloaded(page, words)
    assert made != crops["Bob.jpg"]

    states = verified(page, words, chosen("made.jpg", made))
    assert states == dict.fromkeys(LABELS, "there")
    expect(page.get_by_test_id("conclusion")).to_contain_text(words.intact)
    expect(page.get_by_test_id("made-here")).to_have_attribute("data-own", "true")
    expect(page.get_by_test_id("record")).to_contain_text("landmark")

    go(page, words.consents)
    card = page.get_by_test_id("consent")
    expect(card.get_by_test_id("consent-status")).to_have_attribute("data-status", "valid")
    page.get_by_role("button", name=words.actions.format("艾琳 Eileen")).click()
    page.get_by_role("menuitem", name=words.revoke).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name=words.reason).fill("No longer wanted")
    dialog.get_by_role("button", name=words.revoke, exact=True).click()
    expect(card).to_have_count(0)
    page.locator("main").get_by_text(words.all, exact=True).click()
    expect(card.first.get_by_test_id("consent-status")).to_have_attribute("data-status", "revoked")
    card.first.locator("summary").click()
    expect(card.first).to_contain_text("No longer wanted")
    go(page, words.studio)
    expect(page.get_by_test_id("no-consent")).to_be_visible()


def record_consent(page: Page, words: SwapWords) -> None:
    page.locator("main").get_by_role("button", name=words.record).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name=words.person).fill("eileen")
    page.get_by_role("option", name=re.compile("Eileen")).click()
    confirm = dialog.get_by_role("button", name=words.confirm, exact=True)
    dialog.get_by_label(words.purpose, exact=True).fill("Film Dubbing")
    for scope in (words.photo, words.video):
        dialog.get_by_label(scope, exact=True).check()
    dialog.get_by_label(words.until).fill(f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M}")
    # Without the evidence there is nothing to record.
    expect(confirm).to_be_disabled()
    dialog.locator("input[type=file]").set_input_files(chosen("consent.pdf", EVIDENCE, "application/pdf"))
    digest = hashlib.sha256(EVIDENCE).hexdigest()
    expect(dialog.get_by_test_id("evidence-digest")).to_contain_text(digest)
    confirm.click()
    card = page.get_by_test_id("consent")
    expect(card).to_have_count(1)
    expect(card).to_contain_text(PURPOSE)


def test_R_SWP_3_a_consent_that_is_revoked_meanwhile_refuses_what_was_about_to_be_sent(
    open_page: OpenPage, studio: Studio, crops: dict[str, bytes]
) -> None:
    consent_id = studio.consent("image")
    page = open_page("/swap", base=studio.server.url)
    choose_consent(page, EN)
    put_onto(page, EN, chosen("Bob.jpg", crops["Bob.jpg"]))
    studio.revoke(consent_id)
    start(page, EN.swap)
    expect(page.locator("main").get_by_role("alert")).to_contain_text("consent_revoked")
    expect(page.get_by_test_id("result")).to_have_count(0)


def test_R_SWP_3_a_consent_is_not_used_for_what_it_does_not_cover(
    open_page: OpenPage, studio: Studio, crops: dict[str, bytes]
) -> None:
    studio.consent("video")
    page = open_page("/swap", base=studio.server.url)
    choose_consent(page, EN)
    put_onto(page, EN, chosen("Bob.jpg", crops["Bob.jpg"]))
    expect(page.get_by_text("This consent does not permit it: Photo")).to_be_visible()
    expect(page.get_by_role("button", name=EN.swap, exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name=EN.preview, exact=True)).to_be_disabled()


def test_R_SWP_3_a_consent_can_only_be_made_to_end_sooner(open_page: OpenPage, studio: Studio) -> None:
    consent_id = studio.consent("image")
    page = open_page("/consents", base=studio.server.url)
    page.get_by_role("button", name=EN.actions.format("艾琳 Eileen")).click()
    page.get_by_role("menuitem", name="Let it end sooner").click()
    dialog = page.get_by_role("dialog")
    confirm = dialog.get_by_role("button", name="End it then")
    dialog.get_by_label(EN.until).fill(f"{datetime.now(UTC) + timedelta(days=90):%Y-%m-%dT%H:%M}")
    expect(confirm).to_be_disabled()
    sooner = datetime.now(UTC) + timedelta(days=2)
    dialog.get_by_label(EN.until).fill(f"{sooner:%Y-%m-%dT%H:%M}")
    confirm.click()
    expect(dialog).to_have_count(0)
    until = studio.server.call("GET", f"/api/v1/swap/consents/{consent_id}")["consent"]["valid_until"]
    assert datetime.fromisoformat(until) < datetime.now(UTC) + timedelta(days=3)


def test_R_SWP_4_a_swapped_video_plays_with_its_labels(
    open_page: OpenPage, studio: Studio, crops: dict[str, bytes], tmp_path: Path
) -> None:
    clip = tmp_path / "bob.mp4"
    write_clip(clip, [(crops["Bob.jpg"], 0.8)])
    studio.consent("image", "video")
    page = open_page("/swap", base=studio.server.url)
    choose_consent(page, EN)
    put_onto(page, EN, chosen("bob.mp4", clip.read_bytes(), "video/mp4"))
    start(page, EN.swap)
    result = completed(page)
    plays(page, result, 640, 0.8)
    assert labels_of(page) == [*LABELS, "audit"]
    expect(page.locator("main")).to_contain_text("without sound")
    states = verified(page, EN, chosen("made.mp4", downloaded(page, EN), "video/mp4"))
    assert states["c2pa"] == states["watermark"] == states["visible"] == "there"


def test_R_SWP_4_a_film_of_the_kit_is_swapped_end_to_end(open_page: OpenPage, studio: Studio, testkit: Path) -> None:
    film = testkit / "videos/car_talking_1080p.mp4"
    studio.consent("video")
    page = open_page("/swap", base=studio.server.url)
    choose_consent(page, EN)
    put_onto(page, EN, chosen("car.mp4", film.read_bytes(), "video/mp4"))
    start(page, EN.swap)
    result = completed(page)
    with av.open(str(film)) as container:
        video = container.streams.video[0]
        plays(page, result, video.width, float((video.duration or 0) * (video.time_base or 0)))


def plays(page: Page, video: Locator, width: int, duration_s: float) -> None:
    expect(video).to_have_js_property("videoWidth", width)
    assert video.evaluate("(video) => video.duration") == pytest.approx(duration_s, abs=0.15)
    assert video.evaluate("(video) => video.error") is None
    video.evaluate("(video) => { video.muted = true; return video.play(); }")
    page.wait_for_function("() => document.querySelector('[data-testid=result]').currentTime > 0.2")


def test_R_SWP_4_a_file_saved_anew_is_known_again_and_an_unknown_one_proves_nothing(
    open_page: OpenPage, studio: Studio, crops: dict[str, bytes], words: SwapWords
) -> None:
    studio.consent("image")
    page = open_page("/swap", base=studio.server.url, locale=words.locale)
    choose_consent(page, words)
    put_onto(page, words, chosen("Bob.jpg", crops["Bob.jpg"]))
    start(page, words.swap)
    completed(page)
    made = downloaded(page, words)
    saved = io.BytesIO()
    Image.open(io.BytesIO(made)).save(saved, "JPEG", quality=85)
    states = verified(page, words, chosen("saved.jpg", saved.getvalue()))
    expect(page.get_by_test_id("conclusion")).to_contain_text(words.altered)
    assert (states["xmp"], states["aigc"], states["c2pa"]) == ("lost", "lost", "lost")
    assert states["watermark"] == "there"
    expect(page.get_by_test_id("made-here")).to_have_attribute("data-own", "true")
    page.reload()
    states = verified(page, words, chosen("Bob.jpg", crops["Bob.jpg"]))
    expect(page.get_by_test_id("conclusion")).to_contain_text(words.unlabelled)
    assert states == dict.fromkeys(LABELS, "absent")


def test_R_SWP_4_a_result_is_deleted_for_good(open_page: OpenPage, studio: Studio, crops: dict[str, bytes]) -> None:
    studio.consent("image")
    page = open_page("/swap", base=studio.server.url)
    choose_consent(page, EN)
    put_onto(page, EN, chosen("Bob.jpg", crops["Bob.jpg"]))
    start(page, EN.swap)
    completed(page)
    page.reload()
    expect(page.get_by_test_id("result")).to_be_visible()
    page.get_by_role("button", name=EN.delete, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=EN.delete, exact=True).click()
    expect(page.get_by_text("The result is gone")).to_be_visible()
    expect(page.get_by_test_id("result")).to_have_count(0)


def test_R_SWP_5_a_live_swap_is_watched_and_ends_with_its_consent(
    open_page: OpenPage, studio: Studio, crops: dict[str, bytes]
) -> None:
    write_clip(studio.folder / "door.mp4", [(crops["Bob.jpg"], 3)])
    fields = {"source": str(studio.folder / "door.mp4"), "name": "Door", "loop": True, "lifetime_minutes": 15}
    stream = studio.server.call("POST", "/api/v1/stream/start", json.dumps(fields).encode())["stream"]
    consent_id = studio.consent("live")
    page = open_page("/swap?mode=live", base=studio.server.url)
    choose_consent(page, EN)
    page.get_by_role("combobox", name="Onto which stream").click()
    page.get_by_role("option", name="Door").click()
    page.get_by_label(EN.for_purpose).check()
    page.get_by_role("button", name="Start", exact=True).click()
    feed = page.get_by_test_id("live-feed")
    expect(feed).to_have_js_property("naturalWidth", 640)
    assert "signature=" in (feed.get_attribute("src") or "")
    expect(page.get_by_test_id("live-swap")).to_have_attribute("data-state", "running")
    studio.revoke(consent_id)
    expect(page.get_by_test_id("ended-live-swap")).to_contain_text("the consent does not permit it any more")
    expect(feed).to_have_count(0)

    studio.consent("live")
    page.reload()
    choose_consent(page, EN)
    page.get_by_role("combobox", name="Onto which stream").click()
    page.get_by_role("option", name="Door").click()
    page.get_by_label(EN.for_purpose).check()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(feed).to_have_js_property("naturalWidth", 640)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_test_id("ended-live-swap")).to_have_count(2)
    # The stream itself goes on.
    assert studio.server.call("GET", "/api/v1/stream")["active_streams_count"] == 1
    studio.server.call("POST", "/api/v1/stream/stop", json.dumps({"stream_id": stream["stream_id"]}).encode())


def test_R_SWP_2_engines_say_whether_they_are_ready_and_what_to_do(
    open_page: OpenPage, studio: Studio, words: SwapWords
) -> None:
    page = open_page("/consents", base=studio.server.url, locale=words.locale)
    go(page, words.engines)
    engines = page.get_by_test_id("engine")
    landmark = engines.filter(has=page.get_by_role("heading", name="landmark"))
    expect(landmark).to_have_attribute("data-readiness", "ready", timeout=60_000)
    facefusion = engines.filter(has=page.get_by_role("heading", name="facefusion"))
    expect(facefusion).to_have_attribute("data-readiness", "not_installed")
    amiss = facefusion.locator("[data-testid=finding][data-ok=false]")
    expect(amiss.first).to_be_visible()


def test_R_SWP_4_only_an_administrator_leaves_the_visible_label_out_and_the_result_says_so(
    open_page: OpenPage, studio: Studio, crops: dict[str, bytes]
) -> None:
    studio.consent("image")
    page = open_page("/swap-engines", base=studio.server.url)
    page.get_by_label("Visible label on every output").click(force=True)
    page.get_by_role("dialog").get_by_role("button", name="Leave it out").click()
    expect(page.get_by_label("Visible label on every output")).not_to_be_checked()
    try:
        go(page, EN.studio)
        choose_consent(page, EN)
        put_onto(page, EN, chosen("Bob.jpg", crops["Bob.jpg"]))
        start(page, EN.preview)
        completed(page)
        assert labels_of(page) == ["left-out", *LABELS[1:], "audit"]
    finally:
        studio.server.call("PUT", "/api/v1/swap/policy", b'{"visible_label": true}')


def test_R_SWP_3_where_swaps_are_off_the_pages_say_how_they_are_turned_on(
    open_page: OpenPage, server: Server, words: SwapWords
) -> None:
    page = open_page("/consents", locale=words.locale)
    note = page.get_by_test_id("swaps-off")
    expect(note).to_contain_text(words.off)
    expect(note).to_contain_text("swap.enabled: true")
    expect(page.get_by_role("button", name=words.record)).to_have_count(0)
    # Not even an administrator is offered what nobody was granted.
    navigation = page.get_by_role("navigation")
    expect(navigation.get_by_role("link", name=words.studio, exact=True)).to_have_count(0)
    go(page, words.engines)
    expect(note).to_contain_text(words.off)
    fields = {"name": f"sven-{words.locale}", "password": PASSWORD, "role": "viewer", "must_change_password": False}
    server.call("POST", "/api/v1/users/", json.dumps(fields).encode())
    grant(server, fields["name"])
    context = page.context.browser.new_context(locale=words.locale)
    form = {"grant_type": "password", "username": fields["name"], "password": PASSWORD, "refresh_cookie": "true"}
    assert context.request.post(f"{server.url}/api/v1/users/token", form=form).ok
    own = context.new_page()
    own.goto(f"{server.url}/swap")
    expect(own.get_by_test_id("swaps-off")).to_contain_text(words.off)
    context.close()


def test_R_SWP_3_face_swaps_are_granted_and_taken_away_on_the_users_page(open_page: OpenPage, studio: Studio) -> None:
    fields = {"name": "Sven", "password": PASSWORD, "role": "viewer", "must_change_password": False}
    studio.server.call("POST", "/api/v1/users/", json.dumps(fields).encode())
    page = open_page("/users", base=studio.server.url)
    row = page.get_by_test_id("user-row").filter(has_text="Sven")

    def change(item: str) -> None:
        row.get_by_role("button", name="Actions").click()
        page.get_by_role("menuitem", name=item).click()
        page.get_by_role("dialog").get_by_role("button", name=item).click()
        expect(page.get_by_role("dialog")).to_have_count(0)

    change("Allow face swaps")
    expect(row).to_contain_text("Face swaps")
    own = open_page("/verify", base=studio.server.url, anonymous=True)
    log_in(own, "Sven", PASSWORD)
    navigation = own.get_by_role("navigation", name="Main navigation")
    expect(navigation.get_by_role("link", name=EN.studio, exact=True)).to_be_visible()
    change("Take face swaps away")
    expect(row).not_to_contain_text("Face swaps")
    own.reload()
    log_in(own, "Sven", PASSWORD)
    expect(navigation.get_by_role("link", name=EN.verify, exact=True)).to_be_visible()
    for name in (EN.studio, EN.consents, EN.engines):
        expect(navigation.get_by_role("link", name=name, exact=True)).to_have_count(0)
    own.goto(f"{studio.server.url}/swap")
    expect(own.get_by_text("This page is not for your role")).to_be_visible()


@pytest.mark.parametrize("path", ["/swap", "/swap?mode=live", "/consents", "/swap-engines", "/verify"])
def test_R_WEB_1_the_pages_fit_a_phone(open_page: OpenPage, studio: Studio, path: str) -> None:
    studio.consent("image", "video", "live")
    page = open_page(path, base=studio.server.url, viewport=PHONE, locale="zh-CN", color_scheme="dark")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
