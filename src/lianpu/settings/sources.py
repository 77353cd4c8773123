"""What a YAML file, a .env file and variables say, as dotted keys and raw values."""

from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

from lianpu.errors import SettingsError
from lianpu.settings.sections import known_keys

PREFIX = "LIANPU_"
# Read by the build and by the tests, not settings of the product.
NOT_SETTINGS = frozenset({"LIANPU_CONFIG", "LIANPU_SKIP_CONSOLE", "LIANPU_TESTKIT"})
_MERGE_TAG = "tag:yaml.org,2002:merge"


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice (YAML would silently keep the last) and names the line of every odd value."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        except (yaml.YAMLError, RecursionError):
            raise
        except Exception as error:  # the constructors of dates, numbers and tags raise whatever they meet
            problem = f"a value that cannot be read ({error})"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == _MERGE_TAG:
                continue
            key: object = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable) or key in seen:
                problem = f"the key {key!r} stands twice" if isinstance(key, Hashable) else "a key must be text"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def flat_yaml(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506 (derived from SafeLoader)
        if document is None:
            return {}
        if not isinstance(document, dict):
            raise SettingsError(f"{path} must hold keys and values, such as `server:` and below it `  port: 9000`.")
        return _once_each(path, _flattened(document, ""))  # pyright: ignore[reportUnknownArgumentType]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = "" if mark is None else f", line {mark.line + 1}"
        tab = " (indent with spaces, not tabs)" if "'\\t'" in str(error.problem) else ""
        raise SettingsError(f"{path}{line}: {error.problem}{tab}") from error
    except RecursionError as error:
        raise SettingsError(f"{path} cannot be read: it is nested without end.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _once_each(path: Path, pairs: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise SettingsError(f"{path}: the key {key!r} stands twice")
        values[key] = value
    return values


def _flattened(tree: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    sections = {key.rpartition(".")[0] for key in known_keys() if "." in key}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            yield from _flattened(value, f"{key}.")  # pyright: ignore[reportUnknownArgumentType]
        elif value not in (None, {}) or key not in sections:
            yield key, value


def read_dotenv(path: Path) -> dict[str, str | None]:
    try:
        # Values are taken as they stand: a `$` in a key is a `$`.
        variables = dotenv_values(path, encoding="utf-8-sig", interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    for name, text in variables.items():
        if text is None and name.upper().startswith(PREFIX):
            raise SettingsError(f"{path}: {name} has no value; write {name}=…")
    return variables


def from_variables(variables: Mapping[str, str | None]) -> dict[str, Any]:
    """Everything is text and read by its field's type; empty and `null` mean null."""
    values: dict[str, Any] = {}
    for name, text in variables.items():
        if name.upper().startswith(PREFIX) and name not in NOT_SETTINGS:
            key = name[len(PREFIX) :].lower().replace("__", ".")
            values[key] = None if text in {"", "null"} else text
    return values
