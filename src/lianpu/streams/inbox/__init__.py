"""The unknown inbox: faces that streams could not name, gathered by person until somebody names or purges them."""
