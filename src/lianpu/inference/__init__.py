"""Inference models: the contract that plug-ins write against (exported here), and what finds, loads and runs them."""

from lianpu.inference.model import Image, InferenceModel, ModelContext, Parameters, Session

__all__ = ["Image", "InferenceModel", "ModelContext", "Parameters", "Session"]
