"""The built-in enhancement engines, as the entry points of Lianpu's own package name them."""

from typing import Any

from lianpu.engines.face.engine import check_options
from lianpu.engines.restore.engine import FaceRestorer, RestorerEngine, Upscaler, UpscalerEngine
from lianpu.engines.restore.networks import AlignedFaceRestorer, SuperResolution
from lianpu.errors import PackInvalidError
from lianpu.packs.manifest import Pack, RestorerRole, UpscalerRole
from lianpu.runtime.session import SessionFactory

# RRDB networks take about 0.7 GB for 128x128 pixels, and four times as much for twice the side.
_TILE_PX = 128
_OVERLAP_PX = 24
_LEAST_TILE_PX, _MOST_TILE_PX, _LEAST_OVERLAP_PX = 48, 1024, 8


def _face_restorer(role: RestorerRole, pack: Pack, sessions: SessionFactory) -> FaceRestorer:
    check_options(dict(role.options), {})
    return AlignedFaceRestorer(sessions.open(pack.path_of(role.file), may_round=True), template=role.template)


def _super_resolution(role: UpscalerRole, pack: Pack, sessions: SessionFactory) -> Upscaler:
    options: dict[str, Any] = {"tile_px": _TILE_PX, "overlap_px": _OVERLAP_PX, **role.options}
    check_options(options, {"tile_px": int, "overlap_px": int})
    tile, overlap = options["tile_px"], options["overlap_px"]
    if not (_LEAST_TILE_PX <= tile <= _MOST_TILE_PX and tile % 16 == 0 and _LEAST_OVERLAP_PX <= overlap <= tile // 4):
        raise PackInvalidError("tile_px is a multiple of 16 from 48 to 1024, overlap_px from 8 to a quarter of it")
    networks = {network.scale: sessions.open(pack.path_of(network.file), may_round=True) for network in role.networks}
    return SuperResolution(networks, tile_px=tile, overlap_px=overlap)


FACE_RESTORER = RestorerEngine(_face_restorer)
SUPER_RESOLUTION = UpscalerEngine(_super_resolution)
