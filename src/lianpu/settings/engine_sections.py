"""Settings of what runs networks, of the face-swap engines, and of the virtual camera."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from lianpu.settings.section import AbsolutePath, Names, Section


class RuntimeSettings(Section):
    providers: Literal["auto"] | Names
    cpu: Literal["auto", "onnxruntime", "openvino"]
    strict: bool
    device_id: int = Field(ge=0)
    gpu_memory_bytes: int | None = Field(ge=64 << 20)
    threads: int | None = Field(ge=1)
    spin: bool
    workers: int | None = Field(ge=1)
    queue_capacity: int = Field(ge=1)


class EngineSettings(Section):
    integrations: Annotated[Path, AbsolutePath] | None


class CameraSettings(Section):
    device: str | None
    width: int = Field(ge=16, le=8192, multiple_of=2)
    height: int = Field(ge=16, le=8192, multiple_of=2)
    fps: float = Field(gt=0, le=240)
