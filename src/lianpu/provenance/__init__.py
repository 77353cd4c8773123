"""Where a picture comes from: labels put on outputs, and read back."""
