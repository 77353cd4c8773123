"""Image classification: arrays in, frozen dataclasses out."""
