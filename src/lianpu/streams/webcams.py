"""What FFmpeg calls the webcams of this machine, which people name by their index."""

import sys
from typing import NamedTuple

from av.device import enumerate_input_devices

from lianpu.errors import SourceLostError


class Device(NamedTuple):
    address: str
    format: str
    """Of FFmpeg: what reads it."""


def webcam(index: int, platform: str = sys.platform) -> Device:
    """Opens nothing.

    Raises:
        SourceLostError: there are not so many webcams.
    """
    if platform == "darwin":
        return Device(f"{index}:none", "avfoundation")
    if platform == "win32":
        names = [device.name for device in enumerate_input_devices("dshow") if "video" in device.media_types]
        if index >= len(names):
            raise SourceLostError(f"There is no webcam {index}: {len(names)} are connected.")
        return Device(f"video={names[index]}", "dshow")
    return Device(f"/dev/video{index}", "v4l2")
