"""What is publicly known of InsightFace's model packs: files, release, threshold, both forms of `manifest.json`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from lianpu.errors import PackInvalidError
from lianpu.packs.manifest import PACK_NAME_PATTERN

MANIFEST_FILE = "manifest.json"
RELEASE = "0.7"
"""The release of the model zoo that all known packs were published in."""
PACKS = frozenset({"buffalo_l", "buffalo_m", "buffalo_s", "buffalo_sc", "antelopev2"})
LEFT_OUT = frozenset({"1k3d68.onnx", "2d106det.onnx"})
"""Networks of those packs that nothing here uses: 3-D and dense landmarks."""
ATTRIBUTES_FILE = "genderage.onnx"
"""The network for gender and age, which no `manifest.json` names."""

# From the pack list of InsightFace Server and the test kit's list of official weights.
DIGESTS = frozenset(
    {
        "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",  # det_10g, scrfd_10g_bnkps
        "041f73f47371333d1d17a6fee6c8ab4e6aecabefe398ff32cca4e2d5eaee0af9",  # det_2.5g
        "bc24bb349491481c3ca793cf89306723162c280cb284c5a5e49df3760bf5c2ce",  # scrfd_2.5g_bnkps
        "5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a",  # det_500m
        "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",  # w600k_r50
        "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f",  # w600k_mbf
        "4ab1d6435d639628a6f3e5008dd4f929edf4c4124b1a7169e1048f9fef534cdf",  # glintr100
        "4fde69b1c810857b88c64a335084f1c3fe8f01246c9a191b48c7bb756d6652fb",  # genderage
    }
)

ARCFACE_THRESHOLD = 0.40
"""Cosine recommended for ArcFace-family packs until they are measured.

InsightFace names none. Public measurements put the best 1:1 threshold of buffalo_l near 0.22 and of buffalo_s near
0.20 (https://huggingface.co/Library-Mutsumi/insightface, four verification sets); a search among many people needs a
stricter one, because every person in the gallery is one more chance of a false match.
"""


@dataclass(frozen=True, slots=True)
class DeclaredRoles:
    """What a `manifest.json` says: which file is which, and its normalisation where it is not the usual one."""

    name: str
    version: str
    detector: str | None
    embedder: str | None
    mean: float | None = None
    std: float | None = None


def parse_insightface_manifest(text: str, origin: str) -> DeclaredRoles | None:
    """Read version 1 (InsightFace Server) or 2 (InsightFace's task-aware packages); None for any other version.

    Raises:
        PackInvalidError: not a JSON object, or a known version whose fields are missing or of the wrong kind.
    """
    try:
        content: object = json.loads(text)
    except ValueError as error:
        raise PackInvalidError(f"{origin}: {MANIFEST_FILE} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise PackInvalidError(f"{origin}: {MANIFEST_FILE} holds no object")
    manifest = cast(dict[str, object], content)
    name, version = _text(manifest.get("model_id")), _text(manifest.get("model_version")) or RELEASE
    match manifest.get("manifest_version"):
        case 1:
            files = _object(manifest.get("files"), f"{origin}: files")
            detector, embedder = _text(files.get("detector")), _text(files.get("recognizer"))
            mean, std = None, None
        case 2:
            tasks = _object(manifest.get("tasks"), f"{origin}: tasks")
            detection = _object(tasks.get("detection", {}), f"{origin}: tasks.detection")
            recognition = _object(tasks.get("recognition", {}), f"{origin}: tasks.recognition")
            detector, embedder = _text(detection.get("file")), _text(recognition.get("file"))
            mean, std = _normalisation(recognition.get("preprocessing"))
        case _:
            return None
    return DeclaredRoles(pack_name(name), version.removeprefix("v"), detector, embedder, mean, std)


def pack_name(text: str) -> str:
    """The nearest name a pack may have: lower case, other characters as hyphens; may be empty."""
    name = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:63]
    return name if re.fullmatch(PACK_NAME_PATTERN, name) else ""


def _normalisation(preprocessing: object) -> tuple[float | None, float | None]:
    if preprocessing == "embedded":
        return 0.0, 1.0
    if isinstance(preprocessing, dict):
        values = cast(dict[str, object], preprocessing)
        mean, std = values.get("mean"), values.get("std")
        if isinstance(mean, int | float) and isinstance(std, int | float):
            return float(mean), float(std)
        raise PackInvalidError("tasks.recognition.preprocessing needs the numbers mean and std")
    return None, None


def _object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise PackInvalidError(f"{what} is no object")
    return cast(dict[str, object], value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
