"""FaceFusion 3.x: `facefusion.py headless-run`. Read at 3.8.1 (commit 33cc6b40); flags change with most releases."""

import re
from collections.abc import Sequence
from pathlib import Path

from lianpu.engines.swap.external.flags import MappedFlags, Option
from lianpu.engines.swap.external.models import ModelFile
from lianpu.engines.swap.external.process import Outcome
from lianpu.engines.swap.external.program import Facts, ProgramRun
from lianpu.engines.swap.integrations import ExternalIntegration
from lianpu.engines.swap.swapper import SwapKind
from lianpu.errors import SwapEngineError, SwapFaceNotFoundError, SwapUnsupportedError
from lianpu.runtime.providers import Provider

DEFAULT_MODEL = "inswapper_128"
_ALWAYS = (
    "nsfw_1",
    "nsfw_2",
    "nsfw_3",
    "fairface",
    "yoloface_8n",
    "fan_68_5",
    "2dfan4",
    "xseg_1",
    "bisenet_resnet_34",
    "arcface_w600k_r50",
)
# These take another recogniser's numbers, and so need a network that translates.
_CROSSFACE = {"ghost": "crossface_ghost", "simswap": "crossface_simswap", "hififace": "crossface_hififace"}
_FACTS = Facts(
    title="FaceFusion",
    script="facefusion.py",
    help_arguments=("headless-run", "--help"),
    python_from=(3, 10),
    python_to=(3, 15),
    programs=("curl", "ffmpeg", "ffprobe"),
    licence="OpenRAIL-AS (the program); of the models: see docs/engines.md",
    options={
        "source": Option(("-s", "--source-paths")),
        "target": Option(("-t", "--target-path")),
        "output": Option(("-o", "--output-path")),
        "processors": Option(("--processors",)),
        "providers": Option(("--execution-providers",)),
        "selector": Option(("--face-selector-mode",)),
        "temp": Option(("--temp-path",), why="two runs at once would share files"),
        "jobs": Option(("--jobs-path",), why="the paths of every run would be kept for ever"),
        "model": Option(("--face-swapper-model",), is_needed=False, why="it swaps with its own default model"),
        "order": Option(("--face-selector-order",), is_needed=False, why="it may swap another face than the largest"),
        "device": Option(
            ("--execution-device-ids", "--execution-device-id"), is_needed=False, why="it takes the first GPU"
        ),
        "image_quality": Option(("--output-image-quality",), is_needed=False, why="photos are stored at quality 80"),
        "encoder": Option(("--output-video-encoder",), is_needed=False, why="it chooses the video codec itself"),
        "preset": Option(("--output-video-preset",), is_needed=False, why="videos are encoded slowly"),
        "log_level": Option(("--log-level",), is_needed=False, why="its reasons are told less exactly"),
    },
    provider_names={
        Provider.CPU: "cpu",
        Provider.CUDA: "cuda",
        Provider.TENSORRT: "tensorrt",
        Provider.OPENVINO: "openvino",
        Provider.DIRECTML: "directml",
        Provider.COREML: "coreml",
    },
    models_folder=".assets/models",
    largest_is_default=True,
)


class FaceFusion:
    """Implements `Program`.

    Exit codes: 0 also on an interrupt and without a sub-command; 1 for every failure, from a missing model over bad
    media to its own content filter; 2 for wrong arguments and for a missing curl or ffmpeg. Its own downloads may never
    end, so its models must lie there beforehand.
    """

    @property
    def facts(self) -> Facts:
        return _FACTS

    def version(self, folder: Path) -> str | None:
        try:
            text = (folder / "facefusion" / "metadata.py").read_text("utf-8", "replace")
        except OSError:
            return None
        found = re.search(r"'version':\s*'([\w.+-]{1,40})'", text)
        return None if found is None else found[1]

    def models(self, integration: ExternalIntegration) -> Sequence[ModelFile]:
        model = integration.model or DEFAULT_MODEL
        extra = [network for family, network in _CROSSFACE.items() if model.startswith(family)]
        return [ModelFile(f"{name}.onnx", crc_file=True) for name in (*_ALWAYS, model, *extra)]

    def arguments(self, run: ProgramRun, flags: MappedFlags, integration: ExternalIntegration) -> list[str]:
        said = ["headless-run", flags["processors"], "face_swapper"]
        said += [flags["source"], str(run.source), flags["target"], str(run.target), flags["output"], str(run.output)]
        said += [flags["temp"], str(run.work_folder / "temp"), flags["jobs"], str(run.work_folder / "jobs")]
        said += [flags["selector"], "many" if run.all_faces else "one"]
        if flags.has("order"):
            said += [flags["order"], "large-small"]
        if flags.has("model"):
            said += [flags["model"], integration.model or DEFAULT_MODEL]
        if run.providers:
            said += [flags["providers"], *(_FACTS.provider_names[provider] for provider in run.providers)]
        if integration.device is not None and flags.has("device"):
            said += [flags["device"], str(integration.device)]
        if run.kind is SwapKind.IMAGE and flags.has("image_quality"):
            said += [flags["image_quality"], "95"]
        if run.kind is SwapKind.VIDEO:
            if flags.has("encoder"):
                said += [flags["encoder"], "libvpx-vp9" if run.output.suffix.lower() == ".webm" else "libx264"]
            if flags.has("preset"):
                said += [flags["preset"], "veryfast"]
        if flags.has("log_level"):
            said += [flags["log_level"], "info"]
        return said

    def complaint(self, outcome: Outcome) -> SwapEngineError | None:
        log = outcome.log.lower()
        if "content" in log and ("nsfw" in log or "analys" in log) and "block" in log:
            return SwapUnsupportedError("FaceFusion: its own content filter refuses the target.")
        if "choose an image for the source" in log or "choose a image for the source" in log:
            return SwapFaceNotFoundError("FaceFusion: it can use no face of the source.")
        if outcome.exit_code == 2 and "invalid choice" in log:
            line = next(line for line in outcome.log.splitlines() if "invalid choice" in line.lower())
            return SwapUnsupportedError(f"FaceFusion refuses an argument: {line.strip()[:300]}")
        return None
