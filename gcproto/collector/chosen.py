"""What an evacuation policy chose, as readers of results compare it: equal choices are the same work."""

from gcproto.collector.modes import COPY, Mode
from gcproto.heap.folios import Memory


def chosen(mode: Mode, memory: Memory) -> dict[str, str]:
    """The choice that stands in a mode, as far as it makes a difference on this memory.

    Args:
        mode: with the policy's choice applied.
        memory: folios of the heap; where none is large, what is done with large ones is no difference.

    Returns:
        by name; nothing for a mode that does not move, where no policy has a choice.

    """
    if not mode.moves:
        return {}
    found = {"granule": str(mode.granule)}
    if memory.order != 0:
        found |= {
            "large folios": "copied" if mode.large_by == COPY else "moved",
            "moved whole": str(mode.whole),
            "split ahead": "yes" if mode.split_ahead else "no",
            "restored": "yes" if mode.restore else "no",
            "renewed": "yes" if mode.renew else "no",
        }
    return found
