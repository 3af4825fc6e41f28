"""``gcproto gc``: workloads on a compacting heap, and the collector's experiments below it."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.gc.effects import see_that_options_take_effect
from gcproto.cli.gc.explain import explain
from gcproto.cli.gc.folios import FOLIOS
from gcproto.cli.gc.live import live_view
from gcproto.cli.gc.placements import OPTION, default_mutators, placements, say_if_crowded
from gcproto.cli.gc.recordings import DUMP, SCALES, Recorded, recorded
from gcproto.cli.kit.groups import LazyGroup, refuse_options
from gcproto.cli.kit.options import takes
from gcproto.cli.kit.output import ResultOptions, deliver, result_options
from gcproto.cli.kit.params import ROUNDS, SEED, Factors, FilePath, Numbers, Size, Whole, Words, seconds
from gcproto.cli.kit.renamed import Renamed
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from rich.console import Console

    from gcproto.collector.modes import Mode
    from gcproto.experiments.workloads.run import WorkloadParameters
    from gcproto.results.schema import ModeOptions, Result

COMMANDS = {
    "grid": "Compare modes in every cell of workload, mutators, placement and memory.",
    "policies": "Compare policies for large folios, on memory of each kind.",
    "window": "Run the window after the flip alone: mutators touch to-space while the collector maps it.",
}
DEFAULT_MODES = "move,art,copy,stw,memmove,none"
OPERATIONS = {
    "trees": 200_000,
    "lru": 600_000,
    "graph": 1_000_000,
    "arrays": 4_000,
    "sparse": 24,
    "prefix": 80_000,
    "replay": 4,
    "dump": 4_000_000,
}
LEAST_LIVE = 1 << 20


def _modes() -> list[str]:
    from gcproto.collector.modes import MODES

    return list(MODES)


def _policies() -> list[str]:
    from gcproto.collector.policies import POLICIES

    return list(POLICIES)


def _disturbances() -> list[str]:
    from gcproto.experiments.session.disturb import KINDS

    return list(KINDS)


class Group(LazyGroup):
    """The commands below ``gcproto gc``."""

    modules = "gcproto.cli.gc."
    texts = COMMANDS


@dataclass(frozen=True, kw_only=True)
class Options(ResultOptions):
    """Options of ``gcproto gc``."""

    workload: str
    modes: list[str]
    live: int
    heap: list[float]
    mutators: list[int] | None
    placement: list[str] | None
    operations: int | None
    mutation: int
    fragmentation: int | None
    rounds: int
    ebusy: str | None
    fault_pages: int | None
    run_pages: int | None
    fault: str | None
    ready: str | None
    early: str | None
    fresh: str | None
    dense: list[int] | None
    regions: str | None
    cut_at_tables: bool | None
    compactors: list[int]
    full_after: int | None
    verify: bool
    disturb: list[str] | None
    page_map: bool
    trace: Path | None
    recording: Path | None
    scale: str
    memory: list[str]
    policies: list[str]
    granule: int | None
    seed: int
    timeout: float
    explain_difference: list[str] | None
    explain: bool


@click.command(name="gc", cls=Group, invoke_without_command=True)
@click.option(
    "--workload",
    type=click.Choice(list(OPERATIONS)),
    default="trees",
    show_default=True,
    help="What mutators do; --explain says its parameters.",
)
@click.option(
    "--modes",
    type=Words("mode", _modes),
    default=DEFAULT_MODES,
    show_default=True,
    help="Ways to collect; --explain lists all.",
)
@click.option(
    "--live",
    type=Size(LEAST_LIVE),
    default="128m",
    show_default=True,
    help="Live set of all mutators together; a recording has its own.",
)
@click.option(
    "--heap",
    type=Factors(1, 1000),
    default="4x",
    show_default=True,
    help="Heap sizes in multiples of the live set; of a dump, in multiples of what its heap uses, live and dead.",
)
@click.option(
    "--mutators",
    type=Numbers(1, 32),
    help="Threads that use the heap, several numbers with commas.  [default: one for each processor but the "
    "collector's]",
)
@OPTION
@click.option(
    "--operations",
    type=Whole(1, 1 << 40),
    help="Steps of all mutators together; the default depends on the workload.",
)
@click.option(
    "--mutation",
    type=Whole(0, 1000),
    default=100,
    show_default=True,
    help="Of 1000 steps, those that mutate; --explain says how.",
)
@click.option(
    "--fragmentation",
    type=Whole(0, 1000),
    help="Of 1000 objects, those that die or vary; --explain says how. [default: 500]",
)
@click.option("--rounds", "--runs", cls=Renamed, type=ROUNDS, default=5, show_default=True, help="Measured rounds.")
@click.option("--ebusy", type=click.Choice(["copy", "touch", "backoff", "mutators-copy"]), help="Answer to EBUSY.")
@click.option("--fault-pages", type=Whole(1, 1 << 16), help="Most pages that a fault evacuates or maps.")
@click.option("--run-pages", type=Whole(0, 1 << 20), help="Pages per ioctl of the collector; 0: no limit.")
@click.option("--fault", type=click.Choice(["copy", "move"]), help="How a fault maps a compacted page that it builds.")
@click.option("--ready", type=click.Choice(["copy", "move"]), help="How a fault maps a page that is ready.")
@click.option("--early", type=click.Choice(["copy", "move"]), help="How a fault maps a page from its own buffer.")
@click.option(
    "--fresh", type=click.Choice(["recycled", "zeropage", "kernel"]), help="Memory for pages without objects."
)
@click.option(
    "--dense",
    type=Numbers(0, 1001),
    help="Live per mille from which a prefix keeps its place; 1001: none does. Of a list, each mode runs with each.",
)
@click.option(
    "--regions",
    type=click.Choice(["granules", "always", "never"]),
    help="Move whole the granules after that prefix that are as dense: those of several pages, always, or never.",
)
@click.option("--cut-at-tables", is_flag=True, default=None, help="End the collector's runs where a page table ends.")
@click.option(
    "--compactors",
    type=Numbers(1, 4),
    default="1",
    show_default=True,
    help="Threads that compact, 1 to 4; of a list, each mode runs with each.",
)
@click.option(
    "--full-after",
    type=Whole(0, 1 << 30),
    help="Young collections after which a full one follows; 0: as ART decides.",
)
@click.option("--verify", is_flag=True, help="Check every collection: contents, references, account of pages.")
@click.option(
    "--disturb",
    type=Words("disturbance", _disturbances),
    help="Provoke EBUSY all the time: pins, pageout (turns swap on).",
)
@click.option("--map", "page_map", is_flag=True, help="Record the outcome of each page: the report's heap map.")
@click.option("--trace", type=FilePath(dir_okay=False), help="Write a time line for Perfetto.")
@click.option(
    "--recording",
    type=FilePath(dir_okay=False),
    help="Allocation trace for the workload replay, or heap dump for the workload dump (HPROF of HotSpot or ART, or "
    "the form of docs/guide/dumps.md).",
)
@click.option(
    "--scale",
    type=click.Choice(SCALES),
    default="1",
    show_default=True,
    help="Multiply addresses and sizes of a dump: 2 makes room for all references of a runtime that compresses them.",
)
@click.option(
    "--memory",
    type=FOLIOS,
    default="small",
    show_default=True,
    help="Folios of the heap: small, 16k ... 1m, 2m (needs root), system.",
)
@click.option(
    "--policies",
    type=Words("policy", _policies),
    default="move",
    show_default=True,
    help="Policies for large folios; --explain lists all.",
)
@click.option("--granule", type=Size(), help="Bytes evacuated at once: 4k ... 2m [default: as the policy says].")
@click.option("--seed", type=SEED, default=1, show_default=True, help="Seed for graphs and orders.")
@click.option("--timeout", type=seconds(), default=600.0, show_default=True, help="Seconds for one run.")
@click.option(
    "--explain-difference",
    type=Words("mode", _modes),
    help="Two modes: why the first takes longer or shorter, as counts times costs with the residual. The second is "
    "measured twice; a difference within theirs is noise.",
)
@click.option("--explain", is_flag=True, help="Say what the workload and the modes do, and exit.")
@result_options
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Run a workload on a compacting heap, collected in several modes, interleaved.

    Each mode runs the same work on the same graph once in every round.  Mode none never collects: it is the baseline of
    the lower-bound overhead.
    """
    if ctx.invoked_subcommand is not None:
        refuse_options(ctx)
        return
    if options.explain:
        explain(options.workload)
        return
    from gcproto.experiments.workloads.run import run
    from gcproto.results.store import prepare

    see_that_options_take_effect(options.modes, options.workload)
    pair = _pair(options)
    mutators = options.mutators or [default_mutators()]
    with recorded(options.workload, options.recording, max(mutators), int(options.scale)) as recording:
        wanted = _wanted(options, mutators, recording)
        prepare(options.out)
        for number in mutators:
            say_if_crowded(number + max(options.compactors) - 1)
        with live_view() as (progress, wanted.status):
            result = run(wanted, progress)
    for path in wanted.traces:
        click.echo(f"trace: {path}", err=True)
    deliver(ctx, result, options, also=partial(_explain_difference, result, pair) if pair else None)


