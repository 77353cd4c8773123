"""Reads every label of a photo or video back, and says which are left."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from lianpu.engines.face.face import Image
from lianpu.engines.image import ImageLimits, decode_image
from lianpu.engines.image_header import ImageFormat, sniff_format
from lianpu.engines.provenance.labelling import VIDEO_TYPE
from lianpu.engines.provenance.manifest import ManifestReport, read_manifest
from lianpu.engines.provenance.metadata import NOTHING, Metadata, packet_in, packet_in_mp4, read_metadata
from lianpu.engines.provenance.origin import DigitalSource, LabelKind
from lianpu.engines.provenance.sampling import sampled_frames
from lianpu.engines.provenance.visible_label import FOUND_LEAST, VisibleLabel
from lianpu.engines.provenance.watermark import Reading, read
from lianpu.errors import ImageError, MediaFormatError

SNIFF_BYTES = 64
_MOVIE_TYPES = {b"qt  ": "video/quicktime"}


class Media(StrEnum):
    PHOTO = "photo"
    VIDEO = "video"


class Conclusion(StrEnum):
    INTACT = "intact"
    """Signed by somebody who is trusted, and not a bit was changed since."""
    SIGNED = "signed"
    """The same, but nobody here trusts the signer."""
    ALTERED = "altered"
    """It was labelled, and changed or saved anew since."""
    UNLABELLED = "unlabelled"
    """Nothing was found, which proves nothing."""


@dataclass(frozen=True, slots=True)
class ProvenanceReport:
    media: Media
    conclusion: Conclusion
    manifest: ManifestReport | None
    metadata: Metadata
    watermark: Reading | None
    visible_score: float
    """0…1; of a video, of the frame in which it is clearest."""

    @property
    def is_visible(self) -> bool:
        return self.visible_score >= FOUND_LEAST

    @property
    def survived(self) -> Sequence[LabelKind]:
        """The labels that are there and whole."""
        there = {
            LabelKind.VISIBLE: self.is_visible,
            LabelKind.XMP: self.metadata.digital_source is not None,
            LabelKind.AIGC: self.metadata.aigc is not None,
            LabelKind.C2PA: self.manifest is not None and self.manifest.is_valid,
            LabelKind.WATERMARK: self.watermark is not None,
        }
        return [label for label, is_there in there.items() if is_there]

    @property
    def marks(self) -> Sequence[int]:
        """Every id that was read, each once."""
        found: list[int] = []
        if self.manifest is not None and self.manifest.mark is not None:
            found.append(self.manifest.mark)
        if self.watermark is not None:
            found.append(self.watermark.mark)
        text = (self.metadata.aigc or {}).get("ProduceID", "")
        if len(text) == 16 and set(text) <= set("0123456789abcdef"):
            found.append(int(text, 16))
        return list(dict.fromkeys(found))

    @property
    def digital_source(self) -> DigitalSource | None:
        """As far as it is one of those that this server makes."""
        uri = self.manifest.digital_source if self.manifest is not None else self.metadata.digital_source
        return None if uri is None else DigitalSource.of_uri(uri)


class Verifier:
    """For any number of threads. Blocks."""

    def __init__(self, anchors: bytes, limits: ImageLimits) -> None:
        """
        Args:
            anchors: PEM certificates of those whose manifests are trusted.
            limits: of photos.
        """
        self._anchors = anchors
        self._limits = limits
        self._visible = VisibleLabel()

    def verify(self, path: Path) -> ProvenanceReport:
        """
        Raises:
            MediaFormatError: neither a photo of a supported format nor a video.
            ImageDamagedError, ImageTooLargeError: a photo that cannot be decoded.
            VideoDamagedError: a video that cannot.
        """
        with path.open("rb") as file:
            beginning = file.read(SNIFF_BYTES)
        image_format = sniff_format(beginning)
        if image_format is not None:
            return self.verify_photo(path.read_bytes(), image_format)
        return self._video(path, beginning)

    def verify_photo(self, data: bytes, image_format: ImageFormat) -> ProvenanceReport:
        try:
            pixels = decode_image(data, self._limits).pixels
        except ImageError as error:
            if error.status == MediaFormatError.status:
                raise MediaFormatError(error.detail) from error
            raise
        manifest = read_manifest(io.BytesIO(data), image_format.media_type, self._anchors)
        metadata = read_metadata(packet_in(data, image_format))
        return self._report(Media.PHOTO, manifest, metadata, [pixels])

    def _video(self, path: Path, beginning: bytes) -> ProvenanceReport:
        frames = sampled_frames(path)
        manifest, metadata = None, NOTHING
        if beginning[4:8] == b"ftyp":
            with path.open("rb") as file:
                manifest = _manifest(file, _MOVIE_TYPES.get(beginning[8:12], VIDEO_TYPE), self._anchors)
                metadata = read_metadata(packet_in_mp4(file))
        return self._report(Media.VIDEO, manifest, metadata, frames)

    def _report(
        self, media: Media, manifest: ManifestReport | None, metadata: Metadata, pictures: Sequence[Image]
    ) -> ProvenanceReport:
        watermark = read(pictures)
        score = max(self._visible.find(picture) for picture in pictures[:3])
        if manifest is not None and manifest.is_valid:
            conclusion = Conclusion.INTACT if manifest.is_trusted else Conclusion.SIGNED
        elif manifest is not None or metadata != NOTHING or watermark is not None or score >= FOUND_LEAST:
            conclusion = Conclusion.ALTERED
        else:
            conclusion = Conclusion.UNLABELLED
        return ProvenanceReport(media, conclusion, manifest, metadata, watermark, score)


def _manifest(file: IO[bytes], media_type: str, anchors: bytes) -> ManifestReport | None:
    file.seek(0)
    return read_manifest(file, media_type, anchors)
