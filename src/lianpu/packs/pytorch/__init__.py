"""Packs made of PyTorch's weights by torch and spandrel, which nothing else needs: read, exported to ONNX, compared."""

from lianpu.packs.pytorch.converting import ConversionOptions, Converted, convert_weights

__all__ = ["ConversionOptions", "Converted", "convert_weights"]
