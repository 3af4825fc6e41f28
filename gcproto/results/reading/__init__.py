"""Checks between a file and the program: texts neutralised, numbers in bounds, no contradiction."""
