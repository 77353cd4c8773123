"""Downloads from servers that cut, lie, redirect, trickle and change their minds: the right file or a clear error."""

import hashlib
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lianpu.errors import PackDigestError, PackDownloadError, StorageError
from lianpu.packs.download import DownloadCancelled, Downloads, RemoteFile, TransferLimits
from lianpu.packs.transfer import Part, Receiver, Refused, Watcher, shown_address
from tests.packs.nasty_server import GOOD, Manners, NastyServer, nasty_server

CONTENT = random.Random(1).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
UNWATCHED = Watcher(lambda done, total: None, lambda: False)
FAST = TransferLimits(backoff_s=0.0, read_timeout_s=2.0, connect_timeout_s=2.0)


@pytest.fixture
def server() -> Iterator[NastyServer]:
    with nasty_server() as one:
        yield one


@pytest.fixture
def other_server() -> Iterator[NastyServer]:
    with nasty_server() as one:
        yield one


def fetch(folder: Path, *urls: str, limits: TransferLimits = FAST, **given: Any) -> bytes:
    """Download `CONTENT` from these addresses; its bytes as they lie on disk."""
    mirrors, size_bytes = given.pop("mirrors", ()), given.pop("size_bytes", len(CONTENT))
    downloads = Downloads(folder, mirrors=mirrors, allow_http=given.pop("allow_http", False), limits=limits)
    file = RemoteFile("weights.onnx", SHA256, size_bytes, urls)
    progress = given.pop("progress", lambda done, total: None)
    fetched = downloads.fetch(file, progress, given.pop("is_cancelled", lambda: False))
    assert not given
    return fetched.path.read_bytes()


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder / SHA256)) for path in folder.rglob("*") if path.is_file())


def test_R_INF_5_a_file_comes_whole_with_progress_and_is_found_again(server: NastyServer, tmp_path: Path) -> None:
    url, seen = server.serve("/w", CONTENT), []
    assert fetch(tmp_path, url, progress=lambda done, total: seen.append((done, total))) == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    assert left_in(tmp_path) == ["weights.onnx"]
    assert fetch(tmp_path, url) == CONTENT
    assert len(server.asked) == 1


def test_R_INF_5_a_cut_connection_goes_on_where_it_ended(server: NastyServer, tmp_path: Path) -> None:
    url = server.serve("/w", CONTENT, Manners(cut_after=100_000), Manners(cut_after=50_000), GOOD)
    assert fetch(tmp_path, url) == CONTENT
    assert server.ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert [asked.if_range for asked in server.asked] == [None, '"one"', '"one"']


def test_R_INF_5_a_date_serves_where_there_is_no_strong_tag(server: NastyServer, tmp_path: Path) -> None:
    date = formatdate(0, usegmt=True)
    weak = Manners(etag='W/"one"', last_modified=date)
    url = server.serve("/w", CONTENT, replace(weak, cut_after=9), weak)
    assert fetch(tmp_path, url) == CONTENT
    assert server.asked[1].if_range == date


def test_R_INF_5_a_server_without_ranges_begins_anew(server: NastyServer, tmp_path: Path) -> None:
    url = server.serve("/w", CONTENT, Manners(cut_after=100_000), Manners(honours_range=False))
    assert fetch(tmp_path, url) == CONTENT


def test_R_INF_5_a_wrong_offset_is_never_appended(server: NastyServer, tmp_path: Path) -> None:
    url = server.serve("/w", CONTENT, Manners(cut_after=100_000), Manners(offset_error=7), GOOD)
    assert fetch(tmp_path, url) == CONTENT
    assert server.ranges == [None, "bytes=100000-", None]


@pytest.mark.parametrize("ignores_if_range", [False, True])
def test_R_INF_5_a_file_that_changes_between_tries_is_never_mixed(
    ignores_if_range: bool, server: NastyServer, tmp_path: Path
) -> None:
    old = Manners(content=bytes(len(CONTENT)), cut_after=100_000)
    url = server.serve("/w", CONTENT, old, Manners(etag='"two"', ignores_if_range=ignores_if_range))
    assert fetch(tmp_path, url) == CONTENT


def test_R_INF_5_a_mixed_part_is_fetched_again_in_one_go(server: NastyServer, tmp_path: Path) -> None:
    """Without tag or date nothing tells that the file has changed; the digest does."""
    old = Manners(content=bytes(len(CONTENT)), cut_after=100_000, etag=None)
    url = server.serve("/w", CONTENT, old, Manners(etag=None))
    assert fetch(tmp_path, url) == CONTENT
    assert server.ranges == [None, "bytes=100000-", None]


