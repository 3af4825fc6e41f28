"""A cost model of evacuation: primitives fitted to collections, and the effect of a changed kernel."""
