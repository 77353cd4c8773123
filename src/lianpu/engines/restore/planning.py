"""Which engines enhance a photo, how long that takes, how large the result is, and whether it may be that large."""

import math
from dataclasses import dataclass, replace

from lianpu.engines.restore.encoding import max_side_px, result_format
from lianpu.engines.restore.enhancement import SCALES, Engines, EnhancementOptions, EnhancementPlan, OutputFormat
from lianpu.engines.restore.photo import PhotoHeader
from lianpu.engines.restore.shelf import EngineShelf, Loaded, LoadedRestorer, LoadedUpscaler, key_of, label
from lianpu.engines.restore.speed import Speeds
from lianpu.engines.restore.tiling import native_scale, tile_pixels
from lianpu.errors import (
    EnhancementEngineNotFoundError,
    EnhancementTooLargeError,
    FieldError,
    FieldsInvalidError,
)

NO_RESTORER, NO_UPSCALER = "none", "lanczos"
_LEAST_FACE_PX, _MOST_FACE_PX = 128, 512
_SIDE_STEP_PX = 16
_FACES_SHARE = 0.5
"""Of the networks' time, for the faces where they and the rest of the photo go through an upscaler."""
# Decoding, looking for faces, interpolation, measuring, encoding: for each megapixel of the result, and for any photo.
_OTHER_S_PER_MEGAPIXEL, _OTHER_S = 0.12, 0.5
_TILE_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class ChosenEngines:
    restorer: Loaded | None
    upscaler: LoadedUpscaler | None
    """None: the photo is interpolated."""
    faces_s: float
    """How long all faces may take where an upscaler restores them."""
    gave_way: bool = False
    """A network would have enlarged the photo, and none keeps the time."""

    def engines(self, *, recogniser: str | None) -> Engines:
        return Engines(
            restorer=None if self.restorer is None else label(self.restorer),
            upscaler=None if self.upscaler is None else label(self.upscaler),
            recogniser=recogniser,
        )


