"""A home folder as one file, taken while the server runs, and put back in its place."""
