"""What the Python of an external engine has: its version, and what its ONNX Runtime really runs on."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lianpu.engines.swap.external.process import Ending, Limits, run_program
from lianpu.runtime.onnx import probe_network

_TIME_S = 60.0
_MARK = "lianpu-probe:"
# Runs under the engine's Python, which may be as old as 3.9 and has nothing of ours.
_SCRIPT = """
import base64, json, sys
found = {"python": list(sys.version_info[:3])}
try:
    import onnxruntime as ort
    found["onnxruntime"] = ort.__version__
    found["available"] = ort.get_available_providers()
    found["runs"] = {}
    for name in json.loads(sys.argv[2]):
        if name in found["available"]:
            try:
                session = ort.InferenceSession(base64.b64decode(sys.argv[1]), providers=[name])
                found["runs"][name] = session.get_providers()[0]
            except Exception as error:
                found["runs"][name] = "error: " + str(error).splitlines()[0][:200]
except Exception as error:
    found["error"] = (type(error).__name__ + ": " + str(error)).splitlines()[0][:300]
print(sys.argv[3] + json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    version: tuple[int, int, int]
    onnxruntime: str | None
    available: tuple[str, ...]
    """ONNX Runtime's names of its providers."""
    runs: Mapping[str, str]
    """Of those asked for: what a session that asks for it says it runs on."""
    error: str | None
    """Why ONNX Runtime cannot be imported."""


def look_at_interpreter(
    python: Path, folder: Path, environment: Mapping[str, str], providers: Sequence[str]
) -> Interpreter | str:
    """
    Args:
        providers: ONNX Runtime's names, to be started with a network of one node.

    Returns:
        A sentence where the interpreter does not run.
    """
    network = base64.b64encode(probe_network()).decode()
    command = [str(python), "-c", _SCRIPT, network, json.dumps(list(providers)), _MARK]
    outcome = run_program(
        command, folder=folder, environment=environment, limits=Limits(_TIME_S), cancelled=lambda: False
    )
    answer = next((line for line in reversed(outcome.log.splitlines()) if line.startswith(_MARK)), None)
    if outcome.ending is not Ending.EXITED or answer is None:
        last = outcome.log.splitlines()[-1:] or [outcome.ending.value]
        return f"{python} does not run: {last[0][:200]}"
    found = cast(dict[str, Any], json.loads(answer.removeprefix(_MARK)))
    major, minor, micro = found["python"]
    return Interpreter(
        (int(major), int(minor), int(micro)),
        found.get("onnxruntime"),
        tuple(found.get("available", ())),
        found.get("runs", {}),
        found.get("error"),
    )
