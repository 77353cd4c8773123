"""What every section of the settings is made of: its base, and kinds of values that many of them have."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict


def listed(value: Any) -> Any:
    """Text becomes a list: `["a", "b"]` as in JSON, else `a, b`."""
    if not isinstance(value, str):
        return value
    if value.startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError("is no JSON list") from error
    return [part.strip() for part in value.split(",") if part.strip()]


def _absolute(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("must not hold a NUL character")
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        raise ValueError("names a user whose folder is not known") from error


AbsolutePath = AfterValidator(_absolute)
Names = Annotated[list[str], BeforeValidator(listed)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
