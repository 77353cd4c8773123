"""The catalogue: packs that can be pulled, where and what their files are, and under which terms they come."""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from lianpu.errors import FieldError, PackInvalidError, PackNotFoundError
from lianpu.packs.folder import folder_name, split_name
from lianpu.packs.manifest import (
    PACK_NAME_PATTERN,
    PACK_VERSION_PATTERN,
    ROLES_OF,
    Family,
    Licence,
    RelativePath,
    Roles,
)
from lianpu.packs.registry import EMBEDDED_PACKS, version_order

_MAX_CATALOGUE_BYTES = 4_000_000


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
        raise ValueError(f"'{url}' is no http or https address")
    return url


WebAddress = Annotated[str, Field(max_length=2000), AfterValidator(_web_address)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CataloguedFile(_Strict):
    path: RelativePath
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(gt=0)] | None = None
    """Its size; None where it is not known."""
    urls: Annotated[tuple[WebAddress, ...], Field(max_length=20)] = ()
    """Addresses of the same file, tried in this order; none: it comes from `packs.mirrors` alone."""

    @property
    def name(self) -> str:
        """The last part of the path, which is also the file's name on a mirror."""
        return self.path.rpartition("/")[2]

    @property
    def is_archive(self) -> bool:
        return self.path.lower().endswith(".zip")


class CataloguedPack(_Strict):
    """Either one zip archive, imported as a person would import it, or the files themselves with their roles."""

    name: Annotated[str, Field(pattern=PACK_NAME_PATTERN)]
    version: Annotated[str, Field(pattern=PACK_VERSION_PATTERN)]
    family: Family = Family.FACE
    summary: str = ""
    licence: Licence
    files: Annotated[tuple[CataloguedFile, ...], Field(min_length=1, max_length=100)]
    roles: Roles = Roles()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.name in EMBEDDED_PACKS:
            raise ValueError(f"'{self.name}' is the name of an embedded pack")
        paths = [file.path for file in self.files]
        if len({path.casefold() for path in paths}) != len(paths):
            raise ValueError("a file is listed twice (upper and lower case count as the same)")
        filled = self.roles.filled()
        if any(file.is_archive for file in self.files) and (len(paths) > 1 or filled):
            raise ValueError("an archive is a pack's only file, and its roles are found in it")
        foreign = sorted(filled.keys() - ROLES_OF[self.family])
        if foreign:
            raise ValueError(f"weights of the family '{self.family}' cannot be the {foreign[0]}")
        if self.family is Family.FACE and not filled and not self.files[0].is_archive:
            raise ValueError("roles say what the files are for")
        for role, described in filled.items():
            for file in described.files:
                if file not in paths:
                    raise ValueError(f"roles.{role} names '{file}', which is not among the files")
        return self

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.version

    @property
    def label(self) -> str:
        """`name@version`."""
        return folder_name(self.name, self.version)

    @property
    def size_bytes(self) -> int | None:
        """Bytes to download; None where a file's size is not known."""
        sizes = [file.bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)


class _CatalogueFile(_Strict):
    schema_version: Literal[1] = 1
    packs: tuple[CataloguedPack, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Entries by name and version; those of the setting `packs.catalogue` go before those that come with Lianpu."""

    packs: tuple[CataloguedPack, ...]

    def find(self, named: str) -> CataloguedPack:
        """The entry called `name`, its newest version, or exactly `name@version`.

        Raises:
            PackNotFoundError: the catalogue has none of that name or version.
        """
        name, version = split_name(named)
        found = [pack for pack in self.packs if pack.name == name and version in {None, pack.version}]
        if not found:
            labels = [pack.label for pack in self.packs]
            raise PackNotFoundError(
                f"The catalogue has no pack '{named}'. It has: {', '.join(labels) or 'none'}.",
                context={"available": labels},
            )
        return max(found, key=lambda pack: version_order(pack.version))


def read_catalogue(extra: Iterable[Path] = ()) -> Catalogue:
    """Lianpu's own catalogue and further TOML files, or folders of them, given by the administrator.

    Raises:
        PackInvalidError: a file cannot be read or is no catalogue; `errors` names the fields.
    """
    own = resources.files("lianpu.packs") / "catalogue"
    entries: dict[tuple[str, str], CataloguedPack] = {}
    for entry in sorted(own.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            _add(entries, _parse(entry.read_text(encoding="utf-8"), entry.name))
    for path in extra:
        for file in _catalogue_files(path):
            _add(entries, _parse(_read(file), str(file)))
    order = {family: place for place, family in enumerate(Family)}
    packs = sorted(entries.values(), key=lambda pack: (order[pack.family], pack.name, version_order(pack.version)))
    return Catalogue(tuple(packs))


def _add(entries: dict[tuple[str, str], CataloguedPack], packs: Sequence[CataloguedPack]) -> None:
    entries.update({pack.key: pack for pack in packs})


def _catalogue_files(path: Path) -> list[Path]:
    return sorted(path.glob("*.toml")) if path.is_dir() else [path]


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > _MAX_CATALOGUE_BYTES:
            raise PackInvalidError(f"The catalogue {file} is too large to be one")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise PackInvalidError(f"The catalogue {file} (setting packs.catalogue) cannot be read: {reason}") from error


def _parse(text: str, origin: str) -> tuple[CataloguedPack, ...]:
    try:
        packs = _CatalogueFile.model_validate(tomllib.loads(text)).packs
    except tomllib.TOMLDecodeError as error:
        raise PackInvalidError(f"The catalogue {origin} is not valid TOML: {error}") from error
    except ValidationError as error:
        fields = [
            FieldError(".".join(str(part) for part in item["loc"]), item["msg"], item["type"])
            for item in error.errors(include_url=False)
        ]
        first = f"{fields[0].field}: {fields[0].message}"
        raise PackInvalidError(f"The catalogue {origin} is not valid ({first})", errors=fields) from error
    keys = [pack.key for pack in packs]
    if len(set(keys)) != len(keys):
        raise PackInvalidError(f"The catalogue {origin} lists a pack twice")
    return packs
