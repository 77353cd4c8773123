"""The two kinds of enhancement networks: restorers of aligned faces and super-resolution, bound by rank and type."""

from collections.abc import Mapping

import numpy as np

from lianpu.engines.face.face import Image
from lianpu.engines.restore.engine import FloatImage, Template
from lianpu.errors import InferenceFailedError, PackInvalidError
from lianpu.packs.image_networks import ImageBinding, bind_image_network, measure_scale, square_side
from lianpu.runtime.session import Session


class AlignedFaceRestorer:
    """GFPGAN, CodeFormer, RestoreFormer++, GPEN and all of their contract; implements `FaceRestorer`.

    Input and output float32 [1, 3, S, S], RGB, -1…1; CodeFormer has a second input of one number, its fidelity.
    GFPGAN: Wang et al. 2021, https://arxiv.org/abs/2101.04061; CodeFormer: Zhou et al. 2022,
    https://arxiv.org/abs/2206.11253; RestoreFormer++: Wang et al. 2023, https://arxiv.org/abs/2308.07228; GPEN: Yang et
    al. 2021, https://arxiv.org/abs/2105.06070.
    """

    def __init__(self, session: Session, *, template: Template = "ffhq") -> None:
        """Wrap a loaded network.

        Raises:
            PackInvalidError: its inputs and outputs are others.
        """
        binding = bind_image_network(session.inputs, session.outputs)
        side = None if binding is None else square_side(binding)
        if binding is None or side is None:
            raise PackInvalidError(
                "a face restorer takes one image [1, 3, S, S] of a fixed S, perhaps a weight of one number, and gives "
                "an image back"
            )
        self._session, self._binding = session, binding
        self._side = side
        self._template: Template = template

    @property
    def side_px(self) -> int:
        return self._side

    @property
    def template(self) -> Template:
        return self._template

    @property
    def has_fidelity(self) -> bool:
        return self._binding.weight is not None

    def restore(self, crop: Image, fidelity: float) -> Image:
        """
        Raises:
            PackError: the network does not run.
            InferenceFailedError: it answered with something else than such a crop, or with numbers that are not finite.
        """
        planes = crop.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(127.5) - np.float32(1)
        restored = self._binding.run(self._session, planes, fidelity)
        if restored.shape != planes.shape or not np.isfinite(restored).all():
            raise InferenceFailedError("The face restorer gave no picture.")
        pixels = (restored[0].transpose(1, 2, 0) + 1) * np.float32(127.5)
        return np.ascontiguousarray(np.clip(np.rint(pixels), 0, 255), dtype=np.uint8)


class SuperResolution:
    """Real-ESRGAN, SwinIR, Swin2SR and all of their contract; implements `Upscaler`.

    Input float32 [1, 3, h, w], output [1, 3, scale·h, scale·w], both RGB, 0…1. Real-ESRGAN: Wang et al. 2021,
    https://arxiv.org/abs/2107.10833; SwinIR: Liang et al. 2021, https://arxiv.org/abs/2108.10257.
    """

    def __init__(self, networks: Mapping[int, Session], *, tile_px: int, overlap_px: int) -> None:
        """Wrap loaded networks by their scale.

        Args:
            tile_px: side of the largest tile; networks of a fixed size have their own.
            overlap_px: of neighbouring tiles; less than half a tile.

        Raises:
            PackInvalidError: a network's inputs and outputs are others, or its scale is; networks of fixed size differ.
            PackError: a network does not run.
        """
        self._networks: dict[int, tuple[Session, ImageBinding]] = {}
        fixed: set[int | None] = set()
        for scale, session in sorted(networks.items()):
            binding = bind_image_network(session.inputs, session.outputs)
            if binding is None or binding.weight is not None:
                raise PackInvalidError("an upscaler takes one image [n, 3, h, w] and gives one back")
            found = measure_scale(binding, session)
            if found != scale:
                raise PackInvalidError(f"the network for scale {scale} enlarges by {found or 'no whole number'}")
            if binding.image.shape[2] is not None and square_side(binding) is None:
                raise PackInvalidError("an upscaler of a fixed size takes squares")
            fixed.add(square_side(binding))
            self._networks[scale] = (session, binding)
        if len(fixed) != 1:
            raise PackInvalidError("its networks take tiles of different sizes")
        side = fixed.pop()
        self._tile, self._is_fixed = side or tile_px, side is not None
        self._overlap = min(overlap_px, self._tile // 4)

    @property
    def scales(self) -> tuple[int, ...]:
        return tuple(self._networks)

    @property
    def tile_px(self) -> int:
        return self._tile

    @property
    def has_fixed_tiles(self) -> bool:
        return self._is_fixed

    @property
    def overlap_px(self) -> int:
        return self._overlap

    def enlarge(self, tile: Image, scale: int) -> FloatImage:
        """
        Raises:
            PackError: the network does not run.
            InferenceFailedError: it answered with another size, or with numbers that are not finite.
        """
        session, binding = self._networks[scale]
        planes = tile.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
        enlarged = binding.run(session, planes)
        height, width = tile.shape[:2]
        if enlarged.shape != (1, 3, height * scale, width * scale) or not np.isfinite(enlarged).all():
            raise InferenceFailedError("The upscaler gave no picture.")
        pixels = np.clip(enlarged[0].transpose(1, 2, 0), 0, 1) * np.float32(255)
        return np.ascontiguousarray(pixels, dtype=np.float32)
