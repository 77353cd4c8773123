"""What stands where no engine is: it says so."""

# ruff: noqa: ARG002

from collections.abc import Callable, Sequence

from lianpu.engines.restore.enhancement import (
    EnhancedPhoto,
    EnhancementEngine,
    EnhancementOptions,
    EnhancementPlan,
    OnStage,
)
from lianpu.errors import InferenceModelUnavailableError


class NoEnhancer:
    def engines(self) -> Sequence[EnhancementEngine]:
        return ()

    def plan(self, data: bytes | bytearray | memoryview, options: EnhancementOptions) -> EnhancementPlan:
        raise InferenceModelUnavailableError("No engine that enhances photos is installed.")

    def enhance(
        self,
        data: bytes | bytearray | memoryview,
        options: EnhancementOptions,
        on_stage: OnStage,
        cancelled: Callable[[], bool],
    ) -> EnhancedPhoto:
        raise InferenceModelUnavailableError("No engine that enhances photos is installed.")
