"""R-STR-8: webhooks are posted to where they may be and nowhere else: no private network, redirect or impostor."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lianpu.errors import TooManyWebhooksError, WebhookRefusedError, WebhookStateError
from lianpu.streams.delivery.webhooks.addresses import PostRules, checked_destination
from lianpu.streams.delivery.webhooks.dispatcher import UNREADABLE
from lianpu.streams.delivery.webhooks.models import Webhook
from lianpu.streams.delivery.webhooks.webhooks import WebhookChange
from tests.streams.delivery.post_office import names, post_office, until
from tests.streams.delivery.receiver import Receiver, receiver
from tests.streams.video_server import bait

pytestmark = pytest.mark.anyio
PUBLIC = "93.184.216.34"


def resolve(host: str, _port: int) -> Sequence[str]:
    known = {
        "house.example": [PUBLIC],
        "inside.example": ["10.0.0.7"],
        "both.example": [PUBLIC, "127.0.0.1"],
        "localhost": ["127.0.0.1", "::1"],
        "2130706433": ["127.0.0.1"],
        "127.1": ["127.0.0.1"],
    }
    if host in known:
        return known[host]
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        raise OSError("unknown") from None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://localhost:9000/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://0.0.0.0/",
        "https://192.168.1.20/faces",
        "https://inside.example/",
        "https://both.example/",
        "https://nobody.example/",
        "ftp://house.example/",
        "file:///etc/passwd",
        "gopher://house.example/",
        "/etc/passwd",
        "house.example/faces",
        "https://",
        "https://[",
        "https://house.example:99999/",
        "https://user:password@house.example/",
        "https://user@house.example/",
        "https://house.example@127.0.0.1/",
        "https://house.example\\@127.0.0.1/",
        "https://house.example/#there",
        "https://house.example/a b",
        "https://house.example/\r\nHost: inside.example",
        "https://hóuse.example/",
    ],
)
def test_R_STR_8_what_may_not_be_posted_to_is_refused(url: str) -> None:
    with pytest.raises(WebhookRefusedError):
        checked_destination(url, PostRules(), resolve)


def test_R_STR_8_public_and_allowed_hosts_may_be_posted_to() -> None:
    found = checked_destination("https://House.example:8443/faces?x=%20y", PostRules(), resolve)
    assert (found.host, found.port, found.ip_addresses) == ("house.example", 8443, (PUBLIC,))
    assert checked_destination("http://house.example", PostRules(), resolve).port == 80
    rules = PostRules(hosts=frozenset({"inside.example"}), networks=(ip_network("192.168.1.0/24"),))
    assert checked_destination("https://inside.example/", rules, resolve).ip_addresses == ("10.0.0.7",)
    assert checked_destination("https://192.168.1.20/", rules, resolve).port == 443
    with pytest.raises(WebhookRefusedError):
        checked_destination("https://192.168.2.20/", rules, resolve)


def test_R_STR_8_only_named_hosts_may_be_posted_to_where_the_settings_say_so() -> None:
    rules = PostRules(frozenset({"inside.example"}), (ip_network("192.168.1.0/24"),), is_public_allowed=False)

    def nobody(host: str, port: int) -> Sequence[str]:
        pytest.fail(f"{host} was looked up")

    for url in ("https://house.example/", "https://192.168.2.20/", f"https://{PUBLIC}/", "https://2130706433/"):
        with pytest.raises(WebhookRefusedError):
            checked_destination(url, rules, nobody)
    assert checked_destination("https://inside.example/", rules, resolve).ip_addresses == ("10.0.0.7",)
    assert checked_destination("https://192.168.1.20/", rules, resolve).ip_addresses == ("192.168.1.20",)


async def test_R_STR_8_an_endpoint_in_a_private_network_is_not_made(tmp_path: Path) -> None:
    with bait() as trap:
        url = f"http://127.0.0.1:{trap.port}/"
        async with post_office(tmp_path, rules=PostRules()) as office:
            with pytest.raises(WebhookRefusedError):
                await office.endpoint(url)
            assert await office.webhooks.list() == []
        async with post_office(tmp_path, rules=PostRules(), resolve=resolve, works=False) as office:
            webhook_id, _ = await office.endpoint("http://house.example/")
            with pytest.raises(WebhookRefusedError):
                await office.webhooks.update(webhook_id, WebhookChange(url=url))
            assert (await office.get(webhook_id)).row.url == "http://house.example/"
        assert trap.visits == []


async def test_R_STR_8_a_name_that_moves_into_a_private_network_is_not_followed(tmp_path: Path) -> None:
    answers = [[PUBLIC], ["127.0.0.1"]]
    with bait() as trap:
        async with post_office(
            tmp_path, rules=PostRules(), resolve=lambda *_: answers.pop(0) if len(answers) > 1 else answers[0]
        ) as office:
            webhook_id, _ = await office.endpoint(f"http://house.example:{trap.port}/")
            await office.happen()
            record = await office.quiet(webhook_id)
            assert record.counts.dead == 1
            [first, *_] = await office.webhooks.attempts(webhook_id)
            assert "streams.webhooks.networks" in (first.error or "")
            assert (first.number, first.status) == (3, None)
        assert trap.visits == []


async def test_R_STR_8_the_address_that_was_checked_is_the_one_connected_to(tmp_path: Path, taker: Receiver) -> None:
    asked: list[tuple[str, int]] = []

    def once(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        # No listener is at the first one: the next is tried.
        return ["127.0.0.9", "127.0.0.1"]

    async with post_office(tmp_path, resolve=once) as office:
        webhook_id, _ = await office.endpoint(taker.url("/faces", host="Door.invalid"))
        assert (await office.webhooks.test(webhook_id)).status == 204
    assert asked == [("door.invalid", taker.port)] * 2
    assert taker.posts[0].headers["host"] == f"Door.invalid:{taker.port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_R_STR_8_redirects_are_not_followed(tmp_path: Path, taker: Receiver, status: int) -> None:
    with bait() as trap:
        taker.answers["/"] = [status]
        taker.headers["Location"] = f"http://127.0.0.1:{trap.port}/"
        async with post_office(tmp_path) as office:
            webhook_id, _ = await office.endpoint(taker.url("/"))
            await office.happen()
            record = await office.quiet(webhook_id)
            assert record.counts.dead == 1
            dead, _ = await office.webhooks.dead_letters(webhook_id, None, 1)
            assert dead[0].error == f"It answers with the status {status}: redirects are not followed."
        assert trap.visits == []


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """The file to trust, and a server's side of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, private = folder / f"{name}.pem", folder / f"{name}.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, private)
    return file, context


