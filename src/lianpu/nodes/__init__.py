"""What several processes of one installation tell each other."""
