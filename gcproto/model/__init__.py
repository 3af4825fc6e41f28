"""A cost model of evacuation: primitives fitted to collections, and what a changed kernel would give."""
