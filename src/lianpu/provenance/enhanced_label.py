"""The label of one enhanced photo: put on in memory, by whoever enhances it."""

from collections.abc import Sequence
from dataclasses import replace

from lianpu.engines.face.face import Image
from lianpu.engines.provenance.labelling import Labeller
from lianpu.engines.provenance.origin import LabelKind, Origin


class EnhancedLabel:
    """Used on a worker: `pixels` before the photo is encoded, if `marks_pixels`; `file` after it."""

    def __init__(self, labeller: Labeller, origin: Origin, *, marks_pixels: bool) -> None:
        self._labeller = labeller
        self.origin = origin
        self.marks_pixels = marks_pixels
        self.labels: Sequence[LabelKind] = ()
        """Those that were put on so far."""

    def pixels(self, pixels: Image) -> Image:
        """A copy with the visible label and the hidden id: [H, W, 3] uint8 RGB."""
        marked, self.labels = self._labeller.enhanced_pixels(pixels, self.origin)
        return marked

    def file(self, data: bytes, engine: str) -> bytearray:
        """The encoded photo with the labels that touch no pixel.

        Args:
            engine: the networks that ran.

        Raises:
            LabellingError, SigningKeyError: a label cannot be put on.
        """
        self.origin = replace(self.origin, engine=engine)
        labelled, labels = self._labeller.enhanced(data, self.origin)
        self.labels = (*self.labels, *labels)
        return labelled
