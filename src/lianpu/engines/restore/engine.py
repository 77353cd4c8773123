"""The plug-in contract of enhancement engines: what a name of the entry-point group `lianpu.engines` may stand for.

Beside the face engines (`lianpu.engines.face.engine`, which describes the group) an installed package may add one that
restores faces or enlarges photos, by an entry point that names an instance of one of the two classes here. A
`pack.toml` of the family `restore` or `upscale` uses it by `engine = "…"` in its role `restorer` or `upscaler`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image
from lianpu.packs.manifest import Pack, RestorerRole, UpscalerRole
from lianpu.runtime.session import SessionFactory

Template = Literal["ffhq", "arcface"]
FloatImage = NDArray[np.float32]
"""[H, W, 3] float32 RGB, 0…255."""


class FaceRestorer(Protocol):
    """Restores one aligned face. May be called from several threads."""

    @property
    def side_px(self) -> int:
        """Of the square crop that it takes and gives."""
        ...

    @property
    def template(self) -> Template:
        """Where the eyes and the mouth lie in that crop."""
        ...

    @property
    def has_fidelity(self) -> bool: ...

    def restore(self, crop: Image, fidelity: float) -> Image:
        """[side_px, side_px, 3] uint8 RGB to the same; `fidelity` 0…1, 1 keeps most of what is there."""
        ...


class Upscaler(Protocol):
    """Enlarges images. May be called from several threads."""

    @property
    def scales(self) -> tuple[int, ...]:
        """Those its networks give, ascending."""
        ...

    @property
    def tile_px(self) -> int:
        """Side of the largest tile that it is to be given."""
        ...

    @property
    def has_fixed_tiles(self) -> bool:
        """Whether every tile must have exactly `tile_px` pixels a side."""
        ...

    @property
    def overlap_px(self) -> int:
        """How far neighbouring tiles overlap, in pixels of the input."""
        ...

    def enlarge(self, tile: Image, scale: int) -> FloatImage:
        """[h, w, 3] uint8 RGB to [h·scale, w·scale, 3] by the network of one of `scales`."""
        ...


@dataclass(frozen=True, slots=True)
class RestorerEngine:
    build: Callable[[RestorerRole, Pack, SessionFactory], FaceRestorer]


@dataclass(frozen=True, slots=True)
class UpscalerEngine:
    build: Callable[[UpscalerRole, Pack, SessionFactory], Upscaler]
