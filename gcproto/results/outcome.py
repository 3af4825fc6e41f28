"""Outcome of pages and answers of the kernel, from the accounts of the collector and the faults."""

from collections.abc import Iterable

from gcproto.results.schema import MapAccount, Outcome


def outcome_of(accounts: Iterable[MapAccount], asked: int | None = None, splits: int = 0) -> Outcome:
    """The outcome of all accounts together.

    Args:
        accounts: of collectors and faults, in valid rounds.
        asked: pages; None: as many as are in place.
        splits: folios that were split meanwhile.

    """
    found = Outcome(splits=splits)
    for one in accounts:
        found.moved += one.moved
        found.remapped += one.remapped
        found.copied += one.copied
        found.copied_after_ebusy += one.copied_after_ebusy
        found.zeroed += one.zeroed
        found.ebusy += one.ebusy
        found.eagain += one.eagain
        found.eexist += one.lost
        found.enoent += one.enoent
        found.short += one.short_results
        found.calls += one.calls
    done = found.moved + found.remapped + found.copied + found.copied_after_ebusy + found.zeroed
    found.asked = done if asked is None else asked
    return found
