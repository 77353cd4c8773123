"""Face swaps: by consent, always labelled, off by policy."""