def _pair(options: Options) -> tuple[str, str] | None:
    """The modes that --explain-difference compares."""
    asked = options.explain_difference
    if not asked:
        return None
    if options.as_json:
        raise click.UsageError("--explain-difference prints tables, which --json omits: give one of them")
    if len(asked) != 2 or not set(asked) <= set(options.modes):
        raise GcprotoError(
            "--explain-difference takes two modes that are measured",
            why=f"it has {', '.join(asked)}, --modes has {', '.join(options.modes)}",
            remedy="--modes move,copy --explain-difference move,copy",
            code=ExitCode.USAGE,
        )
    return asked[0], asked[1]


def _explain_difference(result: "Result", pair: tuple[str, str], screen: "Console") -> None:
    from gcproto.report.terminal.collector.explanation import print_explanations

    if not print_explanations(result.measurements, pair, screen):
        click.echo(f"gcproto: no heap has valid rounds of {pair[0]} and {pair[1]}", err=True)


def _wanted(options: Options, mutators: list[int], recording: Recorded) -> "WorkloadParameters":
    from gcproto.collector.modes import MOVE
    from gcproto.experiments.workloads.run import WorkloadParameters
    from gcproto.heap.folios import parse_memories
    from gcproto.host import probes
    from gcproto.process.files import see_that_it_can_be_made

    if options.trace is not None:
        see_that_it_can_be_made(options.trace, "choose another file with --trace")
    live = _live(options, recording)
    modes = _modes_with(options)
    if any(mode.concurrent and mode.collects for mode, _ in modes):
        probes.require_sigbus()
    if any(mode.concurrent and mode.collects and mode.map_by == MOVE for mode, _ in modes):
        probes.require_move("choose modes that don't use it (--modes copy,stw,memmove)")
    return WorkloadParameters(
        workload=options.workload,
        modes=modes,
        factors=options.heap,
        placements=tuple(placements(options.placement, mutators, ("own",))),
        live_bytes=live,
        used_bytes=recording.used,
        operations=options.operations or OPERATIONS[options.workload],
        mutators=tuple(mutators),
        mutation=options.mutation,
        fragmentation=500 if options.fragmentation is None else options.fragmentation,
        rounds=options.rounds,
        seed=options.seed,
        again=options.explain_difference[1] if options.explain_difference else "",
        verify=options.verify,
        disturb=",".join(options.disturb or ()),
        trace=str(options.trace or ""),
        recording=recording.file,
        recording_name=recording.name,
        map=options.page_map,
        memories=parse_memories(options.memory),
        policies=options.policies,
        timeout=options.timeout,
    )


