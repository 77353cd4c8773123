"""What a labelled output is, in the words of the standards."""

import json
from dataclasses import dataclass
from enum import StrEnum

LABEL_TEXT = "AI生成 / AI-generated"
_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


class DigitalSource(StrEnum):
    """Of IPTC's vocabulary of digital source types."""

    SWAP = "compositeWithTrainedAlgorithmicMedia"
    ENHANCEMENT = "algorithmicallyEnhanced"

    @property
    def uri(self) -> str:
        return _IPTC + self.value

    @classmethod
    def of_uri(cls, uri: str) -> "DigitalSource | None":
        return next((source for source in cls if source.uri == uri), None)


class LabelKind(StrEnum):
    """The marks an output can carry."""

    VISIBLE = "visible"
    XMP = "xmp"
    """IPTC's `DigitalSourceType`."""
    AIGC = "aigc"
    """The field of GB 45438-2025, by which Chinese platforms recognise generated content."""
    C2PA = "c2pa"
    WATERMARK = "watermark"


@dataclass(frozen=True, slots=True)
class Origin:
    source: DigitalSource
    mark: int
    """64 bits that stand for the job; nobody but the operator can tell which one."""
    producer: str
    """Who runs the service."""
    engine: str
    engine_version: str

    @property
    def mark_hex(self) -> str:
        return f"{self.mark:016x}"

    @property
    def aigc(self) -> str:
        """JSON of the field AIGC: GB 45438-2025, annex E. `Label` 1: it is generated."""
        fields = {
            "Label": "1",
            "ContentProducer": self.producer,
            "ProduceID": self.mark_hex,
            "ReservedCode1": "",
            "ContentPropagator": "",
            "PropagateID": "",
            "ReservedCode2": "",
        }
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