@pytest.mark.parametrize("size_bytes", [len(CONTENT), None])
@pytest.mark.parametrize("announced", [100_000, 400_000, -1])
def test_R_INF_5_a_server_that_lies_about_the_length(
    announced: int, size_bytes: int | None, server: NastyServer, other_server: NastyServer, tmp_path: Path
) -> None:
    lying = server.serve("/w", CONTENT, Manners(announced=announced))
    assert fetch(tmp_path, lying, other_server.serve("/w", CONTENT), size_bytes=size_bytes) == CONTENT


def test_R_INF_5_an_endless_answer_is_stopped(server: NastyServer, tmp_path: Path) -> None:
    url = server.serve("/w", CONTENT, Manners(endless=True))
    with pytest.raises(PackDownloadError, match="more than 300000 bytes"):
        fetch(tmp_path, url)
    with pytest.raises(PackDownloadError, match="more than 1000000 bytes"):
        fetch(tmp_path, url, size_bytes=None, limits=replace(FAST, max_bytes=1_000_000))
    assert left_in(tmp_path) == []


def test_R_INF_5_a_wrong_file_leaves_nothing_and_the_next_mirror_helps(
    server: NastyServer, other_server: NastyServer, tmp_path: Path
) -> None:
    wrong = server.serve("/w", CONTENT, Manners(content=bytes(len(CONTENT))))
    with pytest.raises(PackDigestError) as error:
        fetch(tmp_path, wrong)
    assert error.value.code == "pack_digest_mismatch"
    assert error.value.context["sources"][0]["url"] == wrong
    assert list(tmp_path.rglob("*")) == []
    assert fetch(tmp_path, wrong, other_server.serve("/w", CONTENT)) == CONTENT


def test_R_INF_5_mirrors_come_first(server: NastyServer, other_server: NastyServer, tmp_path: Path) -> None:
    other_server.serve("/base/weights.onnx", CONTENT)
    assert fetch(tmp_path, server.serve("/w", CONTENT), mirrors=[f"{other_server.address}/base/"]) == CONTENT
    assert server.asked == []


def test_R_INF_5_a_mirror_goes_on_with_another_ones_part(
    server: NastyServer, other_server: NastyServer, tmp_path: Path
) -> None:
    dying = server.serve("/w", CONTENT, Manners(cut_after=100_000), Manners(status=404))
    assert fetch(tmp_path, dying, other_server.serve("/w", CONTENT)) == CONTENT
    assert other_server.ranges == ["bytes=100000-"]


@pytest.mark.parametrize(
    "refusal",
    [
        Manners(status=404),
        Manners(status=429, headers={"Retry-After": "86400"}),
        Manners(status=302, headers={"Location": "/w"}),
        Manners(content=bytes(10)),  # shorter than the part: 416
        Manners(content=bytes(200_000), honours_range=False),
    ],
)
def test_R_INF_5_an_address_that_refuses_costs_nothing_of_what_came(
    refusal: Manners, server: NastyServer, other_server: NastyServer, tmp_path: Path
) -> None:
    """As a mirror without this file does, which is asked first each time."""
    cut = other_server.serve("/w", CONTENT, Manners(cut_after=100_000), Manners(status=500))
    refusing = server.serve("/w", CONTENT, refusal)
    with pytest.raises(PackDownloadError):
        fetch(tmp_path, cut, refusing)
    assert (tmp_path / SHA256 / "weights.onnx.part").stat().st_size == 100_000
    other_server.asked.clear()
    assert fetch(tmp_path, refusing, other_server.serve("/w", CONTENT)) == CONTENT
    assert other_server.ranges == ["bytes=100000-"]


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_R_INF_5_a_passing_error_is_tried_again(status: int, server: NastyServer, tmp_path: Path) -> None:
    url = server.serve("/w", CONTENT, Manners(status=status, headers={"Retry-After": "0"}), GOOD)
    assert fetch(tmp_path, url) == CONTENT


