"""``gcproto predict``: a cost model of evacuation, and what a changed kernel would give."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.heap.other_sizes import Asked, measured_heaps, on_hosts, print_heap
from gcproto.cli.kit.cluster import ClusterOptions, Hosts, cluster_options, measure_on_each_host
from gcproto.cli.kit.options import refuse_without_effect, takes
from gcproto.cli.kit.output import ResultOptions, echo_json, keep_part
from gcproto.cli.kit.params import SHARE, FilePath, Name, Number, Once, Size, Whole
from gcproto.cli.kit.progress import progress_bar
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from gcproto.model.proposals import Proposal
    from gcproto.results.schema import Result


@dataclass(frozen=True, kw_only=True)
class Options(ClusterOptions, ResultOptions):
    """Options of ``gcproto predict``."""

    files: tuple[Path, ...]
    proposal: str | None
    fail_below: float | None
    heap_mib: float | None
    live_share: float
    dump: Path | None
    processors: int
    up_to: int


@click.command(name="predict")
@click.argument(
    "files",
    nargs=-1,
    type=FilePath(exists=True, dir_okay=False),
    metavar="[RESULT]...",
    callback=Once("file", Path.absolute),
)
@click.option(
    "--proposal",
    type=Name("proposal"),
    metavar="NAME|FILE",
    help="A changed kernel: whole-folio, unmapped-split, batch-across-folios, or a JSON file.",
)
@click.option(
    "--fail-below", type=SHARE, metavar="SHARE", help="Exit with 1 if a smaller share of heaps is predicted well."
)
@click.option(
    "--heap-mib",
    type=Number(1, 1 << 20, ""),
    metavar="N",
    help="Predict a heap of this size, live and dead, instead of a kernel: its pause, and the times around the flip.",
)
@click.option(
    "--live-share",
    type=Number(0.01, 1, ""),
    default=0.5,
    show_default=True,
    help="Of that heap, the part that is live.",
)
@click.option(
    "--dump", type=FilePath(exists=True, dir_okay=False), help="Predict the heap of this dump (see gcproto heap)."
)
@click.option(
    "--processors",
    type=Whole(1, 4096),
    default=1,
    show_default=True,
    help="Processors that threads of the program run on.",
)
@click.option(
    "--up-to",
    type=Size(128 << 20),
    default="2g",
    show_default=True,
    help="Largest heap that is collected now for --heap-mib or --dump.",
)
@click.option(
    "--out",
    type=FilePath(file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Folder for results that are measured now.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@cluster_options("Measure and fit on each host of a Dask cluster instead of here; each has a model of its own.")
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Fit the cost of a call, a page, a folio, a split and a TLB shoot-down to collections, and predict others.

    The command reads results of `gcproto gc policies` and of `gcproto bench`.  Without results it measures both now and
    keeps them: as root, three minutes, with one live thread and with two.

    Costs are fitted on paths and on heaps of the workloads prefix and sparse.  They are checked on all others.  The
    command also shows where the time of each heap goes, and why auto differs from move.

    With --heap-mib or --dump it predicts a heap of another size instead.  Costs are fitted on results of `gcproto gc
    policies` for at least three sizes (--live).  Without results, heaps are collected now.
    """
    if options.dask and options.files:
        raise GcprotoError("--dask measures, and results were given as well", code=ExitCode.USAGE)
    if options.files:
        refuse_without_effect(("up_to", "out"), "nothing is measured where results are given")
    if options.heap_mib is not None or options.dump is not None:
        _predict_heap(ctx, options)
        return
    refuse_without_effect(("live_share", "processors", "up_to"), "they are for --heap-mib or --dump")
    from gcproto.model.proposals import load as load_proposal

    asked = load_proposal(options.proposal) if options.proposal else None
    if options.dask:
        from gcproto.cli.gc.costs import costs_of_this_host

        found = measure_on_each_host(options, options, [("", costs_of_this_host)])
        well = on_hosts(found, lambda results: _show(results, asked, options))
        found.close(ctx, options, well=well)
    elif not _show(_given(options.files) or _measure(options.out), asked, options):
        ctx.exit(ExitCode.NO)


def _show(results: "Sequence[Result]", asked: "Proposal | None", options: Options) -> bool:
    """Print the model of one machine; whether it is as good as it must be."""
    from gcproto.model.prediction import predict

    found = predict(results, asked)
    if options.as_json:
        from gcproto.results.documents import document

        echo_json(document("predict", found))
    else:
        from gcproto.cli.kit.terminal import console
        from gcproto.report.terminal.predicted.prediction import print_prediction

        print_prediction(found, console())
    if options.fail_below is None:
        return True
    if found.good is None:
        raise GcprotoError(
            "no heap checks the model, so --fail-below can't be answered",
            why="heaps of other workloads than those that it is fitted on are needed",
            remedy="give results of `gcproto gc policies --workloads prefix,trees`",
            code=ExitCode.USAGE,
        )
    if found.good < options.fail_below:
        click.echo(f"gcproto: fewer than {options.fail_below:.0%} of the heaps are predicted to 15 %", err=True)
        return False
    return True


def _predict_heap(ctx: click.Context, options: Options) -> None:
    if options.heap_mib is not None and options.dump is not None:
        raise GcprotoError("--heap-mib and --dump exclude each other", code=ExitCode.USAGE)
    if options.proposal or options.fail_below is not None:
        raise GcprotoError("--proposal and --fail-below are not for --heap-mib or --dump", code=ExitCode.USAGE)
    if options.dump is not None:
        refuse_without_effect(("live_share",), "the dump says it")
    asked = Asked(options.heap_mib, options.live_share, options.dump, options.processors, options.up_to)
    if options.dask:
        found: Hosts = measured_heaps(asked, options, options)
        well = on_hosts(found, lambda results: print_heap(asked, results, as_json=options.as_json))
        found.close(ctx, options, well=well)
    else:
        print_heap(asked, _given(options.files), options.out, as_json=options.as_json)


def _given(files: "Sequence[Path]") -> "list[Result]":
    """Read results, each run once: a copy of a run would make intervals too narrow.

    Raises:
        GcprotoError: a file is not a usable result.

    """
    from gcproto.results.gather import gather

    found = gather(files)
    for one in found.refused:
        if one.named:
            raise one.error
        click.echo(f"gcproto: {one.error}", err=True)
    return [result for _, result in found.results]


def _measure(folder: Path) -> "list[Result]":
    """Measure all that a fit needs, and keep it."""
    from gcproto.cli.gc.costs import experiments, not_measured
    from gcproto.results.store import prepare

    every = experiments()
    prepare(folder)
    results: list[Result] = []
    with progress_bar() as progress:
        for one in every:
            results.append(one(progress))
            keep_part(results[-1], folder)
    for line in not_measured(results):
        click.echo(f"gcproto: {line}", err=True)
    return results