async def test_R_STR_8_the_receiver_has_to_prove_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted, tls = certificate(tmp_path, "house.example")
    with receiver(tls) as taker:
        async with post_office(tmp_path, resolve=names(["127.0.0.1"])) as office:
            webhook_id, _ = await office.endpoint(taker.url("/", "house.example", "https"))
            assert "certificate verify failed" in ((await office.webhooks.test(webhook_id)).error or "")
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        async with post_office(tmp_path, resolve=names(["127.0.0.1"])) as office:
            assert (await office.webhooks.test(webhook_id)).status == 204
            await office.webhooks.update(webhook_id, WebhookChange(url=taker.url("/", "other.example", "https")))
            assert "Hostname mismatch" in ((await office.webhooks.test(webhook_id)).error or "")
    assert len(taker.posts) == 1


async def test_R_STR_8_a_port_without_a_listener_is_told(tmp_path: Path) -> None:
    with receiver() as gone:
        url = gone.url("/")
    async with post_office(tmp_path) as office:
        webhook_id, _ = await office.endpoint(url)
        assert (await office.webhooks.test(webhook_id)).error == "It cannot be reached: All connection attempts failed."


async def test_R_STR_8_secrets_are_encrypted_and_a_new_one_mends_a_lost_key(tmp_path: Path, taker: Receiver) -> None:
    async with post_office(tmp_path, works=False) as office:
        webhook_id, secret = await office.endpoint(taker.url("/"))
        other_id, other = await office.endpoint(taker.url("/"))
        assert secret != other
        async with office.database.session() as session:
            row = await session.get(Webhook, webhook_id)
            assert row is not None
            stored = row.secret
        assert secret.encode() not in stored
        # It is bound to its endpoint: nobody signs as another one by copying rows.
        await office.change_row(other_id, secret=stored)
        assert (await office.webhooks.test(other_id)).error == UNREADABLE
        await office.happen()
    async with post_office(tmp_path, key=b"x" * 32) as office:
        assert (await office.webhooks.test(webhook_id)).error == UNREADABLE
        assert taker.posts == []
        _, renewed = await office.webhooks.renew_secret(webhook_id)
        assert renewed != secret
        assert (await office.webhooks.test(webhook_id)).status == 204


async def test_R_STR_8_there_are_no_more_endpoints_than_the_settings_say(tmp_path: Path, taker: Receiver) -> None:
    async with post_office(tmp_path, max_endpoints=2) as office:
        first, _ = await office.endpoint(taker.url("/"))
        await office.endpoint(taker.url("/"))
        with pytest.raises(TooManyWebhooksError):
            await office.endpoint(taker.url("/"))
        await office.webhooks.delete(first)
        await office.endpoint(taker.url("/"))


async def test_R_STR_8_dead_letters_of_an_endpoint_that_is_not_active_stay(tmp_path: Path, taker: Receiver) -> None:
    taker.answers["/"] = [500]
    async with post_office(tmp_path) as office:
        webhook_id, _ = await office.endpoint(taker.url("/"))
        await office.happen()
        await office.quiet(webhook_id)
        await office.webhooks.update(webhook_id, WebhookChange(is_active=False))
        with pytest.raises(WebhookStateError):
            await office.webhooks.retry(webhook_id, None)
        assert (await office.get(webhook_id)).counts.dead == 1
        # A test is posted all the same.
        posts = len(taker.posts)
        await office.webhooks.test(webhook_id)
        await until(lambda: len(taker.posts) == posts + 1)
        assert taker.posts[-1].headers["lianpu-event-kind"] == "test"