@pytest.mark.parametrize(
    ("manners", "attempts", "said"),
    [
        (Manners(status=404), 1, "answers 404"),
        (Manners(status=403), 1, "answers 403"),
        (Manners(status=500), 4, "answers 500"),
        (Manners(status=429, headers={"Retry-After": "86400"}), 1, "come back in 86400 s"),
        (Manners(status=302, headers={"Location": "/w"}), 6, "redirects more than 5 times"),
        (Manners(status=302, headers={"Location": "file:///etc/passwd"}), 1, "no http or https address"),
        (Manners(status=302, headers={"Location": "http://192.0.2.1/w"}), 1, "plain http"),
        (Manners(headers={"Content-Encoding": "gzip"}), 1, "compressed"),
        (Manners(cut_after=0), 4, "127.0.0.1"),
    ],
)
def test_R_INF_5_what_does_not_help_ends_in_a_clear_error(
    manners: Manners, attempts: int, said: str, server: NastyServer, tmp_path: Path
) -> None:
    with pytest.raises(PackDownloadError, match=said) as error:
        fetch(tmp_path, server.serve("/w", CONTENT, manners))
    assert error.value.status == 502
    assert len(server.asked) == attempts
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    "odd",
    [
        Manners(etag='"\xe9\xff"', cut_after=100_000),
        Manners(etag=None, last_modified="\xe9", cut_after=100_000),
        Manners(etag='"' + "x" * 50_000 + '"', cut_after=100_000),
        Manners(status=302, headers={"Location": "https://xn--" + "a" * 80 + ".example/w"}),
        Manners(status=302, headers={"Location": "https://..../w"}),
        Manners(status=302, headers={"Location": "http://[::"}),
        Manners(status=302, headers={"Location": "http://127.0.0.1:99999/w"}),
        Manners(status=503, headers={"Retry-After": "Mon, 01 Jan 99999 00:00:00 GMT"}),
        Manners(status=503, headers={"Retry-After": "-1"}),
    ],
)
def test_R_INF_5_headers_of_any_kind_are_survived(odd: Manners, server: NastyServer, tmp_path: Path) -> None:
    assert fetch(tmp_path, server.serve("/w", CONTENT, odd, GOOD)) == CONTENT


def test_R_INF_5_a_redirect_to_another_server_is_followed(
    server: NastyServer, other_server: NastyServer, tmp_path: Path
) -> None:
    there = other_server.serve("/there", CONTENT)
    url = server.serve("/w", CONTENT, Manners(status=302, headers={"Location": there}))
    assert fetch(tmp_path, url) == CONTENT


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("http://weights.example/w", "from https down to"),
        ("http://127.0.0.1/w", "from https down to"),
        ("https://127.0.0.1/w", "inside this machine"),
        ("ftp://weights.example/w", "no http or https"),
        ("", "redirects more than"),
    ],
)
@pytest.mark.parametrize("allow_http", [False, True])
def test_R_INF_5_a_redirect_never_leads_down_or_inside(
    location: str, said: str, allow_http: bool, tmp_path: Path
) -> None:
    redirecting = httpx2.MockTransport(lambda request: httpx2.Response(302, headers={"Location": location}))
    with httpx2.Client(transport=redirecting) as client:
        receiver = Receiver(client, FAST, allow_http=allow_http)
        with pytest.raises(Refused, match=said):
            receiver.receive("https://weights.example/w", Part(tmp_path / "w.part"), None, UNWATCHED)


def test_R_INF_5_plain_http_is_for_loopback_alone(tmp_path: Path) -> None:
    with pytest.raises(PackDownloadError, match=r"packs\.allow_http"):
        fetch(tmp_path, "http://192.0.2.1/w")


def test_R_INF_5_nobody_there(server: NastyServer, tmp_path: Path) -> None:
    with pytest.raises(PackDownloadError) as error:
        fetch(tmp_path, "http://127.0.0.1:9/w", "http://user:secret@127.0.0.1:9/v?token=secret")
    assert len(error.value.context["sources"]) == 2
    assert "secret" not in error.value.detail


def test_addresses_are_shown_without_secrets() -> None:
    assert shown_address("https://user:secret@example.org/a?token=secret#x") == "https://example.org/a"


def test_R_INF_5_a_trickle_is_left_and_a_silence_too(
    server: NastyServer, other_server: NastyServer, tmp_path: Path
) -> None:
    limits = replace(FAST, slow_after_s=0.1, min_bytes_per_s=1e6, max_idle_attempts=1, read_timeout_s=0.2)
    trickling = server.serve("/slow", CONTENT, Manners(pause_s=0.03, cut_after=6400))
    silent = server.serve("/silent", CONTENT, Manners(pause_s=1.0, cut_after=128))
    limits = replace(limits, max_attempts=2)
    assert fetch(tmp_path, trickling, silent, other_server.serve("/w", CONTENT), limits=limits) == CONTENT


