"""Whether this machine has a virtual camera that can be written, and what to do where it has not."""

import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lianpu.engines.camera.sink import INSTALL, MODULE, CameraFormat, OpenDevice, open_camera
from lianpu.errors import CameraUnavailableError

_SETUP_LINUX = "Run `sudo scripts/setup_virtual_camera.sh`."
_SETUP_OBS = {
    "Windows": "Run `scripts/setup_virtual_camera.ps1`: it installs OBS Studio, whose virtual camera is used.",
    "Darwin": "Install OBS Studio 30 or newer, and press Start Virtual Camera in it once.",
}


@dataclass(frozen=True, slots=True)
class CameraFinding:
    name: str
    """`package`, `module`, `device`, `permission`, `exclusive_caps`, `resolution` or `open`."""
    is_ok: bool
    detail: str
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class CameraReport:
    is_ready: bool
    device: str | None
    """What would be written; None: nothing was opened."""
    findings: Sequence[CameraFinding]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where things are looked for."""

    system: str
    root: Path = Path("/")
    has_package: Callable[[], str | None] = lambda: _package_version()
    """Version of pyvirtualcam; None: not installed."""
    open_device: OpenDevice | None = None


def this_machine() -> Machine:
    return Machine(platform.system())


def examine_camera(
    camera_format: CameraFormat, device: str | None, machine: Machine | None = None, *, opens: bool = True
) -> CameraReport:
    """
    Args:
        camera_format: what it is to be opened with; it is opened for a moment, and closed again.
        device: the one that is wanted; None: the first.
        opens: False: it is only looked at, which whoever reads from it does not notice.
    """
    machine = machine or this_machine()
    version = machine.has_package()
    findings = [
        CameraFinding("package", True, f"{MODULE} {version}")
        if version
        else CameraFinding("package", False, f"{MODULE} is not installed", f"To get it: {INSTALL}.")
    ]
    if machine.system == "Linux":
        findings += _on_linux(camera_format, device, machine.root)
    opened: str | None = None
    if opens and all(finding.is_ok for finding in findings):
        opened, finding = _opened(camera_format, device, machine)
        findings.append(finding)
    return CameraReport(all(finding.is_ok for finding in findings), opened, findings)


def _opened(camera_format: CameraFormat, device: str | None, machine: Machine) -> tuple[str | None, CameraFinding]:
    try:
        with open_camera(camera_format, device, machine.open_device) as camera:
            size = f"{camera_format.width}x{camera_format.height} at {camera_format.fps:g}"
            return camera.name, CameraFinding("open", True, f"{camera.name} takes {size} pictures a second")
    except CameraUnavailableError as error:
        advice = _SETUP_OBS.get(machine.system, "Close the program that writes to it already.")
        return None, CameraFinding("open", False, error.detail, advice)


def _on_linux(camera_format: CameraFormat, device: str | None, root: Path) -> list[CameraFinding]:
    module = root / "sys/module/v4l2loopback"
    if not module.is_dir():
        detail = "the kernel module v4l2loopback is not loaded"
        return [CameraFinding("module", False, detail, f"{_SETUP_LINUX} In a container: on the host.")]
    findings = [CameraFinding("module", True, f"v4l2loopback {_read(module / 'version') or 'is loaded'}")]
    cameras = _virtual_cameras(root)
    chosen = next((camera for camera in cameras if device in {None, f"/dev/{camera}"}), None)
    if chosen is None:
        there = ", ".join(f"/dev/{camera}" for camera in cameras) or "none"
        advice = f"{_SETUP_LINUX} In a container: pass the device on (`--device /dev/video10`)."
        return [*findings, CameraFinding("device", False, f"no device {device or ''} (there: {there})", advice)]
    label = _read(root / "sys/class/video4linux" / chosen / "name")
    findings.append(CameraFinding("device", True, f"/dev/{chosen}, called {label!r}"))
    findings.append(_permission(root / "dev" / chosen, chosen))
    findings.append(_exclusive_caps(module))
    findings.append(_resolution(camera_format, module, root / "sys/class/video4linux" / chosen))
    return findings


def _virtual_cameras(root: Path) -> list[str]:
    folder = root / "sys/devices/virtual/video4linux"
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return sorted(names, key=lambda name: (len(name), name))


def _permission(path: Path, name: str) -> CameraFinding:
    if not path.exists():
        advice = f"In a container: pass it on, `--device /dev/{name}`."
        return CameraFinding("permission", False, f"/dev/{name} is not in this file system", advice)
    if not os.access(path, os.R_OK | os.W_OK):
        advice = "Add this user to the group video, and log in anew: `sudo usermod -aG video $USER`."
        return CameraFinding("permission", False, f"/dev/{name} may not be written by this user", advice)
    return CameraFinding("permission", True, f"/dev/{name} may be written")


def _exclusive_caps(module: Path) -> CameraFinding:
    """Browsers list only devices that say they capture alone, as this option makes them."""
    values = _read(module / "parameters/exclusive_caps")
    first = values.split(",")[0].strip()
    if first in {"Y", "1", "-1"}:
        return CameraFinding("exclusive_caps", True, "on: browsers see the camera while it is written")
    return CameraFinding(
        "exclusive_caps", False, f"off ({values or 'not known'}): browsers do not list it", _SETUP_LINUX
    )


def _resolution(camera_format: CameraFormat, module: Path, device: Path) -> CameraFinding:
    wanted = f"{camera_format.width}x{camera_format.height}"
    most = [_number(_read(module / "parameters" / name)) for name in ("max_width", "max_height")]
    if (most[0] and camera_format.width > most[0]) or (most[1] and camera_format.height > most[1]):
        detail = f"{wanted} is more than the {most[0]}x{most[1]} that v4l2loopback was loaded with"
        return CameraFinding("resolution", False, detail, "Set camera.width and camera.height lower.")
    kept = _read(device / "format")
    size = kept.partition(":")[2].partition("@")[0]
    if size and size != wanted:
        detail = f"another program keeps it at {size}, and {wanted} is wanted"
        advice = f"Close that program, or set camera.width and camera.height to {size}."
        return CameraFinding("resolution", False, detail, advice)
    return CameraFinding("resolution", True, f"{wanted} is possible")


def _package_version() -> str | None:
    if importlib.util.find_spec(MODULE) is None:
        return None
    try:
        return importlib.metadata.version(MODULE)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0
