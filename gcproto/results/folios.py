"""Which folios a collection moved whole, from its counts."""

from gcproto.results.schema import Collection


def kept_whole(cycle: Collection, order: int) -> int:
    """Folios that moves took whole and the kernel did not split.

    Splits are counted over the whole collection.  Without splitting ahead they are of folios that a move took; a policy
    that splits ahead splits either those that it then moves, which are as many, or others.

    Args:
        cycle: the collection.
        order: of the folios that the heap's memory is made of; 0: there are none.

    """
    if not order:
        return 0
    accounts = (cycle.collector, cycle.faults)
    taken = sum(account.get("whole", 0) for account in accounts) >> order
    split = cycle.splits.get(str(order), 0)
    if "split" in cycle.phases:
        return 0 if split >= taken else taken
    return max(0, taken - split)
