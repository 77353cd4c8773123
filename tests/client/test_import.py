"""R-OPS 1: the client loads nothing of the server, so that a script begins at once."""

import subprocess
import sys
from pathlib import Path

import pytest

import lianpu

HEAVY = ("onnxruntime", "cv2", "numpy", "fastapi", "starlette", "sqlalchemy", "uvicorn", "typer", "PIL", "av")


@pytest.mark.parametrize("module", ["lianpu", "lianpu.client"])
def test_R_OPS_1_importing_the_client_loads_nothing_of_the_server(module: str) -> None:
    script = f"import sys, {module}; print(' '.join(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "lianpu" in loaded
    assert loaded & set(HEAVY) == set()


def test_R_OPS_1_of_the_package_the_client_loads_only_itself() -> None:
    script = "import sys, lianpu.client; print(' '.join(name for name in sys.modules if name.startswith('lianpu')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {name for name in done.stdout.split() if not name.startswith("lianpu.client")} == {"lianpu"}


def test_R_OPS_6_type_checkers_of_whoever_uses_the_client_are_told_that_it_has_types() -> None:
    assert (Path(lianpu.__file__).parent / "py.typed").is_file()
