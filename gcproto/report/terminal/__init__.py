"""Results on a terminal: a table of each kind, and its summary."""
