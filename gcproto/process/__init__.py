"""The process itself: signals, standard streams, limits, and how it ends."""
