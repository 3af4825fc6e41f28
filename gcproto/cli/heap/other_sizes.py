"""``gcproto predict --heap-mib`` and ``--dump``: heaps of other sizes than those that are measured."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kit.cluster import ClusterOptions, Hosts, measure_on_each_host
from gcproto.cli.kit.output import ResultOptions, echo_json, keep_part
from gcproto.cli.kit.progress import progress_bar
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gcproto.experiments.policies.run import PolicyParameters
    from gcproto.model.scale import Shape
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


def print_heap(asked: Asked, results: "Sequence[Result]", out: Path | None = None, *, as_json: bool) -> bool:
    """Predict a heap and print that.

    Args:
        asked: what.
        results: of ``gcproto gc policies``; empty: heaps are collected now.
        out: folder for results that are measured now.
        as_json: print JSON.

    Returns:
        True: every prediction is as it should be.

    """
    from gcproto.model.scale import scale

    shape = _of_dump(asked.dump) if asked.dump else None
    if not results and out:
        results = _measured(asked, out)
    found = scale(results, shape or _of_size(asked, results), asked.processors, of_dump=shape is not None)
    if as_json:
        from gcproto.results.documents import document

        echo_json(document("predict-heap", found))
        return True
    from gcproto.cli.kit.terminal import console
    from gcproto.report.terminal.predicted.scale import print_scale

    print_scale(found, console())
    return True


def on_hosts(found: Hosts, show: "Callable[[Sequence[Result]], bool]") -> bool:
    """Show what the results of each host come to: each host has a model of its own.

    Args:
        found: the results.
        show: shows those of one host, and says whether they are as they should be.

    Returns:
        Whether those of all hosts are.

    """
    from gcproto.results.facts import host_of

    well = True
    for results in found.results.values():
        if not results:
            continue  # its jobs are lost, and that is said
        try:
            well &= show(results)
        except GcprotoError as error:
            click.echo(f"gcproto: {host_of(results[0])}: {error}", err=True)
            well = False
    return well


def measured_heaps(asked: Asked, options: ClusterOptions, out: ResultOptions) -> Hosts:
    """Collect heaps of a ladder of sizes on each host of a cluster, a job for each size.

    Args:
        asked: what is to be predicted.
        options: that name the cluster.
        out: options of the command.

    """
    parts = [(f"{wanted.live_bytes >> 20} MiB", partial(collect_there, wanted)) for wanted in _ladder(asked)]
    return measure_on_each_host(options, out, parts)


def collect_there(wanted: "PolicyParameters") -> "list[Result]":
    """Collect heaps of one size on a host of a cluster."""
    from gcproto.experiments.policies.run import check, run

    _see_that_it_can()
    check(wanted)
    return [run(wanted, lambda _done, _total: None)]


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
        raise GcprotoError(
            "no heap was collected in these results",
            remedy="give results of `gcproto gc policies` for three sizes at least (--live)",
            code=ExitCode.USAGE,
        )
    page = page_size_of(results[0])
    used = asked.mib * (1 << 20) / page
    live = used * asked.live_share
    return Shape(used, live, 0.0, live, live * page / size)


def _see_that_it_can() -> None:
    from gcproto.host import probes

    probes.require_sigbus()
    probes.require_move("a fit needs moves")


def _ladder(asked: Asked) -> "list[PolicyParameters]":
    """Heaps that are collected now, from small to large.

    Raises:
        GcprotoError: there are too few for a fit.

    """
    from gcproto.experiments.policies.run import PolicyParameters
    from gcproto.heap.folios import parse_memories
    from gcproto.model.scale import LEAST_SIZES
    from gcproto.sizes import MIB

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
        ladder.append(wanted)
        live *= 2
    if len(ladder) < LEAST_SIZES:
        raise GcprotoError(
            f"--up-to leaves {counted(len(ladder), 'size')} of a heap, and a fit needs {LEAST_SIZES}",
            why=f"the smallest heap has {2 * SMALLEST // MIB} MiB, and each next one twice that",
            remedy=f"use --up-to {(2 * SMALLEST << LEAST_SIZES - 1) // MIB}m or more",
            code=ExitCode.USAGE,
        )
    return ladder


def _measured(asked: Asked, out: Path) -> "list[Result]":
    """Collect heaps of a ladder of sizes now, and keep the results."""
    from gcproto.experiments.policies.run import check, run
    from gcproto.results.store import prepare

    ladder = _ladder(asked)
    _see_that_it_can()
    for wanted in ladder:
        check(wanted)
    prepare(out)
    results = []
    for wanted in ladder:
        with progress_bar() as progress:
            result = run(wanted, progress)
        results.append(result)
        keep_part(result, out)
    return results
