"""``gcproto bench``: the path lab on the running kernel."""

from collections.abc import Hashable
from dataclasses import dataclass

import click

from gcproto.cli.kit.options import takes
from gcproto.cli.kit.output import ResultOptions, deliver, result_options
from gcproto.cli.kit.params import Once, Size, Whole, Words
from gcproto.cli.kit.progress import progress_bar
from gcproto.cli.kit.renamed import Renamed
from gcproto.errors import ExitCode, GcprotoError

MOST_PERCENT = 10_000


def _source(word: str) -> Hashable:
    from gcproto.experiments.paths.grid import parse_source
    from gcproto.host.machine import machine

    return parse_source(word, machine())


def _granule(word: str) -> Hashable:
    from gcproto.experiments.paths.grid import NAMED
    from gcproto.sizes import parse_size

    return word if word in NAMED else parse_size(word)


def _arms() -> list[str]:
    from gcproto.experiments.paths.names import ARMS

    return sorted(ARMS)


def _slowdown(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in value:
        arm, _, percent = text.partition("=")
        if not (percent.isascii() and percent.isdigit() and len(percent) < 6 and int(percent) <= MOST_PERCENT):
            raise click.BadParameter(f"{text!r} is not ARM=PERCENT, of 0 to {MOST_PERCENT} percent", ctx, param)
        if arm not in _arms() or arm in found:
            raise click.BadParameter(f"{arm!r} is {'named twice' if arm in found else 'no arm'}", ctx, param)
        found[arm] = int(percent) * 10
    return found


def _size(_ctx: click.Context, _param: click.Parameter, value: int | None) -> int | None:
    """Whole PMDs, as they are measured and recorded; said where that is more than was asked for."""
    if value is None:
        return None
    from gcproto.host.machine import machine
    from gcproto.sizes import size_text

    pmd = machine().pmd_size
    rounded = -(-value // pmd) * pmd
    if rounded != value:
        click.echo(f"gcproto: --size {size_text(value)} is rounded up to {size_text(rounded)}: whole PMDs", err=True)
    return rounded


@dataclass(frozen=True, kw_only=True)
class Options(ResultOptions):
    """Options of ``gcproto bench``."""

    quick: bool
    sources: list[str] | None
    arms: list[str] | None
    granules: list[str] | None
    alignment: tuple[str, ...]
    threads: tuple[str, ...]
    working_set: list[str] | None
    frames: list[str] | None
    rounds: int | None
    size: int | None
    seed: int
    swap: bool
    force: bool
    wide: bool
    test_slowdown: dict[str, int]


@click.command(name="bench")
@click.option("--quick", is_flag=True, help="Measure the short grid: at most 45 s instead of 4 minutes.")
@click.option(
    "--sources",
    type=Words("source", key=_source, check=_source),
    help="Source pages: small, thp, mthp-64k, zero, hole, forked-2m, ...",
)
@click.option(
    "--arms", type=Words("arm", _arms), help="Ways of doing the work: move, copy, split_move, mremap, move_swapin, ..."
)
@click.option(
    "--granules",
    type=Words("granule", key=_granule, check=_granule),
    help="Bytes per ioctl: 4k, 64k, folio, 2m, whole, ...; page, large and table follow from the page size.",
)
@click.option(
    "--alignment",
    type=click.Choice(["congruent", "skewed"]),
    multiple=True,
    callback=Once("alignment"),
    help="Measure this alignment only.",
)
@click.option(
    "--threads",
    type=click.Choice(["1", "2"]),
    multiple=True,
    callback=Once("number"),
    help="Measure with this number of live threads only.",
)
@click.option(
    "--working-set",
    type=Words("working set", ("any", "cache", "memory")),
    help="Where the work finds its memory: cache (the last level), memory (beyond it), any.",
)
@click.option(
    "--frames",
    type=Words("order of frames", ("any", "consecutive", "shuffled")),
    help="Order of the sources' page frames: consecutive, shuffled (root proves it), any.",
)
@click.option("--rounds", type=Whole(3, 100000), help="Measured rounds [default: what fits the time].")
@click.option(
    "--size",
    "--memory",
    cls=Renamed,
    type=Size(),
    callback=_size,
    help="Bytes evacuated in a round, in whole PMDs (8m, 64m, 1g).",
)
@click.option("--seed", type=Whole(0, 2**63 - 1), default=1, show_default=True, help="Seed for the order of rounds.")
@click.option("--swap", is_flag=True, help="Add the scenarios that add and remove swap devices (root).")
@click.option("--force", is_flag=True, help="Also run what is unsafe here because of a known kernel bug.")
@click.option("--wide", is_flag=True, help="Print one line for each scenario, with every figure.")
@result_options
@click.option(
    "--test-slowdown",
    callback=_slowdown,
    multiple=True,
    hidden=True,
    metavar="ARM=PERCENT",
    help="Slow an arm's timed work down by that much, to test comparisons.",
)
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Measure what it costs to evacuate a page by each path, on the running kernel.

    Each round proves its own figure.  The result is printed, and written to a file that `gcproto show` and
    `gcproto compare` read.  The exit code is 1 if a measurement has too many invalid rounds.
    """
    from gcproto.experiments.paths.bench import PathParameters, run
    from gcproto.experiments.paths.grid import Choice
    from gcproto.results.store import prepare

    try:
        choice = Choice(
            sources=options.sources or [],
            arms=options.arms or [],
            granules=options.granules or [],
            alignments=list(options.alignment),
            threads=[int(text) for text in options.threads],
            working_sets=list(options.working_set or ()),
            frames=list(options.frames or ()),
            memory=options.size,
            quick=options.quick,
            swap=options.swap,
        )
        wanted = PathParameters(choice, options.rounds, options.seed, options.test_slowdown, options.force)
        prepare(options.out)
        with progress_bar() as progress:
            result = run(wanted, progress)
    except ValueError as error:
        raise GcprotoError(str(error), remedy="see gcproto bench --help", code=ExitCode.USAGE) from error
    deliver(ctx, result, options, wide=options.wide)
