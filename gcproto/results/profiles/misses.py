"""Which functions miss lines in a profile's model of caches."""

from gcproto.results.schema import FunctionProfile, Profile
from gcproto.sizes import size

LEVELS = ("l1d", "l2", "llc")
"""Fields of a function, in the order of the levels."""
SHOWN = 0.95
"""Share of each level's misses that the leading functions have."""
LEAST = 0.0005
"""Functions that miss fewer lines a page are not listed."""
LEADING = 0.01
"""Of the leading functions each misses at least this many lines a page."""
MODEL = (
    "This is a model, not your machine: data only, one processor, the least recently used line is evicted. There is no "
    "prefetching and no walk of page tables. A miss has no time here: models of times missed by 20 to 100 %."
)


def geometry(profile: Profile) -> str:
    """``L1D 32K in 8 ways, L2 1M in 8 ways, LLC 32M in 16 ways``; "" without a model."""
    return ", ".join(f"{one.name} {size(one.size)} in {one.ways} ways" for one in profile.caches)


def missing(profile: Profile, *, every: bool) -> list[FunctionProfile]:
    """Functions that missed lines, the most last-level misses first, then the most of the levels before it.

    Args:
        profile: with a model.
        every: all of them, not only those that have most of a level's misses.

    """
    listed = [one for one in profile.functions if one.l1d >= LEAST]
    listed.sort(key=lambda one: (-one.llc, -one.l2, -one.l1d, one.name))
    if every:
        return listed
    leading: set[str] = set()
    for level in LEVELS:
        whole = sum(getattr(one, level) for one in listed)
        so_far = 0.0
        for one in sorted(listed, key=lambda one: -getattr(one, level)):
            if so_far >= SHOWN * whole:
                break
            so_far += getattr(one, level)
            leading.add(one.name)
    return [one for one in listed if one.name in leading and one.l1d >= LEADING]
