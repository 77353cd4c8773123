"""Users' own images and the inference on them."""
