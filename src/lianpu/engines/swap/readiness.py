"""From what is wrong with an engine to the error that says so."""

from collections.abc import Generator
from contextlib import contextmanager

from lianpu.engines.swap.swapper import EngineReport, Readiness
from lianpu.errors import PackError, PackNotFoundError, ProviderError, SwapEngineNotReadyError


def ready_or_raise(report: EngineReport) -> None:
    """
    Raises:
        SwapEngineNotReadyError: with the first thing that is wrong, and what to do.
    """
    if report.readiness in {Readiness.READY, Readiness.DEGRADED}:
        return
    wrong = next((finding for finding in report.findings if not finding.is_ok), None)
    text = report.readiness.value if wrong is None else f"{wrong.name}: {wrong.detail}. {wrong.advice or ''}".strip()
    raise SwapEngineNotReadyError(f"The engine '{report.engine}' is not ready. {text}")


@contextmanager
def using_packs(engine: str) -> Generator[None]:
    """Packs and providers that cannot be used are a lack of the engine that needs them.

    Raises:
        SwapEngineNotReadyError: instead of their own errors.
    """
    try:
        yield
    except (PackError, PackNotFoundError, ProviderError) as error:
        raise SwapEngineNotReadyError(f"The engine '{engine}' is not ready. {error.detail}") from error
