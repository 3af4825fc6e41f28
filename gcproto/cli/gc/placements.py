"""The option ``--placement``: where collector and mutators run, and what is said where processors are too few."""

from collections.abc import Collection, Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING

import click

from gcproto.cli.kit.params import Words

if TYPE_CHECKING:
    from gcproto.experiments.placement import Placement

NAMES = ("own", "shared", "unplaced")
OPTION = click.option(
    "--placement",
    type=Words("placement", NAMES),
    help="Processor of the collector: own (without mutators), shared (with a mutator), unplaced (the scheduler "
    "decides).  [default: own, and for windows shared as well; unplaced on one processor]",
)


def default_mutators() -> int:
    """One for each processor but the collector's."""
    from gcproto.experiments.placement import allowed

    return max(1, len(allowed()) - 1)


def placements(asked: Sequence[str] | None, mutators: Iterable[int], default: Sequence[str]) -> "list[Placement]":
    """Those that were asked for, or the default ones; refused where this machine has too few processors.

    Args:
        asked: names of the option; None: the default ones.
        mutators: numbers of threads that use the heap.
        default: names for a machine with two processors or more.

    Raises:
        GcprotoError: one is impossible here.

    """
    from gcproto.experiments.placement import Placement, allowed, cpus_for

    usual = default if len(allowed()) > 1 else ("unplaced",)
    found = [Placement(name) for name in asked or usual]
    for one, number in product(found, mutators):
        cpus_for(one, number)
    return found


def say_if_crowded(mutators: int, handlers: Collection[bool] = (False,)) -> None:
    """Say that more threads want to run than there are processors: the scheduler is measured as well.

    Args:
        mutators: threads beside the collector's.
        handlers: of each way that is measured, whether another thread answers its faults.

    """
    from gcproto.experiments.placement import allowed, oversubscribed

    counts = {mutators + 1 + handler for handler in handlers}
    crowded = sorted(count for count in counts if oversubscribed(count))
    if not crowded:
        return
    least, most = crowded[0], crowded[-1]
    on = "1 processor" if len(allowed()) == 1 else f"{len(allowed())} processors"
    text = f"{least} threads want to run on {on}"
    if len(crowded) > 1:
        text += f" (ways with a handler thread have {most})"
    elif len(counts) > 1:
        text = f"ways with a handler thread have {most} threads that want to run on {on}"
    whose = "their figures" if len(crowded) < len(counts) else "figures"
    click.echo(f"gcproto: {text}: {whose} hold for that, and depend on the scheduler", err=True)
