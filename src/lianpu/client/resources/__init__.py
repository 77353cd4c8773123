"""Calls of the API, one file a noun: each describes its requests once, for both clients."""
