"""What the descendants of roop share: arguments, exit codes that say nothing, targets copied to the output first."""

import re
from collections.abc import Mapping
from pathlib import Path

from lianpu.engines.swap.external.flags import MappedFlags, Option
from lianpu.engines.swap.external.process import Outcome
from lianpu.engines.swap.external.program import Facts, ProgramRun
from lianpu.engines.swap.integrations import MEBIBYTE, ExternalIntegration
from lianpu.engines.swap.swapper import SwapKind
from lianpu.errors import SwapEngineError, SwapEngineNotReadyError, SwapFaceNotFoundError
from lianpu.runtime.providers import Provider

OPTIONS: Mapping[str, Option] = {
    "source": Option(("-s", "--source")),
    "target": Option(("-t", "--target")),
    "output": Option(("-o", "--output")),
    "processors": Option(("--frame-processor",)),
    "providers": Option(("--execution-provider",)),
    "all_faces": Option(("--many-faces",)),
    "keep_fps": Option(("--keep-fps",), why="videos would be made 30 pictures a second, and another length"),
    "encoder": Option(("--video-encoder",), is_needed=False, why="it chooses the video codec itself"),
    "quality": Option(("--video-quality",), is_needed=False, why="videos are stored at its own quality"),
    "memory": Option(("--max-memory",), is_needed=False, why="it limits its memory to 16 GB by itself"),
}
# README's `directml` is refused: the names are ONNX Runtime's, cut short.
PROVIDER_NAMES = {
    Provider.CPU: "cpu",
    Provider.CUDA: "cuda",
    Provider.TENSORRT: "tensorrt",
    Provider.OPENVINO: "openvino",
    Provider.DIRECTML: "dml",
    Provider.COREML: "coreml",
}
VERSION_FILE = "modules/metadata.py"


class RoopFamily:
    """The shared half of `Program`.

    Exit codes: 0 on nearly everything, a damaged model and a missing face included; 1 on a traceback; 2 for wrong
    arguments. A photo is copied to the output before anything is done to it, so a run that did nothing looks like one
    that succeeded: only the pixels tell.
    """

    def __init__(self, title: str, *, python_from: tuple[int, int], python_to: tuple[int, int]) -> None:
        """`python_to`: the first one that it does not run on."""
        self._facts = Facts(
            title=title,
            script="run.py",
            help_arguments=("--help",),
            python_from=python_from,
            python_to=python_to,
            programs=("ffmpeg", "ffprobe"),
            licence="AGPL-3.0 (the program); its models are non-commercial",
            options=OPTIONS,
            provider_names=PROVIDER_NAMES,
            models_folder="models",
            largest_is_default=False,
        )

    @property
    def facts(self) -> Facts:
        return self._facts

    def version(self, folder: Path) -> str | None:
        try:
            text = (folder / VERSION_FILE).read_text("utf-8", "replace")
        except OSError:
            return None
        found = re.search(r"version\s*=\s*['\"]([\w.+-]{1,40})['\"]", text)
        return None if found is None else found[1]

    def arguments(self, run: ProgramRun, flags: MappedFlags, integration: ExternalIntegration) -> list[str]:
        said = [flags["source"], str(run.source), flags["target"], str(run.target), flags["output"], str(run.output)]
        said += [flags["processors"], "face_swapper"]
        if run.providers:
            said += [flags["providers"], *(PROVIDER_NAMES[provider] for provider in run.providers)]
        if run.all_faces:
            said.append(flags["all_faces"])
        if run.kind is SwapKind.VIDEO:
            said.append(flags["keep_fps"])
            if flags.has("encoder"):
                said += [flags["encoder"], "libvpx-vp9" if run.output.suffix.lower() == ".webm" else "libx264"]
            if flags.has("quality"):
                said += [flags["quality"], "18"]
        if integration.memory_limit_bytes is not None and flags.has("memory"):
            said += [flags["memory"], str(max(1, integration.memory_limit_bytes // (1024 * MEBIBYTE)))]
        return said

    def complaint(self, outcome: Outcome) -> SwapEngineError | None:
        log = outcome.log.lower()
        title = self._facts.title
        if "no face in source path detected" in log or "no face detected" in log:
            return SwapFaceNotFoundError(f"{title}: it found no face.")
        if "ffmpeg is not installed" in log:
            return SwapEngineNotReadyError(f"{title}: it finds no ffmpeg.")
        return None
