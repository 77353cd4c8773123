"""Photo enhancement: photos and archives of photos come in, better ones go out once, and nothing of them is kept."""
