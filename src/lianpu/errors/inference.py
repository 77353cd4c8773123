"""Inference models that cannot be used, or fail."""

from lianpu.errors.base import LianpuError


class InferenceModelUnavailableError(LianpuError):
    code, status, title = "inference_model_unavailable", 503, "Inference model not available"


class InferenceFailedError(LianpuError):
    code, title = "inference_failed", "Inference failed"
