"""Statements of the database as spans: which kind, of which database; never their text or values."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine

from lianpu.observability.tracing import Tracing

_END = "lianpu_span_end"
_OTHER = "STATEMENT"
_OPERATIONS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})


def trace_statements(engine: AsyncEngine, tracing: Tracing) -> None:
    """From now on, within what is traced already; what goes on in the background is not."""
    system = engine.dialect.name

    def begin(
        _connection: object, _cursor: object, statement: str, _parameters: object, context: Any, _many: bool
    ) -> None:
        first = statement.lstrip()[:6].upper()
        operation = first if first in _OPERATIONS else _OTHER
        end = tracing.begin_inner(operation, {"db.system.name": system, "db.operation.name": operation})
        if end is not None and context is not None:
            setattr(context, _END, end)

    def succeed(
        _connection: object, _cursor: object, _statement: str, _parameters: object, context: Any, _many: bool
    ) -> None:
        _end(context, None)

    def fail(error: ExceptionContext) -> None:
        _end(error.execution_context, type(error.original_exception).__name__)

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", succeed)
    event.listen(engine.sync_engine, "handle_error", fail)


def _end(context: object, error_type: str | None) -> None:
    end: Callable[[str | None], None] | None = getattr(context, _END, None)
    if end is not None:
        setattr(context, _END, None)
        end(error_type)
