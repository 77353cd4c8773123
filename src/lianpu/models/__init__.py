"""Packs as an administrator handles them over HTTP: what can be pulled, pulling, loading, removing."""
