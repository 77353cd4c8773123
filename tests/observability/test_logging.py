"""Logs as people, files and log shippers get them."""

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path
from typing import Any

import httpx2
import pytest
from structlog.contextvars import bound_contextvars

from lianpu.api.app import create_app
from lianpu.errors import HomeUnwritableError
from lianpu.observability.logging import configure_logging
from lianpu.settings import LoggingSettings, load_settings
from lianpu.streams.source_thread import SourceThread

KEY = "a-very-secret-api-key-0123456789"
ROUTED = ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Configuring logging changes the whole process; pytest's own handlers must come out alive."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ROUTED}
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = before, level
    for name, former in levels.items():
        logging.getLogger(name).setLevel(former)


def _settings(**changed: Any) -> LoggingSettings:
    return LoggingSettings(**{"level": "info", "format": "json", "file": False, "retention_days": 14, **changed})


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def _file(home: Path) -> list[dict[str, Any]]:
    return _lines((home / "logs" / "lianpu.log").read_text(encoding="utf-8"))


def _file_handler() -> TimedRotatingFileHandler:
    return next(handler for handler in logging.getLogger().handlers if isinstance(handler, TimedRotatingFileHandler))


def test_R_OPS_2_json_line_has_request_id_level_logger_time_and_chinese_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(_settings(), tmp_path)
    with bound_contextvars(request_id="r-1"):
        logging.getLogger("lianpu.gallery").warning("%s 已登记\nagain", "张三", extra={"pack": "dlib"})
    written = capsys.readouterr().err
    assert "张三 已登记" in written
    (line,) = _lines(written)
    moment = datetime.fromisoformat(line.pop("@timestamp"))
    assert moment.tzinfo == UTC
    assert line == {
        "message": "张三 已登记\nagain",
        "level": "warning",
        "logger": "lianpu.gallery",
        "request_id": "r-1",
        "pack": "dlib",
    }


def test_R_OPS_2_request_id_ends_with_its_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(_settings(), tmp_path)
    with bound_contextvars(request_id="r-1"):
        logging.getLogger("lianpu").info("inside")
    logging.getLogger("lianpu").info("outside")
    assert [line.get("request_id") for line in _lines(capsys.readouterr().err)] == ["r-1", None]


def test_R_OPS_2_traceback_stays_in_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(_settings(), tmp_path)
    try:
        raise ValueError("脸")
    except ValueError:
        logging.getLogger("lianpu").exception("failed")
    (line,) = _lines(capsys.readouterr().err)
    assert line["level"] == "error"
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: 脸")


def test_R_OPS_2_people_get_plain_text_when_it_goes_to_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(_settings(format="console"), tmp_path)
    with bound_contextvars(request_id="r-1"):
        logging.getLogger("lianpu").info("张三")
    written = capsys.readouterr().err
    assert "张三" in written
    assert "request_id=r-1" in written
    assert "\x1b" not in written


def test_R_OPS_2_file_holds_json_whatever_the_console_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(_settings(format="console", file=True), tmp_path)
    logging.getLogger("lianpu").info("张三")
    assert "张三" in capsys.readouterr().err
    assert "张三" in (tmp_path / "logs" / "lianpu.log").read_text(encoding="utf-8")
    assert [line["message"] for line in _file(tmp_path)] == ["张三"]


def test_R_OPS_2_file_is_daily_and_old_ones_go(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for day in ("2020-01-01", "2020-01-02", "2020-01-03"):
        (logs / f"lianpu.log.{day}").write_text("{}\n")
    configure_logging(_settings(file=True, retention_days=2), tmp_path)
    logging.getLogger("lianpu").info("yesterday")
    handler = _file_handler()
    assert (handler.when, handler.interval, handler.utc) == ("MIDNIGHT", 24 * 3600, True)
    # Midnight has passed.
    handler.rolloverAt = int(datetime.now(UTC).timestamp()) - 1
    logging.getLogger("lianpu").info("today")
    assert [line["message"] for line in _file(tmp_path)] == ["today"]
    kept = sorted(path.name for path in logs.iterdir())
    assert len(kept) == 3
    assert kept[:2] == ["lianpu.log", "lianpu.log.2020-01-03"]
    assert "yesterday" in (logs / kept[2]).read_text()


def test_R_OPS_2_no_file_unless_wanted(tmp_path: Path) -> None:
    configure_logging(_settings(), tmp_path)
    logging.getLogger("lianpu").info("x")
    assert list(tmp_path.iterdir()) == []


def test_R_OPS_2_log_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("no folder")
    with pytest.raises(HomeUnwritableError, match=r"logging\.file"):
        configure_logging(_settings(file=True), tmp_path)


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_R_OPS_2_level_is_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str], level: str, count: int) -> None:
    configure_logging(_settings(level=level), tmp_path)
    for name in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger("lianpu"), name)("x")
    assert len(_lines(capsys.readouterr().err)) == count


