"""Profiles by function: a plugin counts what guests execute in their timed regions."""
