"""Consistency: whether database, files and indexes agree, and the mending of what can be mended without loss."""
