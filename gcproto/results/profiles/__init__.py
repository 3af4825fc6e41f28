"""Profiles by function, read: their events, and what explains the difference of two."""
