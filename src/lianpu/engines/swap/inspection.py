"""Whether a swap succeeded: the output decodes, has the target's size and length, and the face's pixels changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Box, DetectedFace, Image
from lianpu.engines.image import decode_image
from lianpu.engines.swap.choosing import Find
from lianpu.engines.swap.swapper import SwapKind
from lianpu.engines.swap.video import Picture, pictures, video_facts
from lianpu.errors import (
    ImageError,
    SwapFaceNotFoundError,
    SwapNoOutputError,
    SwapOutputInvalidError,
    SwapTargetInvalidError,
    SwapUnchangedError,
)

# Encoders of 4:2:0 colours need even sizes.
_SIZE_TOLERANCE_PX = 1
# Encoders drop or double a picture where frame rates are rounded.
_FRAMES_TOLERANCE = 2
_DURATION_TOLERANCE_S = 0.25
_SAMPLED_FRAMES = 9
# Mean difference of 8-bit values. Saving a photo as JPEG at quality 80 changes a face by 1…3, a swap by 8…40.
_LEAST_CHANGE = 3.5
_LEAST_TIMES_AROUND = 1.8


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found in an output that holds."""

    frames: int
    faces: int
    """Of a photo, or of the first sampled picture of a video with a face."""
    has_audio: bool
    notes: tuple[str, ...]


def inspect(kind: SwapKind, target: Path, output: Path, find: Find) -> Inspection:
    """
    Args:
        find: the faces that were to be swapped, in a picture of the target.

    Raises:
        SwapNoOutputError: there is no file, or an empty one.
        SwapOutputInvalidError: it does not decode, or has another size or length.
        SwapUnchangedError: it shows the faces as they were.
        SwapFaceNotFoundError: the target has no face that could have been swapped.
    """
    if not output.is_file() or output.stat().st_size == 0:
        raise SwapNoOutputError("The engine ended as if all were well and wrote no file.")
    return _inspect_video(target, output, find) if kind is SwapKind.VIDEO else _inspect_photo(target, output, find)


def change_of_face(
    before: Image, after: Image, faces: Sequence[DetectedFace], face: DetectedFace
) -> tuple[float, float]:
    """Mean difference of 8-bit values: in the middle of the face, and where there is no face."""
    difference = np.abs(before.astype(np.int16) - after.astype(np.int16)).mean(axis=2)
    outside = np.ones(difference.shape, bool)
    for other in faces:
        outside[_region(difference, other.box, 2.2)] = False
    around = float(difference[outside].mean()) if outside.any() else 0.0
    inside: NDArray[np.float64] = difference[_region(difference, face.box, 0.7)]
    return (float(inside.mean()) if inside.size else 0.0), around


def _inspect_photo(target: Path, output: Path, find: Find) -> Inspection:
    before = decode_image(target.read_bytes()).pixels
    try:
        after = decode_image(output.read_bytes()).pixels
    except ImageError as error:
        raise SwapOutputInvalidError(f"What the engine wrote is no image: {error.detail}") from error
    notes = _size_notes(before, after)
    before, after = _common(before, after)
    faces = find(before)
    if not faces:
        raise SwapFaceNotFoundError("The target has no such face.")
    changed = [face for face in faces if _is_changed(before, after, faces, face)]
    if not changed:
        raise SwapUnchangedError(
            "The engine said that it succeeded, and the face of the target is as it was: it found no face that it "
            "could use, or a model is missing."
        )
    if len(changed) < len(faces):
        notes.append(f"{len(changed)} of {len(faces)} faces were changed")
    return Inspection(1, len(changed), has_audio=False, notes=tuple(notes))


