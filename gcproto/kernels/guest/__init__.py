"""A guest: its machine, its files, its script, and its output."""
