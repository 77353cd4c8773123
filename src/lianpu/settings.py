"""Settings from defaults.yaml < lianpu.yaml < .env < environment < command line; the only reader of the environment."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml
from dotenv import dotenv_values
from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from lianpu.errors import FieldError, SettingsError

PREFIX = "LIANPU_"
# Read by the build and by the tests, not settings of the product.
NOT_SETTINGS = frozenset({"LIANPU_CONFIG", "LIANPU_SKIP_CONSOLE", "LIANPU_TESTKIT"})
CONFIG_NAME = "lianpu.yaml"
DEFAULTS = Path(__file__).parent / "defaults.yaml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(_Section):
    host: str
    port: int = Field(ge=1, le=65535)
    api_key: SecretStr | None = Field(min_length=16)
    allowed_hosts: list[str]
    max_upload_bytes: int = Field(gt=0)


class DatabaseSettings(_Section):
    url: SecretStr | None


class RuntimeSettings(_Section):
    providers: Literal["auto"] | list[str]
    threads: int | None = Field(ge=1)
    spin: bool
    workers: int | None = Field(ge=1)
    queue_capacity: int = Field(ge=1)


class PackSettings(_Section):
    default: str = Field(min_length=1)
    generate: list[str] | None


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
    home: Path = Field(default_factory=lambda: user_data_path("lianpu", appauthor=False))
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
        config: the configuration file; else LIANPU_CONFIG, else ./lianpu.yaml, else lianpu.yaml in the home folder.
        environment: stands in for the process's environment.
        folder: stands in for the working folder (of lianpu.yaml and .env).

    Raises:
        SettingsError: a file cannot be read, a key is unknown or a value is wrong; `errors` names all of them.
    """
    environment = os.environ if environment is None else environment
    folder = folder or Path.cwd()
    layers = [
        Layer("defaults.yaml", _flat_yaml(DEFAULTS)),
        Layer(".env", _from_variables(dotenv_values(folder / ".env"))),
        Layer("environment", _from_variables(environment)),
        Layer("command line", dict(overrides or {})),
    ]
    path = _config_path(config, environment, folder, layers)
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
    return LoadedSettings(settings.model_copy(update={"home": settings.home.expanduser().absolute()}), tuple(layers))


def default_settings(home: Path) -> Settings:
    """The defaults alone, whatever files or variables are around."""
    return load_settings({"home": home}, environment={}, folder=DEFAULTS.parent).settings


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


def _config_path(config: Path | None, environment: Mapping[str, str], folder: Path, layers: list[Layer]) -> Path | None:
    named = config or (Path(environment["LIANPU_CONFIG"]) if environment.get("LIANPU_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise SettingsError(f"The configuration file {named} does not exist.{_ini_hint(named.parent)}")
        return named
    home = next((layer.values["home"] for layer in reversed(layers) if "home" in layer.values), None)
    places = [folder, Path(home).expanduser() if home else user_data_path("lianpu", appauthor=False)]
    return next((place / CONFIG_NAME for place in places if (place / CONFIG_NAME).is_file()), None)


def _ini_hint(folder: Path) -> str:
    if not (folder / "config.ini").is_file():
        return ""
    return " There is a config.ini: move its values into lianpu.yaml (`lianpu config show` lists the keys)."


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key: object = self.construct_object(key_node, deep=True)  # pyright: ignore[reportUnknownMemberType]
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _flat_yaml(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeyLoader)  # noqa: S506 (derived from SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = "" if mark is None else f", line {mark.line + 1}"
        raise SettingsError(f"{path}{line}: {error.problem}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SettingsError(f"{path} must hold keys and values, such as `server:` and below it `  port: 9000`.")
    return dict(_flattened(document, ""))  # pyright: ignore[reportUnknownArgumentType]


def _flattened(tree: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    sections = {key.partition(".")[0] for key in known_keys() if "." in key}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _flattened(value, f"{key}.")  # pyright: ignore[reportUnknownArgumentType]
        elif value is not None or key not in sections:
            yield key, value


def _from_variables(variables: Mapping[str, str | None]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, text in variables.items():
        if name.upper().startswith(PREFIX) and name not in NOT_SETTINGS and text is not None:
            key = name[len(PREFIX) :].lower().replace("__", ".")
            values[key] = _parsed(text)
    return values


def _parsed(text: str) -> Any:
    """`null` and lists are written as in YAML/JSON; everything else stays text and is read by its field's type."""
    if text in {"", "null"}:
        return None
    if text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


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
        secret = key in {"server.api_key", "database.url"}
        given = "" if layer is None or secret else f" (given: {layer.values[key]!r})"
        source = "defaults" if layer is None else layer.source
        problems.append(FieldError(key or ".".join(path), f"{source}: {key}: {item['msg']}{given}", item["type"]))
    return problems


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
