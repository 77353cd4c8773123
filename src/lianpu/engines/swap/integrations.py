"""`integrations.toml`: where external face-swap engines are installed, and what each engine runs on."""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from lianpu.errors import FieldError, IntegrationsInvalidError
from lianpu.runtime.providers import Provider

INTEGRATIONS_FILE = "integrations.toml"
_MAX_BYTES = 1_000_000
_PYTHONS = (".venv/bin/python", "venv/bin/python", ".venv/Scripts/python.exe", "venv/Scripts/python.exe")
MEBIBYTE = 1 << 20


def _absolute(path: Path) -> Path:
    expanded = path.expanduser()
    if not expanded.is_absolute():
        raise ValueError(f"'{path}' must be an absolute path")
    return expanded


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Flag = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Device(_Strict):
    providers: Annotated[tuple[Provider, ...], Field(max_length=len(Provider))] = ()
    """In order of preference; none: what the engine takes by itself, or `runtime.providers`."""
    strict: bool = False
    """Refuse to run where the first of them is absent."""
    device: Annotated[int, Field(ge=0)] | None = None
    """Which GPU."""


class InswapperIntegration(_Device):
    """`[inswapper]`, the built-in engine."""

    pack: str | None = None
    """Pack with the weights, `name` or `name@version`; None: the only one of the family `swap`."""
    recogniser: str | None = None
    """Pack whose embedder reads the source face; None: the active one."""
    gpu_memory_bytes: Annotated[int, Field(ge=64 * MEBIBYTE)] | None = None


class ExternalIntegration(_Device):
    """`[facefusion]`, `[deep-live-cam]`, `[iroop]`: an installation of somebody else's program."""

    folder: AbsolutePath
    """The checkout."""
    python: AbsolutePath | None = None
    """Its interpreter; None: that of `.venv` or `venv` in the folder."""
    models: AbsolutePath | None = None
    """Where its models lie; None: where the program itself keeps them."""
    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,80}$")] | None = None
    """The swap model, for programs that have several."""
    digests: dict[str, Digest] = {}
    """SHA-256 that a model file must have, by its name; a deep check reads them."""
    path: Annotated[tuple[AbsolutePath, ...], Field(max_length=20)] = ()
    """Folders searched for programs (ffmpeg) before those of the system."""
    memory_limit_bytes: Annotated[int, Field(ge=64 * MEBIBYTE)] | None = None
    """Of the engine's processes together; None: no limit."""
    time_limit_s: Annotated[float, Field(gt=0, le=86400)] | None = None
    """Of one run, where it is less than the job's; None: the job's alone."""
    extra_flags: Annotated[tuple[Flag, ...], Field(max_length=100)] = ()

    @property
    def interpreter(self) -> Path:
        if self.python is not None:
            return self.python
        return next(
            (self.folder / python for python in _PYTHONS if _is_file(self.folder / python)), self.folder / _PYTHONS[0]
        )


class ExamplePhotos(_Strict):
    """`[example]`: photos for deep checks, each of one face, in place of the two drawn ones."""

    source: AbsolutePath
    target: AbsolutePath

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.source == self.target:
            raise ValueError("source and target must be photos of two people")
        return self


class Integrations(_Strict):
    schema_version: Literal[1] = 1
    inswapper: InswapperIntegration = InswapperIntegration()
    facefusion: ExternalIntegration | None = None
    deep_live_cam: Annotated[ExternalIntegration | None, Field(alias="deep-live-cam")] = None
    iroop: ExternalIntegration | None = None
    example: ExamplePhotos | None = None
    external: dict[str, ExternalIntegration] = {}
    """Engines of installed plug-ins, by name."""

    def of(self, engine: str) -> ExternalIntegration | None:
        """What is said of an external engine."""
        own = {"facefusion": self.facefusion, "deep-live-cam": self.deep_live_cam, "iroop": self.iroop}
        return own[engine] if engine in own else self.external.get(engine)


def read_integrations(path: Path) -> Integrations:
    """The file's content; the defaults where there is no such file.

    Raises:
        IntegrationsInvalidError: it cannot be read, is no TOML, or has unknown or wrong fields; `errors` names each.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise IntegrationsInvalidError(f"{path} is too large to be a file of integrations.")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Integrations()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise IntegrationsInvalidError(f"{path} cannot be read: {reason}") from error
    try:
        return Integrations.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise IntegrationsInvalidError(f"{path} is not valid TOML: {error}") from error
    except ValidationError as error:
        fields = [
            FieldError(".".join(str(part) for part in item["loc"]), item["msg"], item["type"])
            for item in error.errors(include_url=False)
        ]
        told = "; ".join(f"{field.field}: {field.message}" for field in fields)
        raise IntegrationsInvalidError(f"{path} is not valid: {told}", errors=fields) from error


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 (Path.is_file raises where a folder may not be entered)
