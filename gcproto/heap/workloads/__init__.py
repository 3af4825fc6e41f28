"""Workloads: what mutators do.  Each one is three compiled functions: set up, run, check the remaining objects."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gcproto.heap.workloads.knobs import Knobs

NAMES = {
    "trees": "binary trees, a long-lived one and short-lived ones (GCBench)",
    "lru": "a cache whose entries come and go in order of use",
    "graph": "a graph and linked lists whose edges are shuffled",
    "arrays": "large arrays, of data and of references",
    "sparse": "waves of small objects, of which a chosen share stays on each page",
    "prefix": "old objects that stay, and young ones on top that die",
    "replay": "a recorded allocation trace",
    "dump": "a heap dump of another runtime, rebuilt",
}
DEFAULT = "trees"


@dataclass(frozen=True)
class Workload:
    """A workload.

    Args:
        name: one of NAMES.
        text: description.
        setup, run, check: compiled, of (address of the mutator, parameters); see ``knobs``.  ``run`` records its end
            (gcproto.heap.mutator.ended).

    """

    name: str
    text: str
    setup: Callable[[int, NDArray[np.int64]], int]
    run: Callable[[int, NDArray[np.int64]], int]
    check: Callable[[int, NDArray[np.int64]], int]

    def parameters(self, knobs: Knobs, recording: str) -> NDArray[np.int64]:
        """The parameters as compiled code takes them: the knobs, then the recording to replay, or where the heap is.

        Args:
            knobs: of the mutator.
            recording: file of the trace, or of the rebuilt heap (``dump_file``).

        """
        if self.name == "dump":
            from gcproto.heap.workloads.dump_file import mapped

            return np.concatenate([knobs.array(), [mapped(recording).ctypes.data]]).astype(np.int64)
        if self.name != "replay":
            return knobs.array()
        from gcproto.heap.workloads.recording import load

        found = load(Path(recording))
        return np.concatenate([knobs.array(), [found.slots, len(found.events)], found.events.ravel()]).astype(np.int64)


def workload(name: str) -> Workload:
    """A workload by name; its module is imported now."""
    module = import_module(f"gcproto.heap.workloads.{name}")
    return Workload(name, NAMES[name], module.setup, module.run, module.check)
