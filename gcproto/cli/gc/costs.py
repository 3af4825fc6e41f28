"""What the cost model is fitted on: paths and heaps, measured now."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gcproto.experiments.frame import Progress
    from gcproto.results.schema import Result

WORKLOADS = ("prefix", "sparse", "trees", "lru")
ROUNDS = 15
HEAP_ROUNDS = 7
LIVE = 32 << 20
PINNED = 4 << 20
"""So much may be pinned by default (RLIMIT_MEMLOCK)."""
MEMORIES = ("small", "64k", "1m", "2m")


def experiments() -> "list[Callable[[Progress], Result]]":
    """All that a fit needs; what this machine can't do is refused before anything is measured.

    Raises:
        GcprotoError: it can't.

    """
    from gcproto.experiments.heap_machine import see_that_it_may
    from gcproto.experiments.paths import bench
    from gcproto.experiments.paths.grid import Choice
    from gcproto.experiments.policies.run import PolicyParameters, check, run
    from gcproto.heap.folios import parse_memory
    from gcproto.host import probes
    from gcproto.host.machine import choose_cpus

    probes.require_sigbus()
    probes.require_move("a fit needs moves")
    alone = PolicyParameters(
        workloads=list(WORKLOADS),
        memories=[parse_memory(name) for name in MEMORIES],
        policies=["move", "copy-large", "split-ahead", "whole", "auto"],
        live_bytes=LIVE,
        rounds=HEAP_ROUNDS,
        verify=True,
    )
    beside = PolicyParameters(
        workloads=list(WORKLOADS),
        memories=[parse_memory(name) for name in ("small", "64k")],
        policies=["move", "copy-large", "auto"],
        live_bytes=LIVE,
        rounds=HEAP_ROUNDS,
        verify=True,
        threads=2,
    )
    threads = [1, 2] if choose_cpus()[1] >= 0 else [1]
    heaps = (alone, beside)[: len(threads)]
    for wanted in heaps:
        see_that_it_may(wanted.memories)
        check(wanted)
    if len(threads) == 1:
        click.echo(
            "gcproto: one processor: no TLB of another can be flushed, and what that costs is not fitted", err=True
        )
    every = Choice(
        sources=["small", "mthp-64k", "mthp-1m", "thp"],
        arms=["move", "copy", "copy_discard"],
        granules=["64k", "1m", "2m"],
        threads=threads,
    )
    refused = Choice(sources=["pinned"], arms=["move", "move_fallback"], granules=["64k"], threads=[1], memory=PINNED)

    def path(choice: Choice) -> "Callable[[Progress], Result]":
        return lambda progress: bench.run(bench.PathParameters(choice, rounds=ROUNDS), progress)

    def heap(wanted: PolicyParameters) -> "Callable[[Progress], Result]":
        return lambda progress: run(wanted, progress)

    return [*map(path, (every, refused)), *map(heap, heaps)]


def costs_of_this_host() -> "list[Result]":
    """All of `experiments`, on a host of a cluster."""
    return [one(lambda _done, _total: None) for one in experiments()]


def not_measured(results: "list[Result]") -> Iterator[str]:
    """What the experiments omitted, in words."""
    for skip in (skip for result in results for skip in result.skips):
        yield f"not measured: {skip.what}: {skip.reason}"
