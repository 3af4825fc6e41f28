"""Results on a terminal: a table of each kind, and what it comes to."""
