"""A heap dump as a result has it."""

from pathlib import Path

import numpy as np

from gcproto.dumps.density import Density
from gcproto.dumps.graph import Graph
from gcproto.dumps.words import read_changes
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.results.schema import GranuleShare, Inspection

DENSE = 950
"""Per mille: ART's threshold (kBlackDenseRegionThreshold), and that of all modes."""
GRANULES = (PAGE_BYTES, 64 << 10, 2 << 20)


def inspect(path: Path, graph: Graph, density: Density) -> Inspection:
    """Describe a dump.

    Args:
        path: of the file.
        graph: of it.
        density: of its pages.

    """
    granules = []
    for size in GRANULES:
        count, whole, share = density.whole(size // PAGE_BYTES, DENSE)
        granules.append(GranuleShare(size, count, whole, share))
    used = density.used > 0
    return Inspection(
        file=path.name,
        source=graph.source,
        layout=graph.layout,
        objects=graph.objects,
        live_objects=int(np.count_nonzero(graph.live)),
        bytes=graph.bytes,
        live_bytes=graph.live_bytes,
        references=density.references,
        across=density.across,
        roots=len(graph.roots),
        page_bytes=PAGE_BYTES,
        pages=int(np.count_nonzero(used)),
        empty=int(np.count_nonzero(used & (density.live == 0))),
        histogram=density.histogram(),
        dense_permille=DENSE,
        prefix=density.prefix(DENSE),
        runs=density.runs(DENSE),
        granules=granules,
        changes=list(read_changes(graph)),
    )


def load_of(graph: Graph, density: Density) -> tuple[int, int, int]:
    """What a collection by single pages has to do.

    Args:
        graph: of a dump.
        density: of its pages.

    Returns:
        pages of the dense prefix, pages that the other live objects are built on, and how many of these there are.

    """
    prefix = density.prefix(DENSE)
    rest = int(density.live[prefix:].sum(dtype=np.int64))
    total = int(density.live.sum(dtype=np.int64))
    objects = int(np.count_nonzero(graph.live))
    return prefix, -(-rest // PAGE_WORDS), round(objects * rest / max(1, total))
