"""An enhancer that resizes: real photos in and out, in the time that a test wants."""

import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from lianpu.engines.face.face import Image
from lianpu.engines.image import ImageLimits, decode_image, image_size
from lianpu.engines.image_header import ImageFormat, sniff_format
from lianpu.engines.restore.enhancement import (
    SCALES,
    Engines,
    EnhancedPhoto,
    EnhancementCancelled,
    EnhancementEngine,
    EnhancementOptions,
    EnhancementPlan,
    EnhancementReport,
    OnStage,
    OutputFormat,
    Stage,
)

ENGINES = Engines(restorer=None, upscaler="lanczos", recogniser=None)
LIMITS = ImageLimits(max_pixels=30_000_000)
_ENCODERS = {
    ImageFormat.JPEG: (".jpg", "image/jpeg"),
    ImageFormat.PNG: (".png", "image/png"),
    ImageFormat.WEBP: (".webp", "image/webp"),
}


class LanczosEnhancer:
    def __init__(self, *, stage_s: float = 0.0, estimated_s: float = 0.1, peak_bytes: int = 1 << 20) -> None:
        """`stage_s`: how long each stage takes at least; the others are what `plan` says."""
        self.stage_s = stage_s
        self.estimated_s = estimated_s
        self.peak_bytes = peak_bytes
        self.enhanced = 0
        self.running = 0
        self.most_running = 0

    def engines(self) -> Sequence[EnhancementEngine]:
        return [EnhancementEngine("lanczos", "upscaler", None, "none", True, False, 0.01)]

    def plan(self, data: bytes | bytearray | memoryview, options: EnhancementOptions) -> EnhancementPlan:
        _, width, height = image_size(bytes(data), LIMITS)
        scale = SCALES[options.level]
        return EnhancementPlan(width * scale, height * scale, ENGINES, self.estimated_s, self.peak_bytes)

    def enhance(
        self,
        data: bytes | bytearray | memoryview,
        options: EnhancementOptions,
        on_stage: OnStage,
        cancelled: Callable[[], bool],
        finish: Callable[[Image], Image] | None = None,
    ) -> EnhancedPhoto:
        started = time.monotonic()
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            for number, stage in enumerate(Stage):
                on_stage(stage, number / len(Stage))
                self._pass(cancelled)
            decoded = decode_image(bytes(data), LIMITS)
        finally:
            self.running -= 1
        scale = SCALES[options.level]
        size = (decoded.width * scale, decoded.height * scale)
        larger = cv2.resize(decoded.pixels, size, interpolation=cv2.INTER_LANCZOS4)
        own = sniff_format(bytes(data)[:64])
        wanted = own if options.output_format is OutputFormat.SAME else ImageFormat(options.output_format.value)
        assert wanted is not None
        suffix, media_type = _ENCODERS[wanted]
        encoded = cv2.imencode(suffix, cv2.cvtColor(larger, cv2.COLOR_RGB2BGR))[1]
        self.enhanced += 1
        report = EnhancementReport(
            decoded.width,
            decoded.height,
            *size,
            scale,
            ENGINES,
            (),
            0.5,
            0.6,
            1.2,
            ("resized",),
            time.monotonic() - started,
        )
        return EnhancedPhoto(bytearray(np.asarray(encoded).data), media_type, suffix, report)

    def _pass(self, cancelled: Callable[[], bool]) -> None:
        until = time.monotonic() + self.stage_s
        while True:
            if cancelled():
                raise EnhancementCancelled
            if time.monotonic() >= until:
                return
            time.sleep(min(0.02, self.stage_s))