def test_R_INF_5_a_cancelled_download_keeps_what_came(server: NastyServer, tmp_path: Path) -> None:
    url, done = server.serve("/w", CONTENT), [0]

    def progress(bytes_done: int, total: int | None) -> None:
        done[0] = bytes_done

    with pytest.raises(DownloadCancelled):
        fetch(tmp_path, url, progress=progress, is_cancelled=lambda: done[0] > 0)
    assert left_in(tmp_path) == ["weights.onnx.part", "weights.onnx.part.json"]
    kept = (tmp_path / SHA256 / "weights.onnx.part").stat().st_size
    assert fetch(tmp_path, url) == CONTENT
    assert server.ranges == [None, f"bytes={kept}-"]


def test_R_INF_5_a_damaged_state_or_part_is_no_obstacle(server: NastyServer, tmp_path: Path) -> None:
    place = tmp_path / SHA256
    place.mkdir()
    (place / "weights.onnx.part").write_bytes(b"x" * 400_000)
    (place / "weights.onnx.part.json").write_text("[no state")
    assert fetch(tmp_path, server.serve("/w", CONTENT)) == CONTENT
    (place / "weights.onnx").write_bytes(b"flipped")
    assert fetch(tmp_path, server.serve("/w", CONTENT)) == CONTENT


def test_R_INF_5_a_full_disk_is_told_before_anything_is_requested(
    server: NastyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("lianpu.packs.download.shutil.disk_usage", lambda folder: usage)
    with pytest.raises(StorageError, match="0 MB free"):
        fetch(tmp_path, server.serve("/w", CONTENT))
    assert server.asked == []


LIMITED = """
import resource, sys
from pathlib import Path
from lianpu.errors import StorageError
from tests.packs.test_download import fetch
resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    fetch(Path(sys.argv[1]), sys.argv[2])
except StorageError as error:
    print(error.code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
def test_R_INF_5_a_disk_that_fills_up_leaves_only_what_resumes(server: NastyServer, tmp_path: Path) -> None:
    url = server.serve("/w", CONTENT)
    ended = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path), url], capture_output=True, text=True)
    assert ended.stdout.strip() == "storage_unwritable", ended.stderr
    assert left_in(tmp_path) == ["weights.onnx.part", "weights.onnx.part.json"]
    assert fetch(tmp_path, url) == CONTENT
    assert server.ranges == [None, "bytes=120000-"]


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.packs.test_download import fetch
def progress(done, total):
    if done > 100_000:
        os.kill(os.getpid(), signal.SIGKILL)
fetch(Path(sys.argv[1]), sys.argv[2], progress=progress)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_R_INF_5_after_a_kill_only_the_rest_is_requested(server: NastyServer, tmp_path: Path) -> None:
    url = server.serve("/w", CONTENT)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), url], capture_output=True)
    assert killed.returncode == -9
    kept = (tmp_path / SHA256 / "weights.onnx.part").stat().st_size
    assert 100_000 < kept < len(CONTENT)
    assert fetch(tmp_path, url) == CONTENT
    assert server.ranges == [None, f"bytes={kept}-"]


nasty_manners = st.builds(
    Manners,
    status=st.sampled_from([0, 0, 0, 0, 500, 404]),
    content=st.sampled_from([None, None, None, bytes(5000), CONTENT[:4000]]),
    cut_after=st.none() | st.integers(0, 5000),
    announced=st.sampled_from([None, None, -1, 10, 6000]),
    honours_range=st.booleans(),
    offset_error=st.sampled_from([0, 0, 0, 3, -3]),
    ignores_if_range=st.booleans(),
    etag=st.sampled_from([None, '"one"', '"two"', 'W/"weak"']),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.slow
@given(manners=st.lists(nasty_manners, max_size=8), size_known=st.booleans())
def test_R_INF_5_whatever_a_server_does_the_file_is_right_or_the_error_clear(
    manners: list[Manners], size_known: bool, server: NastyServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    small = CONTENT[:5000]
    digest = hashlib.sha256(small).hexdigest()
    folder = tmp_path_factory.mktemp("any")
    urls = (server.serve("/a", small, *manners, Manners(status=500)), server.serve("/b", small, *manners[::-1]))
    file = RemoteFile("w.onnx", digest, 5000 if size_known else None, urls)
    downloads = Downloads(folder, limits=replace(FAST, max_bytes=100_000))
    try:
        fetched = downloads.fetch(file, lambda done, total: None, lambda: False)
    except (PackDownloadError, PackDigestError):
        assert not (folder / digest / "w.onnx").exists()
    else:
        assert fetched.path.read_bytes() == small
    # However that ended: a good server makes it good.
    file = replace(file, urls=(server.serve("/good", small),))
    assert downloads.fetch(file, lambda done, total: None, lambda: False).path.read_bytes() == small
    assert [path.name for path in (folder / digest).iterdir()] == ["w.onnx"]
