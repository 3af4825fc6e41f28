"""Runs in guests: cells of the matrix, checks, stress, heaps."""
