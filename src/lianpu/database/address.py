"""Where a database is: the URL with the driver that belongs to it, how it is encrypted, and how it may be shown."""

import importlib.util
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from lianpu.errors import DatabaseAddressError, DatabaseDriverError

CONNECT_TIMEOUT_S = 10


class DatabaseKind(StrEnum):
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    MARIADB = "mariadb"
    """MySQL too."""


KINDS = {
    "sqlite": DatabaseKind.SQLITE,
    "postgresql": DatabaseKind.POSTGRESQL,
    "postgres": DatabaseKind.POSTGRESQL,
    "mariadb": DatabaseKind.MARIADB,
    "mysql": DatabaseKind.MARIADB,
}
DRIVERS = {DatabaseKind.SQLITE: "aiosqlite", DatabaseKind.POSTGRESQL: "asyncpg", DatabaseKind.MARIADB: "asyncmy"}
TITLES = {DatabaseKind.SQLITE: "SQLite", DatabaseKind.POSTGRESQL: "PostgreSQL", DatabaseKind.MARIADB: "MariaDB"}
TLS_MODES = ("disable", "require", "verify-ca", "verify-full")
_TLS_KEYS = ("sslmode", "sslrootcert", "sslcert", "sslkey")
_EXAMPLE = (
    "is no URL of a database, such as postgresql://user:password@host/name or mariadb://user:password@host/name. "
    "Write signs like @ : / # of a password as %40 %3A %2F %23."
)


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    kind: DatabaseKind
    url: URL
    """With its driver, and without what `connect_args` say."""
    connect_args: Mapping[str, Any]
    """For the driver."""
    wants_tls: bool
    """A connection that is not encrypted is refused."""

    @property
    def shown(self) -> str:
        return shown_url(self.url)

    @property
    def title(self) -> str:
        return TITLES[self.kind]


def shown_url(url: URL) -> str:
    """Without the password, and without parameters, which may hold one."""
    return url.set(query={}, drivername=url.get_backend_name()).render_as_string(hide_password=True)


def database_address(text: str, *, password: str | None = None) -> DatabaseAddress:
    """
    Args:
        password: instead of the URL's.

    Raises:
        DatabaseAddressError: it is none, or of a database or driver that is not known. The text is not repeated.
        DatabaseDriverError: the driver is not installed.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # Their texts hold parts of what was given, and so of passwords.
        raise DatabaseAddressError(f"database.url {_EXAMPLE}") from None
    name, _, driver = url.drivername.partition("+")
    kind = KINDS.get(name)
    if kind is None:
        raise DatabaseAddressError(f"database.url begins with {name}://; it must be one of {', '.join(KINDS)}.")
    if driver not in {"", DRIVERS[kind]}:
        raise DatabaseAddressError(
            f"database.url names the driver {driver}; Lianpu works with {DRIVERS[kind]}: write {kind}://…"
        )
    if importlib.util.find_spec(DRIVERS[kind]) is None:
        raise DatabaseDriverError(
            f"The driver for {TITLES[kind]}, {DRIVERS[kind]}, is not installed: pip install 'lianpu[{kind}]'."
        )
    backend = "postgresql" if kind is DatabaseKind.POSTGRESQL else name
    mode = _parameter(url, "sslmode")
    connect_args = {} if kind is DatabaseKind.SQLITE else _connect_args(kind, url, mode)
    return DatabaseAddress(
        kind,
        url.set(drivername=f"{backend}+{DRIVERS[kind]}", password=password or url.password).difference_update_query(
            _TLS_KEYS
        ),
        connect_args,
        wants_tls=mode is not None and mode != "disable",
    )


def _connect_args(kind: DatabaseKind, url: URL, mode: str | None) -> dict[str, Any]:
    timeout = "timeout" if kind is DatabaseKind.POSTGRESQL else "connect_timeout"
    args: dict[str, Any] = {} if timeout in url.query else {timeout: CONNECT_TIMEOUT_S}
    if mode is None:
        return args
    if mode not in TLS_MODES:
        raise DatabaseAddressError(f"database.url: sslmode must be one of {', '.join(TLS_MODES)}.")
    if mode != "disable":
        return {**args, "ssl": _tls(url, mode)}
    return {**args, "ssl": False} if kind is DatabaseKind.POSTGRESQL else args


def _tls(url: URL, mode: str) -> ssl.SSLContext:
    authorities, certificate = _parameter(url, "sslrootcert"), _parameter(url, "sslcert")
    try:
        context = ssl.create_default_context(cafile=authorities)
        if certificate is not None:
            context.load_cert_chain(certificate, _parameter(url, "sslkey"))
    except OSError as error:  # ssl.SSLError too
        raise DatabaseAddressError(f"database.url: its certificates cannot be read: {error}.") from error
    context.check_hostname = mode == "verify-full"
    if mode == "require":
        context.verify_mode = ssl.CERT_NONE
    return context


def _parameter(url: URL, name: str) -> str | None:
    value = url.query.get(name)
    return value if value is None or isinstance(value, str) else value[-1]
