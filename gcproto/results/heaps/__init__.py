"""Heaps beside each other: modes in the cells of a grid, and why two modes differ."""
