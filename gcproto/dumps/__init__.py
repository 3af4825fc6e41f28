"""Heap dumps of other runtimes: read as a graph of objects at their addresses, described, and rebuilt in our heap."""
