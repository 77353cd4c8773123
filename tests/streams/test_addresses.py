"""What may be a source: nothing outside of what was allowed, whatever it is called. Nothing here connects."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.errors import SourceRefusedError
from lianpu.streams.addresses import SourceKind, SourceRules, allowed_addresses, checked_source, masked

NAMES = {
    "camera.example": ["93.184.216.34"],
    "inside.example": ["10.0.0.7"],
    "both.example": ["93.184.216.34", "127.0.0.1"],
    "localhost": ["127.0.0.1", "::1"],
    "metadata.google.internal": ["169.254.169.254"],
}


def resolve(host: str, _port: int) -> Sequence[str]:
    """As getaddrinfo does it: it reads every spelling of an IPv4 address that inet_aton knows."""
    spelt = {"2130706433": "127.0.0.1", "0x7f.1": "127.0.0.1", "0177.0.0.1": "127.0.0.1", "127.1": "127.0.0.1"}
    if host in spelt:
        return [spelt[host]]
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    if host not in NAMES:
        raise OSError("unknown")
    return NAMES[host]


REFUSED = [
    "file:///etc/passwd",
    "FILE:/etc/passwd",
    "/etc/passwd",
    "../../etc/passwd",
    "http://169.254.169.254/latest/meta-data",
    "http://metadata.google.internal/",
    "http://localhost/feed",
    "http://localhost./feed",
    "http://127.0.0.1:9000/feed",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1%25eth0]/",
    "http://[fc00::1]/",
    "http://0.0.0.0/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://100.64.0.1/",
    "rtsp://192.168.1.20/stream",
    "rtsp://inside.example/stream",
    "rtsp://both.example/stream",
    "rtsp://nobody.example/stream",
    "rtsp://user:pw@10.1.2.3/stream",
    "http://camera.example\\@127.0.0.1/",
    "http://127.0.0.1#@camera.example/",
    "http://camera.example@127.0.0.1/",
    "http:///feed",
    "http://camera.example:99999/",
    "concat:/etc/passwd|/etc/hosts",
    "subfile,,start,0,end,100,,:/etc/passwd",
    "subfile:/etc/passwd",
    "pipe:0",
    "data:text/plain,hello",
    "gopher://camera.example/",
    "ftp://camera.example/a.mp4",
    "udp://camera.example:5000",
    "tcp://camera.example:22",
    "crypto:http://camera.example/",
    "hls+http://camera.example/",
    "async:http://camera.example/",
    "tee:/tmp/a",
    "0",
    "7",
    "-1",
    "99999999999999999999",
    "007",
    "",
    "   ",
    "http://camera.example/\nHost: x",
    "http://camera.example/ x",
    "rtsp://camera.example/\0",
]


@pytest.mark.parametrize("text", REFUSED)
def test_R_STR_2_what_was_not_allowed_is_refused(text: str) -> None:
    with pytest.raises(SourceRefusedError) as refused:
        checked_source(text, SourceRules(), resolve)
    assert "pw" not in refused.value.detail
    assert "passwd" not in refused.value.detail


def test_R_STR_2_public_cameras_are_read_from_by_the_addresses_that_were_checked() -> None:
    source = checked_source(
        "RTSP://admin:s%40crt@Camera.example:8554/ch%201?quality=hi", SourceRules(), lambda *_: ["1.1.1.1"]
    )
    assert source.kind is SourceKind.RTSP
    assert source.address == "rtsp://camera.example:8554/ch%201?quality=hi"
    assert (source.user, source.password) == ("admin", "s@crt")
    assert (source.host, source.port, source.ip_addresses) == ("camera.example", 8554, ("1.1.1.1",))
    for shown in (source.shown, repr(source)):
        assert "s%40crt" not in shown
        assert "s@crt" not in shown


def test_R_STR_2_private_networks_and_names_may_be_allowed() -> None:
    rules = SourceRules(hosts=frozenset({"inside.example"}), networks=(ipaddress.ip_network("192.168.1.0/24"),))
    assert checked_source("rtsp://inside.example/a", rules, resolve).ip_addresses == ("10.0.0.7",)
    assert checked_source("rtsp://192.168.1.20/a", rules, resolve).port == 554
    assert checked_source("http://[::ffff:192.168.1.20]/a", rules, resolve).kind is SourceKind.HTTP
    with pytest.raises(SourceRefusedError):
        checked_source("rtsp://192.168.2.20/a", rules, resolve)
    with pytest.raises(SourceRefusedError):
        checked_source("rtsp://10.0.0.7/a", rules, resolve)


def test_R_STR_2_a_redirect_is_judged_like_an_address() -> None:
    with pytest.raises(SourceRefusedError):
        allowed_addresses("localhost", 80, SourceRules(), resolve)


def test_R_STR_2_files_are_read_from_named_folders_alone(tmp_path: Path) -> None:
    folder, outside = tmp_path / "videos", tmp_path / "outside"
    for one in (folder / "day 1", outside):
        one.mkdir(parents=True)
    (folder / "day 1" / "门口.mp4").write_bytes(b"x")
    (outside / "secret.mp4").write_bytes(b"x")
    (folder / "link.mp4").symlink_to(outside / "secret.mp4")
    (folder / "folder-link").symlink_to(outside)
    rules = SourceRules(folders=(folder,))
    for text in ("day 1/门口.mp4", str(folder / "day 1" / "门口.mp4"), "day 1/../day 1/门口.mp4"):
        source = checked_source(text, rules)
        assert source.kind is SourceKind.FILE
        assert source.address == str(folder / "day 1" / "门口.mp4")
        assert source.shown == "门口.mp4"
    told = set()
    for text in (
        "link.mp4",
        "folder-link/secret.mp4",
        "../outside/secret.mp4",
        str(outside / "secret.mp4"),
        str(folder / ".." / "outside" / "secret.mp4"),
        "day 1",
        "missing.mp4",
        str(tmp_path / "missing.mp4"),
        "~/secret.mp4",
    ):
        with pytest.raises(SourceRefusedError) as refused:
            checked_source(text, rules)
        told.add(refused.value.detail)
    assert len(told) == 1


def test_R_STR_2_webcams_are_those_that_were_named() -> None:
    rules = SourceRules(webcams=(0, 2))
    assert checked_source(" 2 ", rules).address == "2"
    for text in ("1", "3", "02"):
        with pytest.raises(SourceRefusedError):
            checked_source(text, rules)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://a:b@h/x", "rtsp://***@h/x"),
        ("rtsp://a:b@c@h/x", "rtsp://***@h/x"),
        ("http://h/x?user=admin&pwd=geheim&plain", "http://h/x?user=***&pwd=***&plain"),
        ("http://h", "http://h"),
        ("day 1/a.mp4", "day 1/a.mp4"),
    ],
)
def test_R_STR_2_credentials_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@given(st.text(max_size=60))
def test_R_STR_2_any_text_is_allowed_or_refused(text: str) -> None:
    for candidate in (text, f"rtsp://{text}", f"http://{text}@127.0.0.1/"):
        try:
            source = checked_source(candidate, SourceRules(), resolve)
        except SourceRefusedError:
            continue
        assert all(ipaddress.ip_address(address).is_global for address in source.ip_addresses)
        assert source.ip_addresses