def _live(options: Options, recording: Recorded) -> int:
    """The live set: that of the recording, if no other is asked for; a dump's heap has one size."""
    source = click.get_current_context().get_parameter_source("live")
    asked = source is click.core.ParameterSource.COMMANDLINE
    if options.workload == DUMP and asked:
        raise GcprotoError("--live is not for --workload dump", why="the dump says it", code=ExitCode.USAGE)
    return options.live if asked or not recording.live else recording.live


def _modes_with(options: Options) -> "list[tuple[Mode, ModeOptions]]":
    """Each mode with its options, once for each number of compacting threads and each threshold that it can have."""
    from gcproto.collector.modes import MODES
    from gcproto.results.schema import with_fields

    thresholds: list[int | None] = [*options.dense] if options.dense else [None]
    choices = [
        with_fields(_choices(options), compactors=None if n == 1 else n, dense_permille=permille)
        for n in options.compactors
        for permille in thresholds
    ]
    found = []
    for mode in (MODES[name] for name in options.modes):
        found += [(mode, able) for able in dict.fromkeys(mode.able(one) for one in choices)]
    return found


def _choices(options: Options) -> "ModeOptions":
    """Parameters of modes that were given on the command line."""
    from gcproto.results.schema import ModeOptions

    return ModeOptions(
        ebusy=options.ebusy,
        fault_by=options.fault,
        ready_by=options.ready,
        early_by=options.early,
        fault_pages=options.fault_pages,
        run_pages=options.run_pages,
        granule=_granule(options.granule),
        fresh=options.fresh,
        regions=options.regions,
        cut_at_tables=options.cut_at_tables or None,
        full_after=options.full_after,
    )


def _granule(size: int | None) -> int | None:
    """Pages of a granule, None where none is asked for."""
    from gcproto.host.machine import machine
    from gcproto.sizes import size_text

    if size is None:
        return None
    here = machine()
    pages, rest = divmod(size, here.page_size)
    if rest or pages < 1 or pages & (pages - 1) or pages > 1 << here.pmd_order:
        raise GcprotoError(
            f"--granule {size_text(size)} is not a power of two from a page to a THP", code=ExitCode.USAGE
        )
    return pages
