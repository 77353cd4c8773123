"""What one node alone may do at a time: leases in the database, and work that only their holder does."""
