"""Logging: structlog rendering for people or as JSON lines, to standard error and a daily file.

Every line carries what it belongs to, as far as it does: `request_id`, `job_id`, `stream_id` and `trace_id`.
"""

import logging
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path

import structlog
from structlog.dev import plain_traceback

from lianpu.errors import HomeUnwritableError
from lianpu.settings import LoggingSettings

ACCESS_LOGGER = "lianpu.access"
_ACCESS_FIELDS = ("method", "path", "route", "status", "duration_ms")


def configure_logging(settings: LoggingSettings, home: Path, node: str | None = None) -> None:
    """Route every logger of the process through structlog; request ids come from its context variables.

    Args:
        node: goes into the file's name, where several processes hold the home; None: it is held alone.

    Raises:
        HomeUnwritableError: the log file cannot be written.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _moment,
        structlog.processors.StackInfoRenderer(),
        _without_color_message,
    ]
    handlers: list[logging.Handler] = [_with_format(logging.StreamHandler(), shared, json=settings.format == "json")]
    if settings.file:
        handlers.append(_with_format(_daily_file(home / "logs", node, settings.retention_days), shared, json=True))
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(settings.level.upper())
    for noisy in ("uvicorn", "uvicorn.error", "alembic"):
        logging.getLogger(noisy).handlers.clear()
        logging.getLogger(noisy).propagate = True
    # At debug it writes what WebSockets bring, tokens included.
    logging.getLogger("uvicorn.error").setLevel(max(logging.INFO, root.level))
    logging.getLogger("uvicorn.error").addFilter(_is_no_refused_handshake)
    # Migrations report every start otherwise.
    # The HTTP client's lines hold whole addresses, and with them the tokens of signed ones.
    # aiosqlite's debug lines hold every value that is stored.
    for chatty in ("alembic", "aiosqlite", "httpx2", "httpcore2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _is_no_refused_handshake(record: logging.LogRecord) -> bool:
    """uvicorn takes a WebSocket that was refused by an answer for one that was forgotten, and calls it an error."""
    return record.msg != "ASGI callable returned without completing handshake."


def _daily_file(folder: Path, node: str | None, retention_days: int) -> TimedRotatingFileHandler:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if node is not None:
            _remove_old(folder, retention_days)
        name = "lianpu.log" if node is None else f"lianpu-{node}.log"
        return TimedRotatingFileHandler(
            folder / name, when="midnight", backupCount=retention_days, encoding="utf-8", utc=True
        )
    except OSError as error:
        raise HomeUnwritableError(
            f"The log file in {folder} cannot be written: {error.strerror or error}. "
            "Mend its permissions, or set logging.file to false."
        ) from error


def _remove_old(folder: Path, retention_days: int) -> None:
    """Of nodes that do not come back, so that nobody else rotates their files."""
    oldest = time.time() - retention_days * 24 * 3600
    for file in folder.glob("lianpu-*.log*"):
        with suppress(FileNotFoundError):  # another node does the same
            if file.stat().st_mtime < oldest:
                file.unlink()


def _moment(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """When it was logged, the same in every place that it is written to."""
    record: logging.LogRecord = event["_record"]
    event["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
    return event


def _without_color_message(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """uvicorn sends every message a second time, painted."""
    event.pop("color_message", None)
    return event


def _for_shippers(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """The names that Elasticsearch and its like look for, the moment first."""
    return {"@timestamp": event.pop("timestamp"), "message": event.pop("event"), **event}


def _for_people(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """The text of an access line says the same once already."""
    if event.get("logger") == ACCESS_LOGGER:
        for field in _ACCESS_FIELDS:
            event.pop(field, None)
    return event


def _with_format(handler: logging.Handler, shared: list[structlog.typing.Processor], *, json: bool) -> logging.Handler:
    tail: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, _for_shippers, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if json
        # The usual formatter prints local variables: photos, embeddings and keys among them.
        else [
            _for_people,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback),
        ]
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail]
        )
    )
    return handler
