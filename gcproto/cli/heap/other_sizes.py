"""``gcproto predict --heap-mib`` and ``--dump``: heaps of other sizes than those that are measured."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gcproto.cli.kit.output import keep_part
from gcproto.cli.kit.progress import progress_bar
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gcproto.model.scale import Scale, Shape
    from gcproto.results.schema import Result

WORKLOADS = ("sparse", "trees")
COMPARED = ("move", "copy")
SMALLEST = 32 << 20
"""Live bytes of the smallest heap that is collected; its objects take about twice as much."""
ROUNDS, ROUNDS_OF_LARGE, LARGE = 5, 2, 1 << 30
TIMEOUT = 300.0


@dataclass(frozen=True)
class Asked:
    """What is to be predicted.

    Attributes:
        mib: size of a heap, or None where ``dump`` says it;  live_share: of it.
        dump: a heap dump;  processors: that threads of the program run on.
        up_to: bytes of the largest heap that is collected now.

    """

    mib: float | None
    live_share: float
    dump: Path | None
    processors: int
    up_to: int


def predict_heap(asked: Asked, files: "Sequence[Path]", out: Path) -> "Scale":
    """Predict a heap.

    Args:
        asked: what.
        files: results of ``gcproto gc policies``; empty: heaps are collected now.
        out: folder for results that are measured now.

    """
    from gcproto.model.scale import scale
    from gcproto.results.store import load

    shape = _of_dump(asked.dump) if asked.dump else None
    results = [load(path) for path in files] or _measured(asked, out)
    return scale(results, shape or _of_size(asked, results), asked.processors)


def _of_dump(dump: Path) -> "Shape":
    from gcproto.dumps.density import density_of
    from gcproto.dumps.inspect import load_of
    from gcproto.dumps.read import read
    from gcproto.heap.pages import PAGE_WORDS
    from gcproto.model.scale import Shape

    graph = read(dump)
    density = density_of(graph)
    in_place, built, objects = map(float, load_of(graph, density))
    return Shape(float(len(density.live)), float(density.live.sum()) / PAGE_WORDS, in_place, built, objects)


def _of_size(asked: Asked, results: "Sequence[Result]") -> "Shape":
    """A heap whose live objects are as large as those of the results, none of them in a dense prefix."""
    from gcproto.model.scale import Shape, object_bytes
    from gcproto.results.series import page_size_of

    size = object_bytes(results)
    if asked.mib is None or not size:
        raise GcprotoError("no heap is asked for, or none was measured", code=ExitCode.USAGE)
    page = page_size_of(results[0])
    used = asked.mib * (1 << 20) / page
    live = used * asked.live_share
    return Shape(used, live, 0.0, live, live * page / size)


def _measured(asked: Asked, out: Path) -> "list[Result]":
    """Collect heaps of a ladder of sizes now, and keep the results."""
    from gcproto.experiments.policies.run import PolicyParameters, check, run
    from gcproto.heap.folios import parse_memories
    from gcproto.host import probes
    from gcproto.results.store import prepare

    probes.require_sigbus()
    probes.require_move("a fit needs moves")
    ladder = []
    live = SMALLEST
    while 2 * live <= asked.up_to:
        wanted = PolicyParameters(
            workloads=list(WORKLOADS),
            memories=parse_memories(["small"]),
            policies=list(COMPARED),
            live_bytes=live,
            rounds=ROUNDS if live < LARGE else ROUNDS_OF_LARGE,
            threads=min(2, asked.processors),
            timeout=TIMEOUT,
        )
        check(wanted)
        ladder.append(wanted)
        live *= 2
    prepare(out)
    results = []
    for wanted in ladder:
        with progress_bar() as progress:
            result = run(wanted, progress)
        results.append(result)
        keep_part(result, out)
    return results
