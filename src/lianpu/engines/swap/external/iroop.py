"""iRoopDeepFaceCam 1.3: `run.py`. Read at commit 75c862fa (2024-09-19), the last one."""

from collections.abc import Sequence

from lianpu.engines.swap.external.deep_live_cam import INSWAPPER_FP16_DIGESTS
from lianpu.engines.swap.external.models import ModelFile
from lianpu.engines.swap.external.roop_family import RoopFamily
from lianpu.engines.swap.integrations import ExternalIntegration


class Iroop(RoopFamily):
    """Implements `Program`. Its own download stores a web page as the model: the file must lie there beforehand."""

    def __init__(self) -> None:
        super().__init__("iRoopDeepFaceCam", python_from=(3, 9), python_to=(3, 12))

    def models(self, integration: ExternalIntegration) -> Sequence[ModelFile]:  # noqa: ARG002 (of the protocol)
        return [ModelFile("inswapper_128_fp16.onnx", INSWAPPER_FP16_DIGESTS)]
