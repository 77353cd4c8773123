"""Settings from defaults.yaml < lianpu.yaml < .env < environment < command line; the only reader of the environment."""

import json
import os
import reprlib
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from dotenv import dotenv_values
from platformdirs import user_data_path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from lianpu.errors import FieldError, SettingsError

PREFIX = "LIANPU_"
# Read by the build and by the tests, not settings of the product.
NOT_SETTINGS = frozenset({"LIANPU_CONFIG", "LIANPU_SKIP_CONSOLE", "LIANPU_TESTKIT"})
CONFIG_NAME = "lianpu.yaml"
DEFAULTS = Path(__file__).parent / "defaults.yaml"
SECRETS = frozenset({"server.api_key", "database.url"})
API_KEY_MIN_CHARS = 16
_MERGE_TAG = "tag:yaml.org,2002:merge"


def _listed(value: Any) -> Any:
    """Text becomes a list: `["a", "b"]` as in JSON, else `a, b`."""
    if not isinstance(value, str):
        return value
    if value.startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError("is no JSON list") from error
    return [part.strip() for part in value.split(",") if part.strip()]


def _sendable(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if len(text) < API_KEY_MIN_CHARS or not all("!" <= char <= "~" for char in text):
        raise ValueError(f"must be at least {API_KEY_MIN_CHARS} characters, all of them printable ASCII and no space")
    return key


def _absolute(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("must not hold a NUL character")
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        raise ValueError("names a user whose folder is not known") from error


def _user_home() -> Path:
    return user_data_path("lianpu", appauthor=False)


Names = Annotated[list[str], BeforeValidator(_listed)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(_Section):
    host: str
    port: int = Field(ge=1, le=65535)
    api_key: Annotated[SecretStr, AfterValidator(_sendable)] | None
    allowed_hosts: Names
    max_upload_bytes: int = Field(gt=0)


class DatabaseSettings(_Section):
    url: SecretStr | None


class RuntimeSettings(_Section):
    providers: Literal["auto"] | Names
    threads: int | None = Field(ge=1)
    spin: bool
    workers: int | None = Field(ge=1)
    queue_capacity: int = Field(ge=1)


class PackSettings(_Section):
    default: str = Field(min_length=1)
    generate: Names | None


class GallerySettings(_Section):
    max_faces: int = Field(ge=1, le=1000)
    thumbnail_side_px: int = Field(ge=32, le=1024)


class ImageSettings(_Section):
    max_pixels: int = Field(ge=1)
    max_side_px: int = Field(ge=1)


class LoggingSettings(_Section):
    level: Literal["debug", "info", "warning", "error"]
    format: Literal["console", "json"]
    file: bool
    retention_days: int = Field(ge=1)


class Settings(_Section):
    home: Annotated[Path, AfterValidator(_absolute)] = Field(default_factory=lambda: _user_home())
    """Holds everything the server writes."""
    server: ServerSettings
    database: DatabaseSettings
    runtime: RuntimeSettings
    packs: PackSettings
    gallery: GallerySettings
    images: ImageSettings
    logging: LoggingSettings


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of settings: its name for people, and dotted key -> raw value."""

    source: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explained:
    """One setting: its key, its value as text (secrets masked), and the source that decided it."""

    key: str
    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    settings: Settings
    layers: tuple[Layer, ...]

    def explain(self) -> list[Explained]:
        shown = self.settings.model_dump(mode="json")
        return [
            Explained(
                key,
                _at(shown, key),
                next((layer.source for layer in reversed(self.layers) if key in layer.values), "default"),
            )
            for key in known_keys()
        ]


def load_settings(
    overrides: Mapping[str, Any] | None = None,
    *,
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> LoadedSettings:
    """Read all sources and check them together.

    Args:
        overrides: dotted key -> value from the command line.
        config: the configuration file; else the one LIANPU_CONFIG names (in the environment or .env), else
            ./lianpu.yaml, else lianpu.yaml in the home folder.
        environment: stands in for the process's environment.
        folder: stands in for the working folder (of lianpu.yaml and .env).

    Raises:
        SettingsError: a file cannot be read, a key is unknown or a value is wrong; `errors` names all of them.
    """
    environment = os.environ if environment is None else environment
    folder = folder or Path.cwd()
    dotenv = _dotenv(folder / ".env")
    layers = [
        Layer("defaults.yaml", _flat_yaml(DEFAULTS)),
        Layer(".env", _from_variables(dotenv)),
        Layer("environment", _from_variables(environment)),
        Layer("command line", dict(overrides or {})),
    ]
    named = environment.get("LIANPU_CONFIG") or dotenv.get("LIANPU_CONFIG")
    path = _config_path(config or (Path(named) if named else None), folder, layers)
    if path is not None:
        layers.insert(1, Layer(str(path), _flat_yaml(path)))
    problems = [problem for layer in layers for problem in _unknown_keys(layer)]
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update({key: value for key, value in layer.values.items() if key in known_keys()})
    try:
        settings = Settings.model_validate(_nested(merged))
    except ValidationError as error:
        problems += _wrong_values(error, layers)
        raise _refused(problems) from error
    if problems:
        raise _refused(problems)
    return LoadedSettings(settings, tuple(layers))


def default_settings(home: Path) -> Settings:
    """The defaults alone, whatever files or variables are around."""
    return Settings.model_validate(_nested({**_flat_yaml(DEFAULTS), "home": home}))


def known_keys(model: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    """All dotted keys, in the order of the documentation."""
    keys: list[str] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += known_keys(kind, f"{prefix}{name}.")
        else:
            keys.append(f"{prefix}{name}")
    return keys


def ini_hint(folder: Path) -> str:
    """What to say to someone who comes with a config.ini; empty where there is none."""
    if not (folder / "config.ini").is_file():
        return ""
    return " There is a config.ini: move its values into lianpu.yaml (`lianpu config show` lists the keys)."


def _config_path(named: Path | None, folder: Path, layers: list[Layer]) -> Path | None:
    if named is not None:
        path = folder / _expanded(named)
        if not path.is_file():
            raise SettingsError(f"The configuration file {path} does not exist.{ini_hint(path.parent)}")
        return path
    home = next((layer.values["home"] for layer in reversed(layers) if "home" in layer.values), None)
    # A home that is no path is refused later, with everything else that is wrong.
    places = [folder, _expanded(Path(home)) if isinstance(home, str | Path) else _user_home()]
    return next((place / CONFIG_NAME for place in places if _is_file(place / CONFIG_NAME)), None)


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


def _flat_yaml(path: Path) -> dict[str, Any]:
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
    sections = {key.partition(".")[0] for key in known_keys() if "." in key}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            yield from _flattened(value, f"{key}.")  # pyright: ignore[reportUnknownArgumentType]
        elif value not in (None, {}) or key not in sections:
            yield key, value


def _dotenv(path: Path) -> dict[str, str | None]:
    try:
        # Values are taken as they stand: a `$` in a key is a `$`.
        variables = dotenv_values(path, encoding="utf-8-sig", interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    for name, text in variables.items():
        if text is None and name.upper().startswith(PREFIX):
            raise SettingsError(f"{path}: {name} has no value; write {name}=…")
    return variables


def _from_variables(variables: Mapping[str, str | None]) -> dict[str, Any]:
    """Everything is text and read by its field's type; empty and `null` mean null."""
    values: dict[str, Any] = {}
    for name, text in variables.items():
        if name.upper().startswith(PREFIX) and name not in NOT_SETTINGS:
            key = name[len(PREFIX) :].lower().replace("__", ".")
            values[key] = None if text in {"", "null"} else text
    return values


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that may not be entered
        return False


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _unknown_keys(layer: Layer) -> list[FieldError]:
    keys = known_keys()
    problems: list[FieldError] = []
    for key in layer.values:
        if key not in keys:
            nearest = get_close_matches(key, keys, n=1, cutoff=0.5)
            hint = f"; did you mean {nearest[0]}?" if nearest else "; `lianpu config show` lists the keys"
            problems.append(FieldError(key, f"{layer.source}: unknown setting {key}{hint}", "setting_unknown"))
    return problems


def _wrong_values(error: ValidationError, layers: list[Layer]) -> list[FieldError]:
    problems: list[FieldError] = []
    for item in error.errors(include_url=False):
        path = [str(part) for part in item["loc"]]
        key = next((".".join(path[:n]) for n in range(len(path), 0, -1) if ".".join(path[:n]) in known_keys()), "")
        layer = next((layer for layer in reversed(layers) if key in layer.values), None)
        given = "" if layer is None or key in SECRETS else f" (given: {_shown(layer.values[key])})"
        source = "defaults" if layer is None else layer.source
        text = item["msg"].removeprefix("Value error, ")
        problems.append(FieldError(key or ".".join(path), f"{source}: {key}: {text}{given}", item["type"]))
    return problems


def _shown(value: object) -> str:
    short = reprlib.Repr()
    short.maxstring = short.maxother = 80
    return "null" if value is None else short.repr(value)


def _refused(problems: list[FieldError]) -> SettingsError:
    unique = list(dict.fromkeys(problems))
    return SettingsError("\n".join(problem.message for problem in unique), errors=unique)


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *sections, name = key.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    return tree


def _at(tree: Mapping[str, Any], key: str) -> Any:
    place: Any = tree
    for part in key.split("."):
        place = place[part]
    return place
