"""Rules of the house that no tool checks by itself: sizes, names, docstrings, layers, error codes."""

import ast
import importlib
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from types import ModuleType

import pytest

import lianpu
from lianpu import errors
from lianpu.errors import LianpuError

REPOSITORY = Path(__file__).parents[1]
SOURCES = REPOSITORY / "src"
MAX_LINES = 400
# Names that say nothing about what is inside, and so collect everything.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "base_utils", "tools"}
MAY_TOUCH_THE_ENVIRONMENT = {"lianpu/settings/loading.py", "lianpu/__init__.py"}
TREE_LINE = re.compile(r"^(?P<indent>[│├└─ ]*)(?P<name>\w+Error)\b(?P<rest>.*)$")
CODE = re.compile(r"^[a-z]+(_[a-z]+)*$")


def _modules() -> list[Path]:
    return sorted(path for path in SOURCES.rglob("*.py") if "console_dist" not in path.parts)


def _named(path: Path) -> str:
    return path.relative_to(SOURCES).as_posix()


@pytest.mark.parametrize("path", _modules(), ids=_named)
def test_R_OPS_6_module_is_short_named_and_described(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert path.stem not in EMPTY_NAMES
    assert not EMPTY_NAMES & set(path.relative_to(SOURCES).parts)
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "say in one sentence what the module is"
    if len(lines) > MAX_LINES:
        assert lines[0].startswith("# "), f"{len(lines)} lines: split it, or say why in the first line"


@pytest.mark.parametrize("path", _modules(), ids=_named)
def test_R_OPS_6_only_settings_reads_the_environment(path: Path) -> None:
    touched = sorted(_environment_uses(ast.parse(path.read_text(encoding="utf-8"))))
    if _named(path) not in MAY_TOUCH_THE_ENVIRONMENT:
        assert touched == []
    elif path.name == "__init__.py":
        assert len(touched) == 1
        assert 'os.environ["ORT_DISABLE_TELEMETRY"] = "1"' in path.read_text(encoding="utf-8")


def _environment_uses(tree: ast.AST) -> Iterator[int]:
    """Lines that use os.environ, os.getenv and the like, by whatever name they are imported."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(tree):
        if (isinstance(node, ast.Attribute) and node.attr in names) or (
            isinstance(node, ast.ImportFrom) and node.module == "os" and names & {alias.name for alias in node.names}
        ):
            yield node.lineno


@pytest.mark.parametrize(
    "line", ["import os; os.environ['X']", "import os as o; o.getenv('X')", "from os import environ as e", "import os"]
)
def test_R_OPS_6_environment_rule_sees_every_spelling(line: str) -> None:
    assert list(_environment_uses(ast.parse(line))) == ([] if line == "import os" else [1])


def _repository_files() -> list[Path]:
    """What git tracks, or would; without git (an unpacked archive) nothing can be said."""
    command = ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git checkout")
    return [path for path in (REPOSITORY / name for name in names if name) if path.is_file()]


def _private_paths(text: str) -> list[str]:
    """Absolute paths that exist on one machine only."""
    return re.findall(r"(?<![\w./])/(?:root|work|home/\w+|Users/\w+)/[\w.-]+", text)


def test_R_OPS_6_no_file_names_a_path_of_somebodys_machine() -> None:
    found = {}
    for path in _repository_files():
        content = path.read_bytes()
        if b"\0" not in content and path.name not in {"uv.lock", "package-lock.json"}:
            found[path.relative_to(REPOSITORY).as_posix()] = _private_paths(content.decode("utf-8", "replace"))
    assert len(found) > 100
    assert {name: paths for name, paths in found.items() if paths} == {}


@pytest.mark.parametrize("text", ["cd /wor\x6b/main", "'/roo\x74/x'", "(/home/m\x65/x)", "at /Users/m\x65/x"])
def test_R_OPS_6_private_paths_are_seen(text: str) -> None:
    assert len(_private_paths(text)) == 1


@pytest.mark.parametrize("text", ["https://host/work/x", "../work/x", "/etc/x", "src/home/me/x", "/home", "/workers/x"])
def test_R_OPS_6_other_paths_are_not(text: str) -> None:
    assert _private_paths(text) == []


@pytest.fixture
def copied_sources(tmp_path: Path) -> Path:
    """pyproject.toml and src, copied so that a test may break them."""
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    shutil.copytree(SOURCES, tmp_path / "src", ignore=shutil.ignore_patterns("console_dist", "__pycache__"))
    return tmp_path


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter on a copy: the copy's `lianpu` comes before the installed one."""
    start = (
        "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(no_cache=True, is_debug_mode=False))"
    )
    return subprocess.run([sys.executable, "-c", start], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("engines/image.py", "import lianpu.gallery.gallery", "lianpu.engines.image -> lianpu.gallery.gallery"),
        ("packs/manifest.py", "import fastapi", "lianpu.packs.manifest -> fastapi"),
        ("vectors/exact.py", "import sqlalchemy", "lianpu.vectors.exact -> sqlalchemy"),
        ("engines/image.py", "import onnxruntime", "lianpu.engines.image -> onnxruntime"),
        ("settings/loading.py", "import lianpu.http.problems", "lianpu.settings.loading -> lianpu.http.problems"),
        ("gallery/persons.py", "import lianpu.api.app", "lianpu.gallery.persons -> lianpu.api.app"),
    ],
)
def test_R_OPS_6_planted_forbidden_import_fails(copied_sources: Path, module: str, line: str, broken: str) -> None:
    planted = copied_sources / "src" / "lianpu" / module
    planted.write_text(planted.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    linted = _lint_imports(copied_sources)
    assert linted.returncode == 1, linted.stdout + linted.stderr
    assert broken in linted.stdout


def test_R_OPS_6_untouched_sources_keep_the_layers(copied_sources: Path) -> None:
    linted = _lint_imports(copied_sources)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "0 broken" in linted.stdout


def test_R_OPS_6_new_folder_needs_a_layer(copied_sources: Path) -> None:
    """The layers are exhaustive: who adds a folder has to say where it belongs."""
    (copied_sources / "src" / "lianpu" / "novelty").mkdir()
    (copied_sources / "src" / "lianpu" / "novelty" / "__init__.py").write_text("")
    linted = _lint_imports(copied_sources)
    assert linted.returncode == 1
    assert "novelty" in linted.stdout


def _import_all() -> list[ModuleType]:
    found = pkgutil.walk_packages(lianpu.__path__, "lianpu.")
    skipped = ("lianpu.__main__", "lianpu.database.migrations")
    return [importlib.import_module(item.name) for item in found if not item.name.startswith(skipped)]


def _all_errors() -> list[type[LianpuError]]:
    _import_all()
    found: list[type[LianpuError]] = []
    left = [LianpuError]
    while left:
        error = left.pop()
        if error.__module__.startswith("lianpu."):
            found.append(error)
        left += error.__subclasses__()
    return found


def test_R_OPS_5_every_error_has_its_own_code() -> None:
    all_errors = _all_errors()
    by_code: dict[str, type[LianpuError]] = {}
    for error in all_errors:
        assert "code" in vars(error), f"{error.__name__} has only the code of the class that it derives from"
        assert CODE.match(error.code), error.code
        assert by_code.setdefault(error.code, error) is error, f"{error.__name__} and {by_code[error.code].__name__}"
        assert HTTPStatus(error.status) >= 400
        assert error.title
    assert len(all_errors) > 30


def _drawn_tree(docstring: str) -> dict[str, tuple[str | None, str]]:
    """Class name -> (the class it hangs below, the rest of its line)."""
    drawn: dict[str, tuple[str | None, str]] = {}
    above: list[str] = []
    for line in docstring.splitlines():
        match = TREE_LINE.match(line)
        if match is not None:
            depth = len(match["indent"]) // 4
            above[depth:] = [match["name"]]
            drawn[match["name"]] = (above[depth - 1] if depth else None, match["rest"].strip())
    return drawn


def _differences(docstring: str, classes: list[type[LianpuError]]) -> list[str]:
    """What the drawn tree says otherwise than the classes."""
    drawn = _drawn_tree(docstring)
    found = [f"{name} is drawn and does not exist" for name in drawn.keys() - {error.__name__ for error in classes}]
    for error in classes:
        name = error.__name__
        if name not in drawn:
            found.append(f"{name} is not drawn")
            continue
        parent, rest = drawn[name]
        if error is not LianpuError and parent != error.__bases__[0].__name__:
            found.append(f"{name} is drawn below {parent}")
        if any(sub.__module__.startswith("lianpu.errors.") for sub in error.__subclasses__()):
            continue  # a family: its members say the codes
        if error.code not in rest.split():
            found.append(f"{name} is drawn without its code {error.code}")
        if not issubclass(error, errors.StartError) and str(error.status) not in rest.split():
            found.append(f"{name} is drawn without its status {error.status}")
    return sorted(found)


def test_R_OPS_5_drawn_tree_names_every_error_with_code_and_status() -> None:
    own = [error for error in _all_errors() if error.__module__.startswith("lianpu.errors.")]
    assert errors.__doc__ is not None
    assert _differences(errors.__doc__, own) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("415 image_format_unsupported", "415 image_format", "ImageFormatError is drawn without its code"),
        ("413 upload_too_large", "400 upload_too_large", "UploadTooLargeError is drawn without its status 413"),
        ("├── BusyError  ", "├── BussyError ", "BusyError is not drawn"),
        ("├── BusyError  ", "├── BussyError ", "BussyError is drawn and does not exist"),
        ("│   ├── UploadTooLarge", "│   │   ├── UploadTooLarge", "UploadTooLargeError is drawn below ImageError"),
    ],
)
def test_R_OPS_5_drift_between_tree_and_classes_is_seen(old: str, new: str, told: str) -> None:
    own = [error for error in _all_errors() if error.__module__.startswith("lianpu.errors.")]
    assert errors.__doc__ is not None
    assert old in errors.__doc__
    assert any(difference.startswith(told) for difference in _differences(errors.__doc__.replace(old, new), own))


def test_R_OPS_5_documentation_lists_every_code_with_its_status() -> None:
    page = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d–]+) \|", page, re.MULTILINE))
    families = {errors.ImageError, errors.AccessError, errors.NotFoundError, errors.ConflictError}
    for error in set(_all_errors()) - families:
        on_the_command_line = issubclass(error, errors.StartError) or error.__module__.startswith("lianpu.cli.")
        assert rows.pop(error.code, None) == ("–" if on_the_command_line else str(error.status)), error.code
    # What is left are the framework's own refusals, told in the same envelope.
    for code, status in rows.items():
        assert HTTPStatus(int(status)).phrase.lower().replace(" ", "_").replace("-", "_") == code
