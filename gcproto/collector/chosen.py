"""What an evacuation policy chose, as readers of results compare it: equal choices are the same work."""

from gcproto.collector.modes import COPY, Mode
from gcproto.heap.folios import Memory
from gcproto.results.schema import PolicyChoice


def chosen(mode: Mode, memory: Memory) -> PolicyChoice | None:
    """The choice in a mode, as far as it matters for this memory.

    Args:
        mode: with the policy's choice applied.
        memory: folios of the heap; if none is large, the choices for large ones do not matter.

    Returns:
        None for a mode that does not move, where no policy has a choice.

    """
    if not mode.moves:
        return None
    if memory.order == 0:
        return PolicyChoice(granule=mode.granule)
    return PolicyChoice(
        granule=mode.granule,
        large_by="copied" if mode.large_by == COPY else "moved",
        whole=mode.whole,
        split_ahead=mode.split_ahead,
        restore=mode.restore,
        renew=mode.renew,
    )
