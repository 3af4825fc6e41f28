"""``gcproto heap inspect``: a heap dump, page by page."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.gc.folios import FOLIOS
from gcproto.cli.kit.options import takes
from gcproto.cli.kit.output import ResultOptions, deliver, keep, result_options
from gcproto.cli.kit.params import FilePath, Once
from gcproto.cli.kit.progress import progress_bar
from gcproto.errors import GcprotoError
from gcproto.process import interrupts

if TYPE_CHECKING:
    from gcproto.model.standing import Load
    from gcproto.results.schema import PolicyTime, Result

WORKLOADS = ("prefix", "sparse", "trees", "lru", "graph")
ALWAYS = ("move", "copy")
ON_LARGE = ("copy-large", "split-ahead")
LIVE = 16 << 20
ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class Options(ResultOptions):
    """Options of ``gcproto heap inspect``."""

    file: Path
    fit: tuple[Path, ...]
    predict: bool
    memory: list[str]


@click.command(name="inspect")
@click.argument("file", type=FilePath(exists=True, dir_okay=False))
@click.option(
    "--fit",
    type=FilePath(exists=True, dir_okay=False),
    multiple=True,
    callback=Once("file", Path.absolute),
    help="Results of gcproto gc policies that the prediction is fitted on, instead of heaps that are collected now.",
)
@click.option("--predict/--no-predict", default=True, show_default=True, help="Predict the time after the flip.")
@click.option(
    "--memory",
    type=FOLIOS,
    default="small",
    show_default=True,
    help="Folios of the heaps that are collected now: small, 64k, 2m (others than small need root).",
)
@result_options
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Describe a heap dump page by page: HPROF of HotSpot or ART, plain or gzipped, or JSON Lines.

    The command says where live bytes are, and what could be moved whole.  Five small heaps of other workloads are
    collected now, in some seconds.  From them it predicts the time after the flip for each policy, and its error.
    """
    from gcproto.dumps.density import density_of
    from gcproto.dumps.inspect import inspect, load_of
    from gcproto.dumps.read import read
    from gcproto.model.standing import Load
    from gcproto.record import Record
    from gcproto.results.schema import DumpExperiment, with_fields
    from gcproto.results.store import prepare

    prepare(options.out)
    graph = read(options.file)
    density = density_of(graph)
    found = inspect(options.file, graph, density)
    load = Load(*map(float, load_of(graph, density)))
    del graph
    times, why = _times(options, load)
    found = with_fields(found, times=times, unpredicted=why)
    result = Record().result(DumpExperiment(options.file.name), [], [], seed=1, complete=True)
    result.inspection = found
    deliver(ctx, result, options)


def _times(options: Options, load: "Load") -> "tuple[list[PolicyTime], str]":
    """Predicted times, or why there are none."""
    from gcproto.model.standing import LEAST_WORKLOADS, times
    from gcproto.results.store import load as read_result

    if not options.predict:
        return [], "--no-predict"
    try:
        results = [read_result(path) for path in options.fit] or [_measured(options)]
    except GcprotoError as error:
        if options.fit:
            raise
        return [], error.what + (f" ({error.why})" if error.why else "")
    found = times(results, load)
    least = f"the results hold fewer than {LEAST_WORKLOADS} workloads of gcproto gc policies with one thread"
    return found, "" if found else least


def _measured(options: Options) -> "Result":
    """Collect heaps of other workloads now, and keep the result."""
    from gcproto.experiments.policies.run import PolicyParameters, run
    from gcproto.heap.folios import parse_memories
    from gcproto.host import probes

    probes.require_sigbus()
    probes.require_move("a prediction needs moves")
    memories = parse_memories(options.memory)
    large = ON_LARGE if any(one.order for one in memories) else ()
    wanted = PolicyParameters(
        workloads=list(WORKLOADS),
        memories=memories,
        policies=[*ALWAYS, *large],
        live_bytes=LIVE,
        rounds=ROUNDS,
    )
    with progress_bar() as progress:
        result = run(wanted, progress)
    click.echo(f"heaps that the prediction is fitted on: {keep(result, options.out)}", err=True)
    if not result.producer.complete:
        raise KeyboardInterrupt
    interrupts.resume()
    return result
