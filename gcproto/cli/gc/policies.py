"""``gcproto gc policies``: what to do with large folios, measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.gc.folios import FOLIOS
from gcproto.cli.gc.recordings import DUMP, SCALES, recorded
from gcproto.cli.kit.cluster import ClusterOptions, cluster_options, measure_on_each_host, show_hosts
from gcproto.cli.kit.options import refuse_without_effect, takes
from gcproto.cli.kit.output import ResultOptions, deliver, result_options
from gcproto.cli.kit.params import PERCENT, ROUNDS, SEED, FilePath, Size, Whole, Words
from gcproto.cli.kit.progress import progress_bar
from gcproto.cli.kit.renamed import Renamed
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from gcproto.experiments.frame import Progress
    from gcproto.results.policy_cells import Cell
    from gcproto.results.schema import Result

EBUSY_ANSWERS = ("copy", "touch", "backoff")
WORKLOADS = ("prefix", "sparse", "trees", "lru", "graph", "arrays", "dump")


def _policies() -> list[str]:
    from gcproto.collector.modes import MODES
    from gcproto.collector.policies import POLICIES

    return [*POLICIES, *(name for name in MODES if name not in {*POLICIES, "none"})]


@dataclass(frozen=True, kw_only=True)
class Options(ClusterOptions, ResultOptions):
    """Options of ``gcproto gc policies``."""

    workloads: list[str]
    memory: list[str]
    policies: list[str]
    live: int
    recording: Path | None
    scale: str
    rounds: int
    verify: bool
    ebusy: list[str]
    swapped: int
    device: str
    threads: str
    collections: int
    objective: str
    seed: int
    fail_above: float | None


@click.command(name="policies")
@click.option(
    "--workloads",
    type=Words("workload", WORKLOADS),
    default="prefix,sparse,trees",
    show_default=True,
    help="Contents of the heaps.",
)
@click.option(
    "--memory",
    type=FOLIOS,
    default="small,64k,1m,2m",
    show_default=True,
    help="Folios of the heaps (needs root).",
)
@click.option(
    "--policies",
    type=Words("policy", _policies),
    default="move,copy-large,split-ahead,whole,auto",
    show_default=True,
    help="Policies to compare (gcproto gc --explain lists them); modes can be named as well.",
)
@click.option("--live", type=Size(1 << 20), default="64m", show_default=True, help="Live set of a heap.")
@click.option("--recording", type=FilePath(dir_okay=False), help="Heap dump for the workload dump (see gcproto gc).")
@click.option(
    "--scale",
    type=click.Choice(SCALES),
    default="1",
    show_default=True,
    help="Multiply addresses and sizes of a dump (see gcproto gc).",
)
@click.option("--rounds", "--runs", cls=Renamed, type=ROUNDS, default=7, show_default=True, help="Measured rounds.")
@click.option("--verify", is_flag=True, help="Check every collection: contents, references, account of pages.")
@click.option(
    "--ebusy",
    type=Words("answer", EBUSY_ANSWERS),
    default="copy",
    show_default=True,
    help="Answers to EBUSY: copy, touch, backoff.",
)
@click.option(
    "--swapped",
    type=Whole(0, 100),
    default=0,
    show_default=True,
    help="Percent of the pages that are swapped out before.",
)
@click.option(
    "--device",
    type=click.Choice(["zram", "loop"]),
    default="zram",
    show_default=True,
    help="Swap device; a loop device leaves folios in the swap cache.",
)
@click.option(
    "--threads",
    type=click.Choice(["1", "2"]),
    default="1",
    show_default=True,
    help="Live threads. With 2 the TLB of another processor is flushed as well.",
)
@click.option(
    "--collections",
    type=Whole(1, 1000),
    default=1,
    show_default=True,
    help="Collections of each heap; the last is measured. Earlier ones split or restore folios.",
)
@click.option(
    "--objective",
    type=click.Choice(["mutators", "flip", "total"]),
    default="mutators",
    show_default=True,
    help="What auto minimises.  mutators: time from flip to drain, and interruptions.  flip: that time alone.  "
    "total: the collector's time before and after the flip.",
)
@click.option("--seed", type=SEED, default=1, show_default=True, help="Seed for graphs and orders.")
@click.option(
    "--fail-above",
    type=PERCENT,
    help="Exit with 1 if auto takes this much longer than the best fixed policy on any heap.  The test takes "
    "the median ratio of their rounds, with an interval above 1.",
)
@cluster_options("Measure on each host of a Dask cluster instead of here; each has a result of its own.")
@result_options
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Collect heaps without running mutators, by each evacuation policy, on memory of each kind of folios.

    The table shows the time from flip to drain for each evacuated page.  Folios are split ahead before the flip, and
    THPs are restored after the drain.  Both times have columns of their own.
    """
    from gcproto.results.store import prepare

    if options.fail_above is not None and ("auto" not in options.policies or len(options.policies) < 2):
        raise GcprotoError(
            "--fail-above compares auto with the others", why="--policies has no such two", code=ExitCode.USAGE
        )
    if not options.swapped:
        refuse_without_effect(("device",), "no page is swapped out", "give --swapped as well, or omit it")
    if "auto" not in options.policies:
        refuse_without_effect(("objective",), "it is for policy auto, which --policies does not name")
    if options.workloads == [DUMP]:
        refuse_without_effect(("live",), "the dump says it")
    if options.dask:
        _measure_there(ctx, options)
        return
    see_that_it_can()
    prepare(options.out)
    with progress_bar() as progress:
        result = measure(options, progress)
    deliver(ctx, result, options)
    if options.fail_above is not None and not _auto_is_good(result, options.fail_above):
        ctx.exit(ExitCode.NO)


