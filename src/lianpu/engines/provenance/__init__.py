"""Marks that say where a picture comes from: visible label, metadata, signed manifest and invisible id."""
