"""Face-swap engines behind one interface."""