def test_R_OPS_2_configured_twice_writes_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        configure_logging(_settings(file=True), tmp_path)
    logging.getLogger("lianpu").info("x")
    assert len(_lines(capsys.readouterr().err)) == len(_file(tmp_path)) == 1


def test_R_OPS_2_uvicorn_and_alembic_are_routed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uvicorn = logging.getLogger("uvicorn")
    uvicorn.addHandler(logging.StreamHandler())
    uvicorn.propagate = False
    configure_logging(_settings(file=True), tmp_path)
    logging.getLogger("uvicorn.error").info(
        "Started server process [%d]", 7, extra={"color_message": "Started server process [\x1b[36m%d\x1b[0m]"}
    )
    logging.getLogger("alembic.runtime.migration").info("Will assume non-transactional DDL.")
    logging.getLogger("alembic.runtime.migration").warning("odd schema")
    lines = _lines(capsys.readouterr().err)
    assert lines == _file(tmp_path)
    assert [(line["logger"], line["message"]) for line in lines] == [
        ("uvicorn.error", "Started server process [7]"),
        ("alembic.runtime.migration", "odd schema"),
    ]
    assert "color_message" not in lines[0]


def test_R_OPS_2_api_key_never_appears_in_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"LIANPU_SERVER__API_KEY": KEY, "LIANPU_LOGGING__LEVEL": "debug", "LIANPU_LOGGING__FORMAT": "json"}
    # A pack that does not exist: the server starts without one, and says so in its log.
    overrides = {"home": str(tmp_path / "home"), "packs.default": "none"}
    settings = load_settings(overrides, environment=environment, folder=tmp_path).settings
    configure_logging(settings.logging, settings.home)
    logging.getLogger("lianpu").info("settings %s", settings, extra={"settings": settings.server})

    async def talk() -> list[int]:
        app = create_app(settings)
        sent = ({"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}, {"X-API-Key": f"{KEY}x"})
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1") as client,
        ):
            return [(await client.get("/api/v1/faces", headers=headers)).status_code for headers in sent]

    assert asyncio.run(talk()) == [200, 200, 401]
    written = capsys.readouterr().err + (settings.home / "logs" / "lianpu.log").read_text(encoding="utf-8")
    accesses = [line for line in _file(settings.home) if line["logger"] == "lianpu.access"]
    assert [line["message"].split()[:3] for line in accesses] == [
        ["GET", "/api/v1/faces", status] for status in ("200", "200", "401")
    ]
    assert len({line["request_id"] for line in accesses}) == 3
    assert "the default pack cannot be used" in written
    assert KEY not in written


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_R_ACC_4_traceback_shows_no_local_variables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    configure_logging(_settings(format=log_format, file=True), tmp_path)

    def fails(secret: str) -> None:
        raise RuntimeError(f"broken after {len(secret)} characters")

    try:
        fails(KEY)
    except RuntimeError:
        logging.getLogger("lianpu").exception("request failed")
    written = capsys.readouterr().err
    assert "broken after" in written
    assert KEY not in written
    assert KEY not in (tmp_path / "logs" / "lianpu.log").read_text(encoding="utf-8")


def test_R_OPS_2_a_line_begins_with_its_moment_as_shippers_look_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(_settings(), tmp_path)
    with bound_contextvars(request_id="r-1", job_id="j-1", stream_id="s-1", trace_id="0af7"):
        logging.getLogger("lianpu").info("x")
    written = capsys.readouterr().err
    assert written.startswith('{"@timestamp": "')
    (line,) = _lines(written)
    del line["@timestamp"]
    assert line == {
        "message": "x",
        "level": "info",
        "logger": "lianpu",
        "request_id": "r-1",
        "job_id": "j-1",
        "stream_id": "s-1",
        "trace_id": "0af7",
    }


def _settings_at(home: Path, **overrides: Any) -> Any:
    values = {"home": str(home), "server.api_key": KEY, "logging.format": "json", **overrides}
    return load_settings(values, environment={}, folder=home.parent).settings


async def _talk(settings: Any, work: Any) -> Any:
    app = create_app(settings)
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers={"X-API-Key": KEY}) as client,
    ):
        return await work(client, app.state.platform)


