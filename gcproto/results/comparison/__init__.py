"""Comparing two runs: what is alike, the effects, and known changes of the program."""
