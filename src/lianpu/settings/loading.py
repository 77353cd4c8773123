"""Settings from defaults.yaml < lianpu.yaml < .env < environment < command line; the only reader of the environment."""

import os
import reprlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lianpu.errors import FieldError, SettingsError
from lianpu.settings.sections import SECRETS, Settings, known_keys, user_home
from lianpu.settings.sources import flat_yaml, from_variables, read_dotenv

CONFIG_NAME = "lianpu.yaml"
DEFAULTS = Path(__file__).parent / "defaults.yaml"
_PASSED_ON = frozenset(
    {
        "PATH",
        "HOME",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
        "SYSTEMROOT",
        "SYSTEMDRIVE",
        "WINDIR",
        "COMSPEC",
        "PATHEXT",
        "NUMBER_OF_PROCESSORS",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "CUDA_HOME",
        "CUDA_PATH",
        "CUDA_VISIBLE_DEVICES",
        "ROCR_VISIBLE_DEVICES",
        "TZ",
    }
)


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
    dotenv = read_dotenv(folder / ".env")
    layers = [
        Layer("defaults.yaml", dict(_defaults())),
        Layer(".env", from_variables(dotenv)),
        Layer("environment", from_variables(environment)),
        Layer("command line", dict(overrides or {})),
    ]
    named = environment.get("LIANPU_CONFIG") or dotenv.get("LIANPU_CONFIG")
    path = _config_path(config or (Path(named) if named else None), folder, layers)
    if path is not None:
        layers.insert(1, Layer(str(path), flat_yaml(path)))
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
    return Settings.model_validate(_nested({**_defaults(), "home": home}))


@contextmanager
def environment_variable(name: str, value: str) -> Generator[None]:
    """Set a variable of this process for a library that takes it from nowhere else; afterwards it is as before."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a program of somebody else's is given of this process's environment: where programs, libraries and GPUs are.

    Nothing else passes: settings and secrets stay here, and Python's own variables would mislead another Python.
    """
    kept = {name: value for name, value in os.environ.items() if name.upper() in _PASSED_ON}
    return {**kept, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **(extra or {})}


def ini_hint(folder: Path) -> str:
    """What to say to someone who comes with a config.ini; empty where there is none."""
    if not (folder / "config.ini").is_file():
        return ""
    return " There is a config.ini: move its values into lianpu.yaml (`lianpu config show` lists the keys)."


@cache
def _defaults() -> Mapping[str, Any]:
    """They come with the installation: once a process is enough."""
    return flat_yaml(DEFAULTS)


def _config_path(named: Path | None, folder: Path, layers: list[Layer]) -> Path | None:
    if named is not None:
        path = folder / _expanded(named)
        if not path.is_file():
            raise SettingsError(f"The configuration file {path} does not exist.{ini_hint(path.parent)}")
        return path
    home = next((layer.values["home"] for layer in reversed(layers) if "home" in layer.values), None)
    # A home that is no path is refused later, with everything else that is wrong.
    places = [folder, _expanded(Path(home)) if isinstance(home, str | Path) else user_home()]
    return next((place / CONFIG_NAME for place in places if _is_file(place / CONFIG_NAME)), None)


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
