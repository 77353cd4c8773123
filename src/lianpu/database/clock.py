"""The database's clock in statements: the only one that all nodes of an installation share."""

from datetime import datetime
from typing import Any

from sqlalchemy import literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from lianpu.database.base import UtcDateTime


class _Moment(FunctionElement[datetime]):
    """As `UtcDateTime` keeps it."""

    inherit_cache = True
    type = UtcDateTime()


def database_now(after_s: float = 0.0) -> FunctionElement[datetime]:
    """The moment at which the statement runs, and so many seconds later."""
    return _Moment(literal(float(after_s)))


# SQLAlchemy gives the compilers of each kind without types.
@compiles(_Moment, "sqlite")
def _sqlite(element: _Moment, compiler: Any, **options: Any) -> str:
    after_s = compiler.process(element.clauses, **options)
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', {after_s} || ' seconds') || '000')"


@compiles(_Moment, "postgresql")
def _postgresql(element: _Moment, compiler: Any, **options: Any) -> str:
    # Not now(): that is when the transaction began.
    after_s = compiler.process(element.clauses, **options)
    return f"((clock_timestamp() AT TIME ZONE 'utc') + make_interval(secs => {after_s}))"


@compiles(_Moment, "mysql")
@compiles(_Moment, "mariadb")
def _mariadb(element: _Moment, compiler: Any, **options: Any) -> str:
    return f"(UTC_TIMESTAMP(6) + INTERVAL {compiler.process(element.clauses, **options)} SECOND)"