def see_that_it_can() -> None:
    """See that heaps can be collected here.

    Raises:
        GcprotoError: they can't.

    """
    from gcproto.host import probes

    probes.require_sigbus()
    probes.require_move("nothing else is measured here")


def measure(options: Options, progress: "Progress") -> "Result":
    """Measure here.

    Args:
        options: of the command.
        progress: is told of rounds.

    Raises:
        GcprotoError: this machine can't, or the recording is unusable.

    """
    from gcproto.experiments.policies.run import PolicyParameters, run
    from gcproto.heap.folios import parse_memories

    wanted = PolicyParameters(
        workloads=options.workloads,
        memories=parse_memories(options.memory),
        policies=options.policies,
        live_bytes=options.live,
        rounds=options.rounds,
        seed=options.seed,
        verify=options.verify,
        ebusy=tuple(options.ebusy),
        swapped=options.swapped * 10,
        device=options.device,
        threads=int(options.threads),
        collections=options.collections,
        objective=options.objective,
    )
    of = DUMP if DUMP in options.workloads else options.workloads[0]
    with recorded(of, options.recording, 1, int(options.scale)) as recording:
        wanted.recording, wanted.used_bytes, wanted.dump_live_bytes = recording.file, recording.used, recording.live
        wanted.recording_name = recording.name
        return run(wanted, progress)


def measure_alone(options: Options) -> "list[Result]":
    """Measure on a host of a cluster, see `measure`."""
    see_that_it_can()
    return [measure(options, lambda _done, _total: None)]


def _measure_there(ctx: click.Context, options: Options) -> None:
    from gcproto.cli.kit.terminal import console
    from gcproto.report.terminal.tables import print_result

    found = measure_on_each_host(options, options, [("", partial(measure_alone, options))])
    show_hosts(found, options, lambda result: print_result(result, console()))
    well = True
    if options.fail_above is not None:
        for result in found.every:
            well &= _auto_is_good(result, options.fail_above)
    found.close(ctx, options, well=well)


def _auto_is_good(result: "Result", percent: float) -> bool:
    """Whether no heap objects; what objects, or how far auto was tested, is said."""
    from gcproto.report.terminal.collector.policies import heap_text
    from gcproto.results.policy_cells import cells, objective_of
    from gcproto.results.series import page_size_of

    found = [(cell, cell.objection(percent / 100)) for cell in cells(result.measurements, objective_of(result))]
    bad = [f"{heap_text(cell, page_size_of(result))}: {objection}" for cell, objection in found if objection]
    for line in bad:
        click.echo(f"gcproto: {line}", err=True)
    if not bad:
        click.echo(auto_is_good([cell for cell, _ in found], percent), err=True)
    return not bad


def auto_is_good(found: "Sequence[Cell]", percent: float) -> str:
    """What may be said where no heap objects: a heap on which all policies chose the same has not tested auto.

    Args:
        found: heaps.
        percent: that auto may take more.

    """
    tested = [cell for cell in found if not cell.alike]
    same = len(found) - len(tested)
    from gcproto.results.policy_cells import noise_of

    noise = noise_of(found)
    floor = f"; policies that chose the same differ by up to {noise:.1%} (A/A)" if noise is not None else ""
    untested = f"auto was not tested on {counted(same, 'heap')}, where all policies chose the same" if same else ""
    if not tested:
        return untested + floor
    most = max(cell.to_best.value for cell in tested if cell.to_best)
    on = f"on {counted(len(tested), 'heap')} auto takes at most {most:.2f} times what the best fixed policy does"
    return "; ".join(one for one in (f"{on} (medians; allowed are {percent:g} % more)", untested) if one) + floor
