"""What a backup says of itself, read before anything of it is put in place."""

from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from alembic.script import ScriptDirectory
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

import lianpu.database
from lianpu.errors import ArchiveDamagedError, ArchiveVersionError

FORMAT = "lianpu home"
FORMAT_VERSION = 1


class BackedUpDatabase(StrEnum):
    SQLITE = "sqlite"
    """A snapshot of it is among the files."""
    EXTERNAL = "external"
    """It lies elsewhere, and its own tools take and restore it."""


class Manifest(BaseModel):
    model_config = ConfigDict(frozen=True)

    format: Literal["lianpu home"] = FORMAT
    format_version: int = FORMAT_VERSION
    product_version: str
    created_at: AwareDatetime
    database: BackedUpDatabase
    schema_revision: str | None
    """Newest migration of the snapshot; None: there is none."""


def read_manifest(content: bytes) -> Manifest:
    """
    Raises:
        ArchiveDamagedError: this is no manifest.
        ArchiveVersionError: a newer version made it.
    """
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise ArchiveDamagedError("The file is no backup of a Lianpu home.") from error
    if manifest.format_version > FORMAT_VERSION or manifest.schema_revision not in _known_revisions():
        raise ArchiveVersionError(
            f"Lianpu {manifest.product_version} made this backup, and this version does not know its form: "
            "restore it by that version or a newer one."
        )
    return manifest


def _known_revisions() -> set[Any]:
    scripts = ScriptDirectory(str(Path(lianpu.database.__path__[0]) / "migrations"))
    return {None, *(script.revision for script in scripts.walk_revisions())}
