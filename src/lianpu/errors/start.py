"""Why the process does not start: not HTTP, it ends with this text."""

from lianpu.errors.base import LianpuError


class StartError(LianpuError):
    code, title = "start_failed", "Start failed"


class SettingsError(StartError):
    code, title = "settings_invalid", "Settings not valid"


class HomeUnwritableError(StartError):
    code, title = "home_unwritable", "Home folder not writable"


class PortInUseError(StartError):
    code, title = "port_in_use", "Port in use"


class HomeInUseError(StartError):
    code, title = "home_in_use", "Home folder in use"


class HomeNotEmptyError(StartError):
    code, title = "home_not_empty", "Home folder not empty"
