"""The engines that come with Lianpu, as the entry points of its own package name them."""

from functools import partial
from threading import Lock

import lianpu
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.swap.builtin import BuiltinSwapper, LoadedPainter
from lianpu.engines.swap.engine import SwapContext, SwapEngine
from lianpu.engines.swap.external.deep_live_cam import DeepLiveCam
from lianpu.engines.swap.external.facefusion import FaceFusion
from lianpu.engines.swap.external.iroop import Iroop
from lianpu.engines.swap.external.program import Program
from lianpu.engines.swap.external.swapper import ExternalSwapper
from lianpu.engines.swap.inswapper import InswapperPainter, check_recogniser, read_emap
from lianpu.engines.swap.landmark import LandmarkPainter
from lianpu.engines.swap.swapper import EngineReport, Finding, Readiness, SwapCapabilities, SwapKind
from lianpu.errors import LianpuError, PackError, PackNotFoundError, ProviderError, SwapEngineNotReadyError
from lianpu.packs.manifest import Family, Pack
from lianpu.packs.registry import PackState

_LANDMARK = SwapCapabilities(
    kinds=frozenset(SwapKind),
    providers=("cpu",),
    needs_weights=False,
    is_external=False,
    licence="Apache-2.0",
    commercial=True,
    many_faces=True,
)
_INSWAPPER = SwapCapabilities(
    kinds=frozenset(SwapKind),
    providers=("cpu", "cuda", "tensorrt", "openvino", "directml", "coreml"),
    needs_weights=True,
    is_external=False,
    licence="LicenseRef-InsightFace-NonCommercial (the weights)",
    commercial=False,
    many_faces=True,
)
W600K_R50 = "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43"
"""SHA-256 of the recogniser that inswapper was trained with, of the pack buffalo_l."""
_IMPORT = "lianpu models import inswapper_128.onnx --accept-licence"


def _landmark(name: str, context: SwapContext) -> BuiltinSwapper:
    painter = LandmarkPainter()

    def look() -> EngineReport:
        finding, _ = _pack_finding(context, None)
        readiness = Readiness.READY if finding.is_ok else Readiness.MODEL_MISSING
        return EngineReport(name, readiness, lianpu.__version__, "cpu", [finding])

    return BuiltinSwapper(name, _LANDMARK, lambda: (painter, context.analyzer(None)), look)


def _pack_finding(context: SwapContext, named: str | None) -> tuple[Finding, FaceAnalyzer | None]:
    try:
        analyzer = context.analyzer(named)
    except (PackError, PackNotFoundError, ProviderError) as error:
        return Finding("faces", is_ok=False, detail=error.detail, advice="See `lianpu models list`."), None
    return Finding("faces", is_ok=True, detail=f"found by {analyzer.pack_name}@{analyzer.pack_version}"), analyzer


