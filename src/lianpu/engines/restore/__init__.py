"""Face restoration and upscaling of photos, with the identity measured."""
