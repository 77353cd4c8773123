"""Jobs: everything that takes long, kept in a table so that nothing is lost when the process is."""
