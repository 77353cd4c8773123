"""What is publicly known of the MiniFASNet anti-spoofing networks: digests, scales, threshold, licence."""

import re

from lianpu.errors import PackInvalidError
from lianpu.packs.licence import licence_of_spdx

NAME = "minifasnet"
"""Name of a pack of these networks alone, unless it is given another."""
LICENCE = licence_of_spdx("Apache-2.0")

SCALES = {
    "c430c65df1fe7a6dd9e911bfe9b4132eed870ea94288be17bb8332f990366bf2": 2.7,  # 2.7_80x80_MiniFASNetV2, as ONNX
    "84f1ae4201b62270cf118c9933c63054678ab86bdbd50c0b245a4079ecfc3f82": 4.0,  # 4_0_0_80x80_MiniFASNetV1SE, as ONNX
    "b32929adc2d9c34b9486f8c4c7bc97c1b69bc0ea9befefc380e4faae4e463907": 2.7,  # MiniFASNetV2 of yakhyo's release
    "ebab7f90c7833fbccd46d3a555410e78d969db5438e169b6524be444862b3676": 4.0,  # MiniFASNetV1SE of the same
}
"""By SHA-256 of the file: side of the crop a network was trained on, in sides of the face's box."""

THRESHOLD = 0.5
"""Least mean probability of a live face.

Of the project's three samples the live one scores 1.00, the two spoofs 0.27 and 0.00. Of 199 photos of LFW, taken of
living people and cropped tightly, 89 % reach 0.5, 77 % 0.7 and 65 % 0.9.
"""

# 2.7_80x80_MiniFASNetV2 and 4_0_0_80x80_MiniFASNetV1SE, as the project names its files, with anything before.
_NAMED_SCALE = re.compile(r"(?<![0-9A-Za-z.])(\d+)[._](\d+)(?:[._]\d+)*_80x80")
_VARIANTS = {"minifasnetv2": 2.7, "minifasnetv1se": 4.0}


def scale_of(sha256: str, path: str) -> float:
    """At which scale a network sees faces: known by its digest, else read from its file name.

    Raises:
        PackInvalidError: neither tells.
    """
    if sha256 in SCALES:
        return SCALES[sha256]
    named = _NAMED_SCALE.search(path)
    if named is not None:
        return float(f"{named[1]}.{named[2]}")
    file = path.rpartition("/")[2].lower().removesuffix(".onnx").replace("_", "")
    if file in _VARIANTS:
        return _VARIANTS[file]
    raise PackInvalidError(
        f"{path} judges liveness, and nothing says at which scale it sees faces. Name the file as the project does, "
        "2.7_80x80_MiniFASNetV2.onnx, or write a pack.toml."
    )
