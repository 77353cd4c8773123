"""Options that every command has, and how they become settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from lianpu.settings import Settings

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder that holds everything Lianpu writes.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="Configuration file instead of lianpu.yaml.")]


def overrides_of(home: Path | None, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {**({} if home is None else {"home": str(home)}), **(values or {})}


def load_settings(home: Path | None, config: Path | None, values: Mapping[str, Any] | None = None) -> "Settings":
    """
    Raises:
        SettingsError: a source of settings is wrong.
    """
    from lianpu import settings

    return settings.load_settings(overrides_of(home, values), config=config).settings