class Planner:
    """Looks at headers alone. Blocks where an engine has to be loaded, or measured for the first time."""

    def __init__(self, shelf: EngineShelf, speeds: Speeds, *, max_output_pixels: int, time_budget_s: float) -> None:
        self._shelf = shelf
        self._speeds = speeds
        self._max_output_pixels = max_output_pixels
        self._time_budget_s = time_budget_s

    def scale(self, header: PhotoHeader, options: EnhancementOptions) -> int:
        """
        Raises:
            FieldsInvalidError: an option is outside of its range.
            EnhancementTooLargeError: the result would have too many pixels, or a side too long for its format.
        """
        _check_ranges(options)
        if self._fits(header, options, options.level):
            return SCALES[options.level]
        scale = SCALES[options.level]
        width, height = header.width * scale, header.height * scale
        possible = [level for level in SCALES if self._fits(header, options, level)]
        advice = f"The greatest level for this photo is {max(possible)}." if possible else "No level is possible."
        raise EnhancementTooLargeError(
            f"At level {options.level} the result would have {width}x{height} = {width * height / 1e6:.1f} megapixels; "
            f"at most {self._max_output_pixels / 1e6:g} are allowed, and a side of "
            f"{max_side_px(_output(header, options))}. {advice}",
            context={"greatest_level": max(possible, default=None)},
        )

    def restorer(self, options: EnhancementOptions) -> Loaded | None:
        """
        Raises:
            EnhancementEngineNotFoundError: no such engine is at hand; an upscaler that is asked for counts too.
            PackError: the one asked for cannot be used.
        """
        if options.upscaler not in {None, NO_UPSCALER}:
            self._named_upscaler(str(options.upscaler))
        return self._restorer(options)

    def choose(
        self, header: PhotoHeader, options: EnhancementOptions, restorer: Loaded | None, *, faces: int, to_restore: int
    ) -> ChosenEngines:
        """The restorer, and the upscaler where one is needed: at the first level only where no face is restored alone.

        Args:
            faces: of the photo.
            to_restore: of these, how many go through the restorer.

        Raises:
            EnhancementEngineNotFoundError, PackError: as `restorer`.
        """
        budget_s = self._time_budget_s if options.time_budget_s is None else options.time_budget_s
        scale = SCALES[options.level]
        networks_s = max(0.0, budget_s - _other_s(header, scale))
        if scale == 1 and faces > 0 and restorer is not None:
            return ChosenEngines(restorer, None, networks_s)
        if options.upscaler is not None:
            named = None if options.upscaler == NO_UPSCALER else self._named_upscaler(options.upscaler)
            return ChosenEngines(restorer, named, networks_s * (1 if named is None else _FACES_SHARE))
        chosen = ChosenEngines(restorer, None, networks_s * _FACES_SHARE)
        left_s = networks_s - self.faces_s(chosen, header.width * header.height, faces=to_restore)
        quickest: tuple[float, LoadedUpscaler] | None = None
        for upscaler in self._shelf.upscalers():
            seconds = self.background_s(header, scale, upscaler)
            if seconds <= left_s:
                return replace(chosen, upscaler=upscaler)
            if quickest is None or seconds < quickest[0]:
                quickest = (seconds, upscaler)
        if quickest is None or to_restore > 0:
            return ChosenEngines(restorer, None, networks_s, gave_way=quickest is not None)
        # Interpolated, nothing at all of the photo would be enhanced.
        return replace(chosen, upscaler=quickest[1])

    def plan(self, header: PhotoHeader, options: EnhancementOptions, recogniser: str) -> EnhancementPlan:
        """
        Raises:
            what `scale` and `choose` raise.
        """
        scale = self.scale(header, options)
        restorer = self.restorer(options)
        chosen = self.choose(header, options, restorer, faces=1, to_restore=0 if restorer is None else 1)
        estimated_s = _other_s(header, scale)
        if chosen.upscaler is not None:
            estimated_s += self.background_s(header, scale, chosen.upscaler)
        estimated_s += self.faces_s(chosen, header.width * header.height, faces=1)
        return EnhancementPlan(
            header.width * scale,
            header.height * scale,
            chosen.engines(recogniser=recogniser),
            estimated_s,
            peak_bytes(header, scale),
        )

    def background_s(self, header: PhotoHeader, scale: int, upscaler: LoadedUpscaler) -> float:
        """Seconds for all tiles of a photo."""
        network = upscaler.upscaler
        pixels = tile_pixels(header.width, header.height, network)
        return pixels * self._speeds.of_upscaler(key_of(upscaler), network, native_scale(network, scale))

    def faces_s(self, chosen: ChosenEngines, photo_pixels: int, *, faces: int) -> float:
        """Seconds for so many faces."""
        restorer = chosen.restorer
        if isinstance(restorer, LoadedRestorer):
            return faces * self._speeds.of_restorer(key_of(restorer), restorer.restorer)
        if restorer is None or faces == 0:
            return 0.0
        side = math.isqrt(min(self.face_pixels(chosen, faces=faces), photo_pixels))
        return faces * tile_pixels(side, side, restorer.upscaler) * self._face_speed(restorer)

    def face_pixels(self, chosen: ChosenEngines, *, faces: int) -> int:
        """How many pixels of each face may go through an upscaler, so that the time is kept."""
        restorer = chosen.restorer
        if not isinstance(restorer, LoadedUpscaler):
            return _MOST_FACE_PX**2
        # Tiles overlap: what they take does not grow evenly with the face.
        most = chosen.faces_s / max(1, faces) / self._face_speed(restorer)
        sides = range(_MOST_FACE_PX, _LEAST_FACE_PX, -_SIDE_STEP_PX)
        return next((side for side in sides if tile_pixels(side, side, restorer.upscaler) <= most), _LEAST_FACE_PX) ** 2

    def _face_speed(self, upscaler: LoadedUpscaler) -> float:
        network = upscaler.upscaler
        return self._speeds.of_upscaler(key_of(upscaler), network, max(network.scales))

    def _fits(self, header: PhotoHeader, options: EnhancementOptions, level: int) -> bool:
        scale = SCALES[level]
        width, height = header.width * scale, header.height * scale
        longest = max_side_px(_output(header, options))
        return width * height <= self._max_output_pixels and max(width, height) <= longest

    def _restorer(self, options: EnhancementOptions) -> Loaded | None:
        if options.restorer == NO_RESTORER:
            return None
        if options.restorer is not None:
            found = self._shelf.get(options.restorer)
            if isinstance(found, LoadedUpscaler) and not found.suits_faces:
                raise EnhancementEngineNotFoundError(f"'{options.restorer}' enlarges photos and is not fit for faces.")
            return found
        restorers = self._shelf.restorers()
        for_faces = [upscaler for upscaler in self._shelf.upscalers() if upscaler.suits_faces] if not restorers else []
        return next(iter([*restorers, *for_faces]), None)

    def _named_upscaler(self, name: str) -> LoadedUpscaler:
        found = self._shelf.get(name)
        if not isinstance(found, LoadedUpscaler):
            raise EnhancementEngineNotFoundError(f"'{name}' restores faces and enlarges no photos.")
        return found


def peak_bytes(header: PhotoHeader, scale: int) -> int:
    """Memory beside the loaded networks and what they work with: both photos, a stripe, a face, the encoder's copy."""
    before = header.width * header.height
    after = before * scale**2
    stripe = header.width * scale * 256 * scale * 12
    alpha = 2 * after if header.has_alpha else 0
    # Pillow keeps four bytes for each pixel of three channels; the file itself has at most as much as the pixels.
    return 2 * 3 * before + (3 + 4 + 3) * after + alpha + stripe + _TILE_BYTES


def _other_s(header: PhotoHeader, scale: int) -> float:
    """Seconds for all that no network does."""
    return _OTHER_S + _OTHER_S_PER_MEGAPIXEL * header.width * header.height * scale**2 / 1e6


def _output(header: PhotoHeader, options: EnhancementOptions) -> OutputFormat:
    return result_format(options.output_format, header.format, has_alpha=header.has_alpha)


def _check_ranges(options: EnhancementOptions) -> None:
    wrong = [
        (name, text)
        for name, text, holds in (
            ("level", "is 1, 2, 3 or 4", options.level in SCALES),
            ("fidelity", "lies within 0…1", 0 <= options.fidelity <= 1),
            (
                "identity_threshold",
                "lies within -1…1",
                options.identity_threshold is None or -1 <= options.identity_threshold <= 1,
            ),
            ("time_budget_s", "is greater than 0", options.time_budget_s is None or options.time_budget_s > 0),
        )
        if not holds
    ]
    if wrong:
        text = "; ".join(f"{name} {what}" for name, what in wrong)
        raise FieldsInvalidError(
            f"The enhancement cannot be done so: {text}.",
            errors=[FieldError(name, what, "range") for name, what in wrong],
        )
