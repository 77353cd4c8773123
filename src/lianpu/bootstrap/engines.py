"""What runs networks, and the face-swap engines, as the settings say."""

from collections.abc import Callable

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.swap.engine import SwapContext, SwapEngines
from lianpu.engines.swap.integrations import INTEGRATIONS_FILE, InswapperIntegration, read_integrations
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.session import SessionFactory
from lianpu.runtime.sessions import CpuRuntime, Sessions
from lianpu.settings import Settings


def sessions_of(settings: Settings) -> Sessions:
    """
    Raises:
        ProviderError: see there.
    """
    runtime = settings.runtime
    onnx = OnnxSessionFactory(
        providers=runtime.providers,
        threads=runtime.threads,
        spinning=runtime.spin,
        gpu_memory_bytes=runtime.gpu_memory_bytes,
        device_id=runtime.device_id,
        strict=runtime.strict,
    )
    return Sessions(onnx, CpuRuntime(runtime.cpu))


def swap_engines_of(
    settings: Settings,
    registry: PackRegistry,
    sessions: SessionFactory,
    analyzer: Callable[[str | None], FaceAnalyzer],
) -> SwapEngines:
    """Nothing is read or loaded yet.

    Args:
        analyzer: as `Analyzers.get`.
    """
    path = settings.engines.integrations or settings.home / INTEGRATIONS_FILE

    def sessions_for(wanted: InswapperIntegration) -> SessionFactory:
        if not (wanted.providers or wanted.device is not None or wanted.gpu_memory_bytes):
            return sessions
        runtime = settings.runtime
        return OnnxSessionFactory(
            providers=wanted.providers or runtime.providers,
            threads=runtime.threads,
            spinning=runtime.spin,
            gpu_memory_bytes=wanted.gpu_memory_bytes or runtime.gpu_memory_bytes,
            device_id=runtime.device_id if wanted.device is None else wanted.device,
            strict=wanted.strict,
        )

    return SwapEngines(
        SwapContext(
            analyzer=analyzer,
            sessions=sessions_for,
            registry=registry,
            integrations=lambda: read_integrations(path),
            cache=settings.home / "cache" / "swap",
        )
    )
