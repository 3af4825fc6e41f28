"""The heap: its spaces, its objects, and mutators that allocate in it."""
