"""``gcproto predict``: a cost model of evacuation, and what a changed kernel would give."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.heap.other_sizes import Asked, predict_heap
from gcproto.cli.kit.options import refuse_without_effect
from gcproto.cli.kit.output import echo_json, keep_part
from gcproto.cli.kit.params import SHARE, FilePath, Name, Number, Once, Size, Whole
from gcproto.cli.kit.progress import progress_bar
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from gcproto.results.schema import Result

WORKLOADS = ("prefix", "sparse", "trees", "lru")
ROUNDS = 15
HEAP_ROUNDS = 7
LIVE = 32 << 20
PINNED = 4 << 20
"""So much may be pinned by default (RLIMIT_MEMLOCK)."""
MEMORIES = ("small", "64k", "1m", "2m")


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
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[Path, ...],
    proposal: str | None,
    fail_below: float | None,
    heap_mib: float | None,
    live_share: float,
    dump: Path | None,
    processors: int,
    up_to: int,
    out: Path,
    as_json: bool,
) -> None:
    """Fit the cost of a call, a page, a folio, a split and a TLB shoot-down to collections, and predict others.

    The command reads results of `gcproto gc policies` and of `gcproto bench`.  Without results it measures both now and
    keeps them: as root, three minutes, with one live thread and with two.

    Costs are fitted on paths and on heaps of the workloads prefix and sparse.  They are checked on all others.  The
    command also shows where the time of each heap goes, and why auto differs from move.

    With --heap-mib or --dump it predicts a heap of another size instead.  Costs are fitted on results of `gcproto gc
    policies` for at least three sizes (--live).  Without results, heaps are collected now.
    """
    if files:
        refuse_without_effect(("up_to", "out"), "nothing is measured where results are given")
    if heap_mib is not None or dump is not None:
        asked_heap = Asked(heap_mib, live_share, dump, processors, up_to)
        if heap_mib is not None and dump is not None:
            raise GcprotoError("--heap-mib and --dump exclude each other", code=ExitCode.USAGE)
        if proposal or fail_below is not None:
            raise GcprotoError("--proposal and --fail-below are not for --heap-mib or --dump", code=ExitCode.USAGE)
        if dump is not None:
            refuse_without_effect(("live_share",), "the dump says it")
        _print_heap(asked_heap, files, out, as_json=as_json)
        return
    refuse_without_effect(("live_share", "processors", "up_to"), "they are for --heap-mib or --dump")
    from gcproto.model.prediction import predict
    from gcproto.model.proposals import load as load_proposal
    from gcproto.results.store import load

    asked = load_proposal(proposal) if proposal else None
    results = [load(path) for path in files] or _measure(out)
    found = predict(results, asked)
    if as_json:
        from gcproto.results.documents import document

        echo_json(document("predict", found))
    else:
        from gcproto.cli.kit.terminal import console
        from gcproto.report.terminal.predicted.prediction import print_prediction

        print_prediction(found, console())
    if fail_below is not None and found.good is None:
        raise GcprotoError(
            "no heap checks the model, so --fail-below can't be answered",
            why="heaps of other workloads than those that it is fitted on are needed",
            remedy="give results of `gcproto gc policies --workloads prefix,trees`",
            code=ExitCode.USAGE,
        )
    if fail_below is not None and found.good is not None and found.good < fail_below:
        click.echo(f"gcproto: fewer than {fail_below:.0%} of the heaps are predicted to 15 %", err=True)
        ctx.exit(ExitCode.NO)


def _print_heap(asked: Asked, files: tuple[Path, ...], out: Path, *, as_json: bool) -> None:
    found = predict_heap(asked, files, out)
    if as_json:
        from gcproto.results.documents import document

        echo_json(document("predict-heap", found))
        return
    from gcproto.cli.kit.terminal import console
    from gcproto.report.terminal.predicted.scale import print_scale

    print_scale(found, console())


def _measure(folder: Path) -> "list[Result]":
    """Measure all that a fit needs; what this machine can't do is refused before anything is measured."""
    from gcproto.experiments.heap_machine import see_that_it_may
    from gcproto.experiments.paths import bench
    from gcproto.experiments.paths.grid import Choice
    from gcproto.experiments.policies.run import PolicyParameters, check, run
    from gcproto.heap.folios import parse_memory
    from gcproto.host import probes
    from gcproto.host.machine import choose_cpus
    from gcproto.results.store import prepare

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
    prepare(folder)
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
    results: list[Result] = []

    def take(result: "Result") -> None:
        results.append(result)
        keep_part(result, folder)

    with progress_bar() as progress:
        for choice in (every, refused):
            take(bench.run(bench.PathParameters(choice, rounds=ROUNDS), progress))
        for wanted in heaps:
            take(run(wanted, progress))
    for skip in (skip for result in results for skip in result.skips):
        click.echo(f"gcproto: not measured: {skip.what}: {skip.reason}", err=True)
    return results
