"""Settings of photo enhancement."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr

from lianpu.settings.limit_values import Rate, counter_storage
from lianpu.settings.section import Section

MAX_RESULT_BYTES = 500 << 20
"""Redis takes values of 512 MiB."""


class EnhanceSettings(Section):
    storage: Annotated[Literal["memory"] | SecretStr, BeforeValidator(counter_storage)]
    result_ttl_s: float = Field(gt=0, le=3600)
    per_user: Rate | None
    max_active: int = Field(ge=1, le=64)
    max_waiting: int = Field(ge=0, le=1000)
    quick_s: float = Field(ge=0, le=60)
    max_upload_bytes: int = Field(gt=0)
    max_archive_bytes: int = Field(gt=0)
    max_files: int = Field(ge=1, le=10_000)
    max_unpacked_bytes: int = Field(gt=0)
    max_ratio: float = Field(ge=1)
    max_result_bytes: int = Field(gt=0, le=MAX_RESULT_BYTES)
    max_output_pixels: int = Field(ge=1)
    time_budget_s: float = Field(gt=0)
    max_task_bytes: int = Field(gt=0)
    max_held_bytes: int = Field(gt=0)
