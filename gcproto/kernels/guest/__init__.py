"""A guest: its machine, its files, its script, and what it said."""
