"""The whole set-up: `python run.py serve|test|…` makes the environment, then hands over.

Needs nothing but Python. `serve` starts the server; `test` runs the tests; anything else goes to the command line
(`python run.py doctor`). `--slim` before the command leaves out the packages that carry the embedded weights.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / ".lianpu-stamp"
UV_VENV = ROOT / ".venv-uv"
UV_REQUIREMENT = "uv==0.13.9"
# The first that knows `exclude-dependencies`; an older one passes over the whole [tool.uv] with a warning.
UV_AT_LEAST = (0, 9, 8)
OLDEST_PYTHON = (3, 11)
# onnxruntime has neither wheels for 3.15 nor sources.
PYTHON = ">=3.11,<3.15"
# A worker that is done takes tests from another one.
PARALLEL = ("-n", "auto", "--maxprocesses", "4", "--dist", "worksteal")


def main(arguments: list[str]) -> int:
    slim = arguments[:1] == ["--slim"]
    command = arguments[1:] if slim else arguments
    testing = command[:1] == ["test"]
    if sys.version_info < OLDEST_PYTHON:
        say(
            "Python {}.{} is older than {}.{}: uv will bring a newer one.".format(*sys.version_info[:2], *OLDEST_PYTHON)
        )
    try:
        make_environment(slim=slim, testing=testing)
    except (OSError, subprocess.CalledProcessError) as error:
        say("The environment could not be made: {}".format(error))
        say("If nothing above says why, check the connection to pypi.org, to registry.npmjs.org (the console) and,")
        say("where no fitting Python ({}) is installed, to github.com.".format(PYTHON))
        if isinstance(error, subprocess.CalledProcessError) and "ensurepip" in error.cmd:
            say("This Python cannot make virtual environments: on Debian and Ubuntu install python3-venv.")
        return 1
    except KeyboardInterrupt:
        say("Stopped; the next start goes on from here.")
        return 130
    if testing:
        return hand_over([str(python_of(VENV)), "-m", "pytest", *PARALLEL, *command[1:]], cwd=ROOT)
    return hand_over([str(python_of(VENV)), "-m", "lianpu", *command])


def make_environment(*, slim: bool, testing: bool) -> None:
    """Bring .venv up to the lock file; does nothing when the stamp says that it is there."""
    wanted = stamp(slim=slim, testing=testing)
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted and python_of(VENV).is_file():
        return
    # A half-made environment must not pass for the one before it.
    with contextlib.suppress(FileNotFoundError):
        STAMP.unlink()
    uv = find_uv()
    made = python_of(VENV).is_file()
    say("Bringing the environment up to date…" if made else "Preparing the environment (downloads about 450 MB)…")
    command = sync_command(uv, slim=slim, testing=testing)
    # Standard output belongs to the command that is handed over to (`search --json`).
    subprocess.run(command, cwd=str(ROOT), check=True, env=environment_for_uv(), stdout=sys.stderr)
    STAMP.write_text(wanted, encoding="utf-8")


def sync_command(uv: str | Path, *, slim: bool, testing: bool) -> list[str]:
    groups = ["--group", "dev"] if testing else ["--no-dev", "--inexact"]
    # Minutes without a sign of life look like a hang: on a terminal uv shows its progress.
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    # Left alone, uv takes the newest Python or the first on the PATH. Whoever names one knows why.
    python = [] if os.environ.get("UV_PYTHON") else ["--python", PYTHON]
    return [str(uv), "sync", "--locked", *quiet, *python] + ([] if slim else ["--extra", "embedded"]) + groups


def environment_for_uv() -> dict[str, str]:
    # A virtual environment that happens to be active is not ours to change.
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return dict(kept, UV_PROJECT_ENVIRONMENT=str(VENV))


def stamp(*, slim: bool, testing: bool) -> str:
    """Changes whenever the environment has to be made anew."""
    digest = hashlib.sha256()
    for path in stamped_files():
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    kinds = [str(ROOT), "slim" if slim else "full", "test" if testing else "run"]
    kinds.append(os.environ.get("LIANPU_SKIP_CONSOLE", ""))
    return "\n".join([digest.hexdigest(), *kinds])


def stamped_files() -> list[Path]:
    files = [ROOT / "pyproject.toml", ROOT / "uv.lock", ROOT / "hatch_build.py"]
    console = ROOT / "console"
    for folder, folders, names in os.walk(str(console)):
        folders[:] = sorted(name for name in folders if name not in {"node_modules", "dist", "coverage"})
        files += [Path(folder) / name for name in sorted(names)]
    return [path for path in files if path.is_file()]


def find_uv() -> str | Path:
    """uv on the PATH when it is new enough, else one of our own in .venv-uv."""
    found = shutil.which("uv")
    if found and version_of(found) >= UV_AT_LEAST:
        return found
    own = python_of(UV_VENV).parent / ("uv.exe" if os.name == "nt" else "uv")
    if version_of(str(own)) < UV_AT_LEAST:
        say("Installing {} …".format(UV_REQUIREMENT))
        venv.create(str(UV_VENV), with_pip=True, symlinks=os.name != "nt")
        pip = [str(python_of(UV_VENV)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, UV_REQUIREMENT], check=True, stdout=sys.stderr)
    return own


def version_of(uv: str) -> tuple[int, ...]:
    """(0, 0, 0) for what does not answer like uv."""
    try:
        answer = subprocess.run([uv, "--version"], stdout=subprocess.PIPE, check=True).stdout.decode()
        return tuple(int(part) for part in answer.split()[1].split("+")[0].split(".")[:3])
    except (OSError, ValueError, IndexError, subprocess.CalledProcessError):
        return (0, 0, 0)


def python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def hand_over(command: list[str], cwd: Path | None = None) -> int:
    """Become the command where the system can (signals then reach it); else wait for it."""
    if cwd is not None:
        os.chdir(str(cwd))
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execv(command[0], command)
    return wait_for(command)


def wait_for(command: list[str]) -> int:
    """The exit status of the command. Ctrl+C reaches it as well, and it ends in its own time."""
    child = subprocess.Popen(command)
    while child.poll() is None:
        with contextlib.suppress(KeyboardInterrupt):
            child.wait()
    return child.returncode


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
