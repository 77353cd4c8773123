"""Settings of face swaps, and of the labels that generated pictures carry."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from lianpu.settings.section import AbsolutePath, Section


class EnhancedLabels(StrEnum):
    """How enhanced photos are labelled."""

    OFF = "off"
    METADATA = "metadata"
    """In the file, and not in its pixels."""
    FULL = "full"
    """As swaps are."""


class ProvenanceSettings(Section):
    producer: str = Field(min_length=1, max_length=64)
    key_file: Annotated[Path, AbsolutePath] | None
    certificate_file: Annotated[Path, AbsolutePath] | None
    # YAML reads a bare `off` as false.
    enhanced: Annotated[EnhancedLabels, BeforeValidator(lambda value: "off" if value is False else value)]
    max_upload_bytes: int = Field(gt=0)


class SwapSettings(Section):
    enabled: bool
    max_image_bytes: int = Field(gt=0)
    max_video_bytes: int = Field(gt=0)
    max_video_s: float = Field(gt=0)
    time_limit_s: float = Field(gt=0)
    result_ttl_minutes: float = Field(gt=0)
    max_live: int = Field(ge=1, le=16)
