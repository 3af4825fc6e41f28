"""Predictions as tables: of heaps, of their other sizes, and of what a proposal would change."""
