"""Heap dumps of real JVM programs."""