class _Inswapper:
    """Loads the weights at their first use, and again where the pack or the integration changed."""

    def __init__(self, name: str, context: SwapContext) -> None:
        self._name = name
        self._context = context
        self._lock = Lock()
        self._loaded: tuple[object, LoadedPainter] | None = None

    def load(self) -> LoadedPainter:
        wanted = self._context.integrations().inswapper
        pack, analyzer = self._pack(wanted.pack), self._context.analyzer(wanted.recogniser)
        key = (wanted, pack.manifest, analyzer.manifest)
        with self._lock:
            if self._loaded is None or self._loaded[0] != key:
                file = _network_file(pack)
                model = pack.path_of(file)
                emap = read_emap(model, pack.manifest.digests[file], self._context.cache / "inswapper")
                session = self._context.sessions(wanted).open(model)
                self._loaded = (key, (InswapperPainter(session, emap, analyzer), analyzer))
            return self._loaded[1]

    def look(self) -> EngineReport:
        findings: list[Finding] = []
        readiness, provider, version = Readiness.READY, None, None
        try:
            wanted = self._context.integrations().inswapper
            pack = self._pack(wanted.pack)
            version = pack.version
            findings.append(Finding("weights", True, f"{pack.name}@{pack.version}, {pack.manifest.licence.id}"))
            finding, analyzer = _pack_finding(self._context, wanted.recogniser)
            if analyzer is not None:
                check_recogniser(analyzer)
                finding = _recogniser_finding(analyzer)
            findings.append(finding)
            if analyzer is None:
                readiness = Readiness.MODEL_MISSING
            else:
                painter, _ = self.load()
                provider = painter.provider
                findings.append(_provider_finding(wanted.providers, provider))
                if not all(finding.is_ok for finding in findings):
                    readiness = Readiness.DEGRADED
        except ProviderError as error:
            readiness = Readiness.PROVIDER_MISSING
            findings.append(Finding("provider", False, error.detail))
        except (SwapEngineNotReadyError, PackNotFoundError) as error:
            readiness = Readiness.MODEL_MISSING
            findings.append(Finding("weights", False, error.detail, f"Bring the file yourself, then `{_IMPORT}`."))
        except LianpuError as error:
            readiness = Readiness.MODEL_MISSING if isinstance(error, PackError) else Readiness.BROKEN
            findings.append(Finding("weights", False, error.detail))
        return EngineReport(self._name, readiness, version, provider, findings)

    def _pack(self, named: str | None) -> Pack:
        if named is None:
            found = [
                status
                for status in self._context.registry.list()
                if status.state is PackState.READY and status.manifest and status.manifest.family is Family.SWAP
            ]
            if len(found) != 1:
                names = ", ".join(f"{status.name}@{status.version}" for status in found)
                told = f"Several packs could swap ({names}): name one as inswapper.pack in integrations.toml"
                raise SwapEngineNotReadyError(told if found else "No pack of the family 'swap' is installed")
            named = f"{found[0].name}@{found[0].version}"
        pack = self._context.registry.get(named)
        if pack.manifest.family is not Family.SWAP:
            raise SwapEngineNotReadyError(f"Pack '{named}' holds weights for '{pack.manifest.family}', not for swaps")
        return pack


def _network_file(pack: Pack) -> str:
    files = [file.path for file in pack.manifest.files if file.path.lower().endswith(".onnx")]
    if len(files) != 1:
        raise SwapEngineNotReadyError(f"Pack '{pack.name}' holds {len(files)} networks, where one is wanted")
    return files[0]


def _recogniser_finding(analyzer: FaceAnalyzer) -> Finding:
    label = f"{analyzer.pack_name}@{analyzer.pack_version}"
    if W600K_R50 in analyzer.manifest.digests.values():
        return Finding("recogniser", True, f"{label}, with w600k_r50")
    return Finding(
        "recogniser",
        False,
        f"{label} is not the recogniser that inswapper was trained with: the face that comes out is somebody's",
        "Use the pack buffalo_l (w600k_r50): inswapper.recogniser in integrations.toml.",
    )


def _provider_finding(asked: tuple[str, ...], provider: str | None) -> Finding:
    from lianpu.runtime.providers import Provider

    if asked and provider != Provider(asked[0]).ort_name:
        return Finding(
            "provider", False, f"{provider} runs it, where {asked[0]} was asked for", Provider(asked[0]).remedy
        )
    return Finding("provider", True, f"{provider} runs it")


def _inswapper(name: str, context: SwapContext) -> BuiltinSwapper:
    weights = _Inswapper(name, context)
    return BuiltinSwapper(name, _INSWAPPER, weights.load, weights.look)


def _external(program: Program, name: str, context: SwapContext) -> ExternalSwapper:
    return ExternalSwapper(name, program, context)


LANDMARK = SwapEngine(_landmark)
INSWAPPER = SwapEngine(_inswapper)
FACEFUSION = SwapEngine(partial(_external, FaceFusion()))
DEEP_LIVE_CAM = SwapEngine(partial(_external, DeepLiveCam()))
IROOP = SwapEngine(partial(_external, Iroop()))