def test_R_OPS_2_an_access_line_has_route_status_and_duration_as_fields(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = _settings_at(tmp_path / "home", **{"packs.default": "none"})
    configure_logging(settings.logging, settings.home)

    async def work(client: httpx2.AsyncClient, _platform: Any) -> None:
        await client.get("/api/v1/faces/p-1", headers={"X-Request-ID": "r-7"})

    asyncio.run(_talk(settings, work))
    (line,) = [line for line in _file(settings.home) if line["logger"] == "lianpu.access"]
    duration_ms = line.pop("duration_ms")
    del line["@timestamp"]
    assert duration_ms > 0
    assert line == {
        "message": f"GET /api/v1/faces/p-1 404 {duration_ms} ms",
        "level": "info",
        "logger": "lianpu.access",
        "request_id": "r-7",
        "method": "GET",
        "path": "/api/v1/faces/p-1",
        "route": "/api/v1/faces/{person_id}",
        "status": 404,
    }


def test_R_OPS_2_people_read_an_access_line_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(_settings(format="console"), tmp_path)
    fields = {"method": "GET", "path": "/x", "route": None, "status": 200, "duration_ms": 1.5}
    logging.getLogger("lianpu.access").info("GET /x 200 1.5 ms", extra=fields)
    logging.getLogger("lianpu.other").info("y", extra={"status": 7})
    access, other = capsys.readouterr().err.splitlines()
    assert "GET /x 200 1.5 ms" in access
    assert "=" not in access
    assert "status=7" in other


def test_R_OPS_2_every_line_of_a_job_has_its_id_and_that_of_its_trace(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collector = "http://127.0.0.1:9/v1/traces"
    traced = {"observability.traces_endpoint": collector, "observability.traces_sample_ratio": 1}
    settings = _settings_at(home, **traced)
    configure_logging(settings.logging, settings.home)

    async def work(client: httpx2.AsyncClient, platform: Any) -> str:
        started = await client.post("/api/v1/gallery/health", json={})
        job_id = started.json()["job"]["job_id"]
        while (await platform.jobs.get(job_id)).job.finished_at is None:
            await asyncio.sleep(0.02)
        return job_id

    job_id = asyncio.run(_talk(settings, work))
    lines = _file(settings.home)
    of_job = [line for line in lines if line["logger"] == "lianpu.jobs.workers"]
    assert [line["message"] for line in of_job] == ["job begins", "job ended"]
    assert {line["job_id"] for line in of_job} == {job_id}
    access = next(line for line in lines if line.get("route") == "/api/v1/gallery/health")
    assert {line["trace_id"] for line in of_job} == {access["trace_id"]}
    assert len(access["trace_id"]) == 32


def test_R_OPS_2_every_line_of_a_stream_has_its_id_and_none_of_the_request_that_began_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = _settings_at(home, **{"streams.folders": [str(home)]})
    configure_logging(settings.logging, settings.home)
    (home / "no-video.mp4").write_bytes(b"nothing")

    async def work(client: httpx2.AsyncClient, platform: Any) -> str:
        def breaks(*_: object) -> None:
            raise RuntimeError("unforeseen")

        body = {"source": str(home / "no-video.mp4"), "lifetime_minutes": 1}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SourceThread, "_reader_of", breaks)
            started = await client.post("/api/v1/stream/start", json=body, headers={"X-Request-ID": "r-9"})
            stream_id = started.json()["stream"]["stream_id"]
            while platform.streams.active():
                await asyncio.sleep(0.02)
        return stream_id

    stream_id = asyncio.run(_talk(settings, work))
    lines = [line for line in _file(settings.home) if line.get("stream_id") == stream_id]
    failed = next(line for line in lines if line["message"] == "a stream's source failed unexpectedly")
    assert "request_id" not in failed
    assert failed["exception"].endswith("RuntimeError: unforeseen")
    assert {"stream begins", "stream ended"} <= {line["message"] for line in lines}
