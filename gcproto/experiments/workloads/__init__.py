"""Whole workloads on heaps: modes of collecting compared."""
