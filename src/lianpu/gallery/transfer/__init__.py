"""Transfer: a gallery, or a part of it, as one signed file that another installation can take in."""
