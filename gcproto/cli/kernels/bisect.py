"""``gcproto kernels bisect``: which commit of a tree, or which patch of a series, made a scenario cost more?"""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kernels.build import SourceOptions, build_progress, completed, config_options, origin, source_options
from gcproto.cli.kit.options import refuse_without_effect, takes
from gcproto.cli.kit.output import ResultOptions, echo_json, results_in
from gcproto.cli.kit.params import GUEST_ROUNDS, PERCENT, FilePath, Name, seconds
from gcproto.counted import counted
from gcproto.errors import ExitCode
from gcproto.process.outputs import replace_with

if TYPE_CHECKING:
    from gcproto.kernels.bisect.candidates import Candidate, Candidates
    from gcproto.kernels.bisect.search import Found, Measured, Search
    from gcproto.kernels.build.build import BuildParameters
    from gcproto.kernels.build.patches import Patch
    from gcproto.kernels.build.source import Origin

NAME = "bisect"
"""Of the kernels that are built."""


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions, ResultOptions):
    """Options of ``gcproto kernels bisect``."""

    tree: Path | None
    good: str | None
    bad: str | None
    over: Path | None
    scenario: str
    threshold: float
    rounds: int
    timeout: float
    again: bool


@click.command(name="bisect")
@click.option("--tree", type=FilePath(exists=True, file_okay=False), help="A git repository of the kernel.")
@click.option("--good", type=Name("revision"), metavar="REVISION", help="With --tree: the older revision.")
@click.option("--bad", type=Name("revision"), metavar="REVISION", help="With --tree: the later one.")
@click.option(
    "--over",
    type=FilePath(exists=True),
    metavar="FILE|FOLDER|MBOX",
    help="Bisect this patch series on --source, instead of commits of --tree.",
)
@source_options
@click.option(
    "--scenario",
    type=Name("scenario"),
    default="small move 2m",
    show_default=True,
    help="Scenario to measure: SOURCE ARM GRANULE.",
)
@click.option(
    "--threshold",
    type=PERCENT,
    default=3.0,
    show_default=True,
    help="Least difference of the two ends, in percent.",
)
@config_options
@click.option("--rounds", type=GUEST_ROUNDS, default=11, show_default=True, help="Measured rounds of each kernel.")
@click.option("--timeout", type=seconds(), default=300.0, show_default=True, help="Seconds for a guest.")
@click.option("--again", is_flag=True, help="Forget what an earlier run of this bisection measured.")
@results_in(Path("results/bisect"))
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Find the commit or patch that changed the instructions of a scenario, by builds and boots.

    The command measures both ends, then runs `git bisect` in a worktree of its own.  Builds are incremental.  A kernel
    that does not build or boot is skipped.  The end is the commit with both figures, and the functions that changed.

    Run the same command again after Ctrl-C: it goes on where it was.
    """
    from gcproto.kernels.bisect.search import load, search
    from gcproto.kernels.get.fetch import LocalKernel
    from gcproto.kernels.guest import machine, programs
    from gcproto.kernels.guest.asked import ASKED, parse
    from gcproto.kernels.run.cell import Cell
    from gcproto.results.store import prepare

    asked = parse(options.scenario)
    machine.need()
    prepare(options.out)
    candidates, build_of, home, inputs = _candidates(options)
    guest = machine.Machine(timeout=options.timeout)
    built = str(programs.build())
    what = repr((options.tree, candidates.ends(), asked, inputs, options.rounds))
    file = home / f"{hashlib.sha256(what.encode()).hexdigest()[:12]}.json"
    kept = load(file, what)
    if options.again:
        kept.tested.clear()
    with build_progress() as progress:

        def measured(one: "Candidate") -> "Measured":
            from gcproto.kernels.bisect.measure import measure

            wanted = build_of(one)
            cell = Cell(
                LocalKernel("", "", (), ""),  # until one is built
                ASKED,
                guest,
                rounds=options.rounds,
                programs=built,
                command=tuple(sys.argv[1:]),
                profile=True,
                asked=(asked,),
            )
            return measure(wanted, cell, options.out, progress)

        def save(now: "Search") -> None:
            _save(now, file)
            _tell(now, neutral=bool(options.over))

        found = search(candidates, measured, kept, options.threshold / 100, save)
    _show(found, options.as_json)
    if len(found.bad) > 1:
        ctx.exit(ExitCode.NO)


def _candidates(options: Options) -> "tuple[Candidates, Callable[[Candidate], BuildParameters], Path, str]":
    """What is bisected, how each state is built, the folder of its searches, and what else its kernels are made of.

    Raises:
        GcprotoError: options are missing or exclude each other.

    """
    from gcproto.kernels import cache
    from gcproto.kernels.bisect.candidates import Commits, Patches
    from gcproto.kernels.build import kconfig, source
    from gcproto.kernels.build.build import BuildParameters, need_tools
    from gcproto.kernels.build.patches import collect

    compiler = need_tools()
    config = kconfig.chosen(options.configs)
    jobs = options.compilers

    def parameters(base: "Origin", patches: "tuple[Patch, ...]" = ()) -> BuildParameters:
        return BuildParameters(NAME, base, complete, patches, jobs)

    if options.over:
        if options.tree or options.good or options.bad:
            raise click.UsageError("--over bisects a series on --source: omit --tree, --good and --bad")
        patches = tuple(collect([options.over]))
        base = origin(options.source)
        complete = completed(config, base)
        series = Patches([one.name for one in patches])
        # Patches and a user's tree may change between two runs, and have the same names.
        inputs = _digest(compiler, complete.text, source.contents(base), *(one.sha256 for one in patches))
        home = cache.folder("bisect") / "series"
        return series, lambda one: parameters(base, patches[: int(one.key)]), home, inputs
    if not options.tree or not options.good or not options.bad:
        raise click.UsageError("give --tree, --good and --bad, or --over")
    refuse_without_effect(("source",), "the commits of --tree are built")
    commits = Commits(options.tree, options.good, options.bad)
    # One configuration for all commits: that of the tree's own version.
    complete = completed(config, source.given(options.tree))
    inputs = _digest(compiler, complete.text)
    return commits, lambda _: parameters(source.given(commits.worktree)), commits.home, inputs


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def _save(now: "Search", file: Path) -> None:
    import msgspec

    from gcproto.kernels import cache

    with cache.writing(str(file)):
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_with(file, msgspec.json.encode(now))


NEUTRAL = {"good": "old", "bad": "new", "skip": "skip"}
"""Words for a change that was not called good or bad. git bisect has the same."""


def _tell(now: "Search", *, neutral: bool) -> None:
    """Print the state that was tested last.

    Args:
        now: the search.
        neutral: the user has not called the ends good and bad. Nor are they, if the scenario got cheaper.

    """
    test = now.tested[-1]
    word = NEUTRAL[test.word] if neutral or now.falls else test.word
    value = "" if test.measured.value is None else f"{test.measured.value:.2f} instructions a page"
    click.echo(f"{test.candidate.key[:12]} {word}: {value or test.measured.why} ({test.candidate.title})", err=True)


def _show(found: "Found", as_json: bool) -> None:
    """Print the end of a search: the commit, both figures, and the functions that changed."""
    from gcproto.cli.kit.terminal import console
    from gcproto.report.terminal.configurations import print_builds
    from gcproto.report.terminal.functions import print_explanations
    from gcproto.report.terminal.kit.text import say
    from gcproto.results.configurations import builds
    from gcproto.results.documents import document
    from gcproto.results.facts import UNKNOWN_PAGE_SIZE, label, page_size_of
    from gcproto.results.profiles.explain import explanations
    from gcproto.results.store import load

    labels = [f"{one.candidate.key[:12]}" for one in (found.before, found.after)]
    results = []
    for name, one in zip(labels, (found.before, found.after), strict=True):
        if one.measured.result and Path(one.measured.result).exists():
            result = load(Path(one.measured.result))
            label(result, name)
            results.append(result)
    explained = list(explanations(results, labels[0], labels[1]).values())
    page_size = page_size_of(results[0]) if results else UNKNOWN_PAGE_SIZE
    if as_json:
        fields = {"bad": found.bad, "before": found.before, "after": found.after, "functions": explained}
        fields["builds"] = builds(results)
        echo_json(document("kernels-bisect", fields))
        return
    out = console()
    if len(found.bad) > 1:
        say(out, f"one of {counted(len(found.bad), 'state')}, as those between were skipped:", style="bold")
    for bad in found.bad:
        say(out, (bad.key[:12], "bold"), f" {bad.title}")
    old, new = found.before.measured.value, found.after.measured.value
    if old and new:
        say(out, f"{old:.2f} -> {new:.2f} instructions a page ({new / old - 1:+.2%})")
    print_explanations(explained, labels[0], labels[1], None, None, page_size, out)
    print_builds(results, out)
