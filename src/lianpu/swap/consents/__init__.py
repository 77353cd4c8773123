"""Whose face may be used for what, until when, and who said so."""
