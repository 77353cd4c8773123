"""The packs of a gallery: what they cover, filling them in, trying one out beside another, changing over."""
