"""A heap dump in words and tables, the same on a terminal and on a page."""

from collections.abc import Sequence

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.results.schema import Inspection, PolicyTime

Rows = Sequence[tuple[str, ...]]
MIB = 1 << 20


def lines(one: Inspection) -> list[str]:
    """What it is, what was changed, and what the model would choose."""
    live = one.live_bytes / one.bytes if one.bytes else 0.0
    found = [
        f"{one.source}: {counted(one.objects, 'object')} in {one.bytes / MIB:.1f} MiB, "
        f"{one.live_objects:,} of them live in {one.live_bytes / MIB:.1f} MiB ({live:.1%}); "
        f"{counted(one.roots, 'root')}.",
        f"{counted(one.references, 'reference')} of live objects, {one.across:,} of them to another page.",
        f"{counted(one.pages, 'page')} of {labels.size(one.page_bytes)} with an object, {one.empty} of them without a "
        f"live byte. The dense prefix ({one.dense_permille / 10:g} % live) has {counted(one.prefix, 'page')}.",
    ]
    best: dict[str, PolicyTime] = {}
    for time in one.times:
        best.setdefault(time.memory, time)
    found += [
        f"On {memory} folios the model would choose {time.policy}: {time.ms:.2f} ms from flip to drain. "
        f"Its largest error for a workload that the fit omitted is {time.error:.0%}."
        for memory, time in best.items()
    ]
    if one.unpredicted:
        found.append(f"No time is predicted: {one.unpredicted}.")
    return [*found, *(f"Changed: {change}." for change in one.changes)]


def tables(one: Inspection) -> list[tuple[str, Sequence[str], Rows]]:
    """Tables, each with its title and its heads."""
    found: list[tuple[str, Sequence[str], Rows]] = [
        ("Pages by their live bytes", ("live", "pages", "share"), _histogram(one)),
        ("Runs of dense pages", ("pages up to", "runs"), [(str(size), str(n)) for size, n in one.runs.items()]),
        (
            "Granules that could be moved whole",
            ("granule", "with an object", "dense", "share of live bytes"),
            [
                (labels.size(each.bytes), str(each.granules), str(each.whole), f"{each.live_share:.1%}")
                for each in one.granules
            ],
        ),
    ]
    if one.times:
        rows = [(each.memory, each.policy, f"{each.ms:.2f}", f"{each.error:.0%}") for each in one.times]
        found.append(("Predicted time from flip to drain", ("folios", "policy", "ms", "error"), rows))
    return [table for table in found if table[2]]


def _histogram(one: Inspection) -> Rows:
    names = ["none", *(f"up to {step}0 %" for step in range(1, 10)), "less than all", "all"]
    total = max(1, sum(one.histogram))
    return [(name, str(count), f"{count / total:.1%}") for name, count in zip(names, one.histogram, strict=True)]
