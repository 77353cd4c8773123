"""What runs networks, and the face-swap engines, as the settings say."""

from collections.abc import Callable

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.image import ImageLimits
from lianpu.engines.restore.enhancer import EnhancementLimits, PackPhotoEnhancer
from lianpu.engines.swap.engine import SwapContext, SwapEngines
from lianpu.engines.swap.integrations import INTEGRATIONS_FILE, InswapperIntegration, read_integrations
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.measured import read_measured
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
    return Sessions(onnx, CpuRuntime(runtime.cpu), read_measured(settings.home))


def image_limits_of(settings: Settings) -> ImageLimits:
    return ImageLimits(max_pixels=settings.images.max_pixels, max_side_px=settings.images.max_side_px)


def photo_enhancer_of(
    settings: Settings, registry: PackRegistry, sessions: SessionFactory, analyzer: Callable[[], FaceAnalyzer]
) -> PackPhotoEnhancer:
    """Nothing is loaded yet.

    Args:
        analyzer: gives the default recogniser.
    """
    return PackPhotoEnhancer(
        registry,
        sessions,
        analyzer,
        limits=EnhancementLimits(image_limits_of(settings), settings.enhance.max_output_pixels),
        time_budget_s=settings.enhance.time_budget_s,
    )


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
