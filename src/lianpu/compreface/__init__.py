"""CompreFace's REST API over this gallery, for programs that were written for it."""
