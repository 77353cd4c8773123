"""Swaps on running streams."""
