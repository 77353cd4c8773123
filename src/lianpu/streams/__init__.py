"""Live video: sources, tracks, names, events."""
