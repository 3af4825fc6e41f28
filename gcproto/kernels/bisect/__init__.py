"""Bisection of a cost: over the commits of a kernel tree, or over the patches of a series."""
