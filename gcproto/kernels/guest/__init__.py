"""A guest: its machine, its files, its plan, and what it said."""
