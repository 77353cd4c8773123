"""Streams of an installation with several nodes: run by whoever has the lease, seen and controlled through any node."""
