"""The URL alone decides which database it is; its password is for the driver alone."""

import importlib.util
import ssl
from typing import Any

import pytest

from lianpu.database.address import DatabaseKind, database_address
from lianpu.errors import DatabaseAddressError, DatabaseDriverError

GIVEN = "geh/eim-p@ss:wort"
QUOTED = "geh%2Feim-p%40ss%3Awort"


@pytest.mark.parametrize(
    ("url", "kind", "driver"),
    [
        ("sqlite:////var/lib/lianpu.db", DatabaseKind.SQLITE, "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:///x.db", DatabaseKind.SQLITE, "sqlite+aiosqlite"),
        (f"postgresql://ada:{QUOTED}@db.example:5433/lianpu", DatabaseKind.POSTGRESQL, "postgresql+asyncpg"),
        (f"postgres://ada:{QUOTED}@db.example/lianpu", DatabaseKind.POSTGRESQL, "postgresql+asyncpg"),
        (f"postgresql+asyncpg://ada:{QUOTED}@db.example/lianpu", DatabaseKind.POSTGRESQL, "postgresql+asyncpg"),
        (f"mariadb://ada:{QUOTED}@db.example/lianpu", DatabaseKind.MARIADB, "mariadb+asyncmy"),
        (f"mysql://ada:{QUOTED}@db.example/lianpu", DatabaseKind.MARIADB, "mysql+asyncmy"),
    ],
)
def test_R_OPS_2_each_url_gets_its_driver(url: str, kind: DatabaseKind, driver: str) -> None:
    address = database_address(url)
    assert (address.kind, address.url.drivername) == (kind, driver)
    assert address.url.password == (None if kind is DatabaseKind.SQLITE else GIVEN)
    assert "eim" not in address.shown
    assert "eim" not in repr(address)


def test_R_OPS_2_what_is_shown_has_no_parameters() -> None:
    address = database_address(f"postgresql://ada@h/lianpu?password={QUOTED}&sslmode=disable")
    assert address.shown == "postgresql://ada@h/lianpu"


def test_R_OPS_2_a_password_may_be_given_apart() -> None:
    assert database_address("mariadb://ada@h/lianpu", password=GIVEN).url.password == GIVEN


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "is no URL"),
        ("lianpu.db", "is no URL"),
        (f"postgresql://ada:{GIVEN}@h/x", "is no URL"),
        (f"oracle://ada:{QUOTED}@h/x", "begins with oracle://"),
        (f"postgresql+psycopg2://ada:{QUOTED}@h/x", "names the driver psycopg2; Lianpu works with asyncpg"),
        (f"mysql+pymysql://ada:{QUOTED}@h/x", "names the driver pymysql; Lianpu works with asyncmy"),
        (f"postgresql://ada:{QUOTED}@h/x?sslmode=prefer", "sslmode must be one of"),
        (f"postgresql://ada:{QUOTED}@h/x?sslmode=verify-ca&sslrootcert=/nowhere", "certificates cannot be read"),
    ],
)
def test_R_OPS_2_a_wrong_url_is_told_without_being_repeated(url: str, told: str) -> None:
    with pytest.raises(DatabaseAddressError, match=told) as caught:
        database_address(url)
    error: BaseException | None = caught.value
    while error is not None:
        assert "eim" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize(("url", "extra"), [("postgresql://h/x", "postgresql"), ("mysql://h/x", "mariadb")])
def test_R_OPS_2_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, url: str, extra: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(DatabaseDriverError, match=rf"pip install 'lianpu\[{extra}\]'"):
        database_address(url)


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
@pytest.mark.parametrize(
    ("mode", "checks"),
    [
        ("require", (ssl.CERT_NONE, False)),
        ("verify-ca", (ssl.CERT_REQUIRED, False)),
        ("verify-full", (ssl.CERT_REQUIRED, True)),
    ],
)
def test_R_OPS_2_encryption_is_said_alike_for_both_servers(name: str, mode: str, checks: tuple[Any, bool]) -> None:
    address = database_address(f"{name}://ada@h/lianpu?sslmode={mode}&charset=utf8mb4")
    context = address.connect_args["ssl"]
    assert (context.verify_mode, context.check_hostname) == checks
    assert address.wants_tls
    assert dict(address.url.query) == {"charset": "utf8mb4"}
    assert not database_address(f"{name}://h/x").wants_tls
    assert not database_address(f"{name}://h/x?sslmode=disable").wants_tls
