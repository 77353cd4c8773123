"""`lianpu config` in the hands of people, scripts and editors; tests/test_settings.py knows the sources themselves."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lianpu.settings import known_keys
from tests.cli.conftest import Lianpu

KEY = "0123456789abcdefghij"


@pytest.fixture
def schema(lianpu: Lianpu) -> dict[str, Any]:
    done = lianpu("config", "schema")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def _sections(schema: dict[str, Any], place: dict[str, Any] | None = None, prefix: str = "") -> dict[str, Any]:
    """Every section by its dotted name, those inside others too."""
    found: dict[str, Any] = {}
    for name, field in (place or schema)["properties"].items():
        if "$ref" in field:
            section = schema["$defs"][field["$ref"].rpartition("/")[2]]
            if "properties" in section:
                found[f"{prefix}{name}"] = section
                found |= _sections(schema, section, f"{prefix}{name}.")
    return found


def _keys(place: dict[str, Any], sections: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name in place["properties"]:
        section = sections.get(f"{prefix}{name}")
        yield from [f"{prefix}{name}"] if section is None else _keys(section, sections, f"{prefix}{name}.")


def test_R_OPS_4_schema_has_every_key_and_no_other(schema: dict[str, Any]) -> None:
    sections = _sections(schema)
    assert [*_keys(schema, sections)] == [*known_keys()]
    for place in (schema, *sections.values()):
        assert place["additionalProperties"] is False
        assert "required" not in place


def test_R_OPS_4_schema_tells_defaults_and_bounds(schema: dict[str, Any]) -> None:
    sections = _sections(schema)
    port = sections["server"]["properties"]["port"]
    assert (port["default"], port["minimum"], port["maximum"]) == (8000, 1, 65535)
    assert sections["logging"]["properties"]["level"]["enum"] == ["debug", "info", "warning", "error"]
    assert sections["server"]["properties"]["api_key"]["default"] is None
    assert schema["$defs"]["InboxSettings"]["properties"]["enabled"]["default"] is False
    for name, section in sections.items():
        for key, field in section["properties"].items():
            assert "default" in field or f"{name}.{key}" in sections
    # The home differs from one machine to the next.
    assert "default" not in schema["properties"]["home"]


def test_R_OPS_4_schema_needs_no_valid_settings(lianpu: Lianpu, tmp_path: Path) -> None:
    (tmp_path / "lianpu.yaml").write_text("server: [\n")
    assert lianpu("config", "schema").code == 0


def test_R_OPS_4_table_masks_secrets_and_names_sources(
    lianpu: Lianpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lianpu.yaml").write_text("database:\n  url: postgresql+asyncpg://me:hunter2@db/faces\n")
    monkeypatch.setenv("LIANPU_SERVER__API_KEY", KEY)
    done = lianpu("config", "show", "--home", tmp_path / "h")
    rows = {line.split("│")[1].strip(): line for line in done.out.splitlines() if line.startswith("│")}
    assert list(rows) == [*known_keys()]
    assert "**********" in rows["server.api_key"]
    assert "environment" in rows["server.api_key"]
    assert "**********" in rows["database.url"]
    assert "lianpu.yaml" in rows["database.url"]
    assert "command line" in rows["home"]
    assert KEY not in done.out
    assert "hunter2" not in done.out


@pytest.mark.parametrize("command", ["show", "check"])
def test_R_OPS_4_file_that_is_no_yaml_is_one_line_and_no_traceback(
    lianpu: Lianpu, tmp_path: Path, command: str
) -> None:
    (tmp_path / "lianpu.yaml").write_text("server:\n\tport: 9000\n")
    done = lianpu("config", command)
    assert (done.code, done.out) == (2, "")
    path = tmp_path / "lianpu.yaml"
    assert done.err.startswith(f"error [settings_invalid]: {path}, line 2: found character")
    assert len(done.err.splitlines()) == 1


def test_R_OPS_4_check_tells_problems_of_all_sources_and_no_secret(
    lianpu: Lianpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lianpu.yaml").write_text("gallery:\n  thumbnail_side: 1\n")
    (tmp_path / ".env").write_text("LIANPU_LOGING__LEVEL=info\n")
    monkeypatch.setenv("LIANPU_SERVER__API_KEY", "too-short")
    done = lianpu("config", "check")
    assert done.code == 2
    told = done.err.splitlines()
    assert len(told) == 3
    assert told[0].endswith("unknown setting gallery.thumbnail_side; did you mean gallery.thumbnail_side_px?")
    assert told[1] == ".env: unknown setting loging.level; did you mean logging.level?"
    assert told[2].startswith("environment: server.api_key: must be at least 16 characters")
    assert "too-short" not in done.err
