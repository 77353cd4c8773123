"""Lianpu (脸谱): a self-hosted face platform."""

import os

# ONNX Runtime >= 1.29 writes telemetry files unless told not to before its first import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"
