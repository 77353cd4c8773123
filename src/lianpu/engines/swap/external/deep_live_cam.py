"""Deep-Live-Cam 2.1: `run.py`, headless because -s, -t and -o are given. Read at commit bdeeb3ac (2026-08-08)."""

from collections.abc import Sequence

from lianpu.engines.swap.external.models import ModelFile
from lianpu.engines.swap.external.roop_family import RoopFamily
from lianpu.engines.swap.integrations import ExternalIntegration

INSWAPPER_DIGESTS = (
    "e4a3f08c753cb72d04e10aa0f7dbe3deebbf39567d4ead6dce08e98aa49e16af",
    "0fa95f167682b4f61edf24f8d66c46b4ab130e8be058f00c8150e6d0170ca72f",
)
INSWAPPER_FP16_DIGESTS = (
    "32031dbe50398c1beffa9daadaec8dd7ae9529d8314a0307b45a4987497f8494",
    "6d51a9278a1f650cffefc18ba53f38bf2769bf4bbff89267822cf72945f8a38b",
)


class DeepLiveCam(RoopFamily):
    """Implements `Program`. Of several faces it swaps the leftmost, or all."""

    def __init__(self) -> None:
        super().__init__("Deep-Live-Cam", python_from=(3, 11), python_to=(3, 15))

    def models(self, integration: ExternalIntegration) -> Sequence[ModelFile]:  # noqa: ARG002 (of the protocol)
        digests = (*INSWAPPER_DIGESTS, *INSWAPPER_FP16_DIGESTS)
        return [ModelFile("inswapper_128.onnx", digests, alternatives=("inswapper_128_fp16.onnx",))]
