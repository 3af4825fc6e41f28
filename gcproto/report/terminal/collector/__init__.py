"""Tables of heaps, windows and evacuation policies."""
