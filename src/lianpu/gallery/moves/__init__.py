"""Images and persons change hands, or go for good."""
