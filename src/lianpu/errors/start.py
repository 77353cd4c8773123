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


class DatabaseAddressError(StartError):
    code, title = "database_address_invalid", "Database URL not valid"


class DatabaseDriverError(StartError):
    code, title = "database_driver_missing", "Database driver not installed"


class DatabaseLoginError(StartError):
    code, title = "database_login_refused", "Database refuses the login"


class DatabaseUnsuitableError(StartError):
    code, title = "database_unsuitable", "Database not suitable"


class HomeNotEmptyError(StartError):
    code, title = "home_not_empty", "Home folder not empty"