def _inspect_video(target: Path, output: Path, find: Find) -> Inspection:
    try:
        facts, wanted = video_facts(output), video_facts(target)
        sampled, frames = _sampled(target, output, facts.frames or wanted.frames or 0)
    except SwapTargetInvalidError as error:
        raise SwapOutputInvalidError(f"What the engine wrote is no video that can be played: {error.detail}") from error
    notes: list[str] = []
    shown = with_face = changed = first = 0
    for number, (before, after) in enumerate(sampled):
        if number == 0:
            notes += _size_notes(before, after)
        before, after = _common(before, after)
        shown += 1
        faces = find(before)
        hits = sum(_is_changed(before, after, faces, face) for face in faces)
        with_face += bool(faces)
        changed += bool(hits)
        first = first or hits
    if wanted.duration_s and facts.duration_s and abs(wanted.duration_s - facts.duration_s) > _DURATION_TOLERANCE_S:
        raise SwapOutputInvalidError(
            f"The output lasts {facts.duration_s:.2f} s where the target lasts {wanted.duration_s:.2f} s."
        )
    if not with_face:
        raise SwapFaceNotFoundError(f"None of {shown} pictures looked at in the target shows such a face.")
    if not changed:
        raise SwapUnchangedError(
            f"The engine said that it succeeded, and the face is as it was in all {with_face} pictures looked at."
        )
    if changed < with_face:
        notes.append(f"the face is changed in {changed} of {with_face} pictures looked at")
    if wanted.has_audio and not facts.has_audio:
        notes.append("the target has sound and the output has none")
    return Inspection(frames, first, facts.has_audio, tuple(notes))


def _sampled(target: Path, output: Path, expected: int) -> tuple[list[tuple[Image, Image]], int]:
    """Pictures of both at the same places, evenly spread, and how many the output has."""
    step = max(1, expected // _SAMPLED_FRAMES)
    kept: list[tuple[Image, Image]] = []
    numbers = [0, 0]
    for before, after in _side_by_side(target, output):
        numbers[0] += before is not None
        numbers[1] += after is not None
        if before is not None and after is not None and before.number % step == step // 2:
            kept.append((before.pixels, after.pixels))
            if len(kept) > 2 * _SAMPLED_FRAMES:
                # The container promised fewer: every second one is still evenly spread.
                kept, step = kept[::2], step * 2
    if abs(numbers[0] - numbers[1]) > max(_FRAMES_TOLERANCE, numbers[0] // 100):
        raise SwapOutputInvalidError(f"The output has {numbers[1]} pictures where the target has {numbers[0]}.")
    return kept, numbers[1]


def _side_by_side(target: Path, output: Path) -> Iterator[tuple[Picture | None, Picture | None]]:
    return zip_longest(pictures(target), pictures(output))


def _is_changed(before: Image, after: Image, faces: Sequence[DetectedFace], face: DetectedFace) -> bool:
    inside, around = change_of_face(before, after, faces, face)
    return inside >= _LEAST_CHANGE and inside >= _LEAST_TIMES_AROUND * around


def _size_notes(before: Image, after: Image) -> list[str]:
    (height, width), (made_height, made_width) = before.shape[:2], after.shape[:2]
    if max(abs(height - made_height), abs(width - made_width)) > _SIZE_TOLERANCE_PX:
        raise SwapOutputInvalidError(
            f"The output has {made_width}x{made_height} pixels where the target has {width}x{height}."
        )
    if (height, width) == (made_height, made_width):
        return []
    return [f"{width}x{height} became {made_width}x{made_height}: the encoder needs even sizes"]


def _common(before: Image, after: Image) -> tuple[Image, Image]:
    height, width = (min(sides) for sides in zip(before.shape[:2], after.shape[:2], strict=True))
    return before[:height, :width], after[:height, :width]


def _region(array: NDArray[np.float64], box: Box, times: float) -> tuple[slice, slice]:
    """A box made larger or smaller around its middle, as far as it lies in the array."""
    across, down = box.width * times / 2, box.height * times / 2
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    height, width = array.shape
    rows = slice(max(0, min(height, round(y - down))), max(0, min(height, round(y + down))))
    return rows, slice(max(0, min(width, round(x - across))), max(0, min(width, round(x + across))))
