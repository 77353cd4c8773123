"""Pictures into a virtual camera, which other programs of this machine see as a webcam."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, cast

import cv2
import numpy as np

from lianpu.engines.face.face import Image
from lianpu.errors import CameraUnavailableError

MODULE = "pyvirtualcam"
INSTALL = "install lianpu[camera]"


@dataclass(frozen=True, slots=True)
class CameraFormat:
    """What the camera shows to others, whatever size the pictures have."""

    width: int = 1280
    height: int = 720
    fps: float = 25.0


class CameraDevice(Protocol):
    """What `pyvirtualcam.Camera` is, as far as it is used."""

    @property
    def device(self) -> str: ...

    def send(self, frame: Image) -> None:
        """[height, width, 3] uint8 RGB, of the size that it was opened with."""
        ...

    def close(self) -> None: ...


OpenDevice = Callable[[CameraFormat, str | None], CameraDevice]
"""Opens a device by name; None: the first there is. Raises CameraUnavailableError."""


class FrameSink(Protocol):
    """Takes pictures one after another; whoever makes pictures need not know where they go."""

    def show(self, picture: Image) -> None: ...

    def close(self) -> None: ...


class VirtualCamera:
    """A frame sink that is a camera of this machine. One thread at a time.

    Pictures of other shapes are made to fit whole, with a black border. Whether they come fast or slowly, the camera
    shows the last one.
    """

    def __init__(self, device: CameraDevice, camera_format: CameraFormat) -> None:
        self._device: CameraDevice | None = device
        self._format = camera_format
        self.name = device.device
        """Such as `/dev/video10`, or `OBS Virtual Camera`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def show(self, picture: Image) -> None:
        """
        Args:
            picture: [H, W, 3] uint8 RGB.

        Raises:
            CameraUnavailableError: it was closed, or the device is gone.
        """
        if self._device is None:
            raise CameraUnavailableError("The virtual camera was closed.")
        try:
            self._device.send(letterboxed(picture, self._format.width, self._format.height))
        except (OSError, RuntimeError) as error:
            raise CameraUnavailableError(f"{self.name} takes no more pictures: {error}") from error

    def close(self) -> None:
        """Closing twice is harmless."""
        device, self._device = self._device, None
        if device is not None:
            device.close()


def open_camera(
    camera_format: CameraFormat, device: str | None = None, open_device: OpenDevice | None = None
) -> VirtualCamera:
    """
    Args:
        device: such as `/dev/video10`; None: the first virtual camera there is.
        open_device: opens it; None: pyvirtualcam does.

    Raises:
        CameraUnavailableError: there is none, it cannot be written, or pyvirtualcam is not installed.
    """
    return VirtualCamera((open_device or open_with_pyvirtualcam)(camera_format, device), camera_format)


def open_with_pyvirtualcam(camera_format: CameraFormat, device: str | None) -> CameraDevice:
    """
    Raises:
        CameraUnavailableError: see `open_camera`.
    """
    try:
        module = cast(Any, importlib.import_module(MODULE))
    except ImportError as error:
        raise CameraUnavailableError(f"Virtual cameras need the package {MODULE}: {INSTALL}.") from error
    try:
        return cast(
            CameraDevice,
            module.Camera(width=camera_format.width, height=camera_format.height, fps=camera_format.fps, device=device),
        )
    except (RuntimeError, OSError, ValueError) as error:
        named = device or "a virtual camera"
        raise CameraUnavailableError(
            f"{named} cannot be opened: {str(error).strip()}. `lianpu camera check` says what to do."
        ) from error


def letterboxed(picture: Image, width: int, height: int) -> Image:
    """The whole picture in the middle of [height, width, 3], the rest black; contiguous."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = (min(width, max(1, round(picture.shape[1] * scale))), min(height, max(1, round(picture.shape[0] * scale))))
    if size != (picture.shape[1], picture.shape[0]):
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        picture = cast(Image, cv2.resize(picture, size, interpolation=method))
    if size == (width, height):
        return np.ascontiguousarray(picture)
    canvas = np.zeros((height, width, 3), np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = picture
    return canvas
