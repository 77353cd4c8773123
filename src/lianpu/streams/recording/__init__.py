"""Streams kept as video: what viewers see, written to files."""
