"""What every section of the settings is made of: its base, and kinds of values that many of them have."""

import json
from ipaddress import ip_network
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


def _networks(values: list[str]) -> list[str]:
    for value in values:
        try:
            ip_network(value)
        except ValueError as error:
            raise ValueError(f"{value!r} is no IP address or network, such as 10.0.0.5 or 10.0.0.0/24") from error
    return values


AbsolutePath = AfterValidator(_absolute)
Names = Annotated[list[str], BeforeValidator(listed)]
Networks = Annotated[Names, AfterValidator(_networks)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
