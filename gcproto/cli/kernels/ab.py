"""``gcproto kernels ab``: what does a patch give?  Build, run and compare in one command."""

import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kernels.build import BuildOptions, build_options, build_progress, parameters, told, usual_name
from gcproto.cli.kernels.check import check_guest, show_verdicts
from gcproto.cli.kernels.matrix import MatrixOptions, matrix_options, ready, run_cells
from gcproto.cli.kernels.platform import see_that_it_has_blocks
from gcproto.cli.kernels.results import by_function, print_functions
from gcproto.cli.kit.options import given, refuse_without_effect, takes
from gcproto.cli.kit.output import echo_json, result_options
from gcproto.cli.kit.params import GUEST_ROUNDS, PERCENT, FilePath, Name, Once, Whole, seconds
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from gcproto.report.terminal.proposal import Row
    from gcproto.results.profiles.explain import Explanation
    from gcproto.results.schema import Result

CHECK_SECONDS = 900.0
"""A guest takes that long for all hazards on a slow machine."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Percentages by which scenarios, and those of small folios, may cost more."""

    fail_above: float | None
    small_above: float


@dataclass(frozen=True, kw_only=True)
class Options(BuildOptions, MatrixOptions, Limits):
    """Options of ``gcproto kernels ab``."""

    stock_patches: tuple[Path, ...]
    scenarios: str
    check: bool
    hazards: tuple[str, ...]
    boots: int
    rounds: int
    profile: bool
    timeout: float


@click.command(name="ab")
@build_options
@click.option("--name", type=Name("name"), help="Name of the patched kernel [default: patched].")
@click.option(
    "--stock-patch",
    "stock_patches",
    multiple=True,
    callback=Once("patch", Path.absolute),
    type=FilePath(exists=True),
    metavar="FILE|FOLDER|MBOX",
    help="A patch for both kernels, applied before --patch.",
)
@click.option(
    "--set",
    "scenarios",
    type=click.Choice(["quick", "paths", "folios", "swapcache", "contpte"]),
    default="quick",
    show_default=True,
    help="Scenarios to measure: a few, those of `kernels run`, folios of every size, mTHPs in the swap cache, or "
    "blocks of contpte (arm64).",
)
@click.option("--check", is_flag=True, help="Run the contract and the hazards in both instead of measuring.")
@click.option(
    "--hazard",
    "hazards",
    multiple=True,
    callback=Once("hazard"),
    type=Name("hazard"),
    metavar="NAME",
    help="With --check: run only this hazard; may be repeated.",
)
@click.option("--boots", type=Whole(1, 100), default=1, show_default=True, help="Boots of each kernel.")
@click.option("--rounds", type=GUEST_ROUNDS, default=21, show_default=True, help="Measured rounds of each scenario.")
@click.option("--profile", is_flag=True, help="Count by function as well, and name the functions that changed.")
@click.option("--timeout", type=seconds(), default=300.0, show_default=True, help="Seconds for a guest.")
@click.option("--fail-above", type=PERCENT, help="Exit with 1 if a scenario costs more by this.")
@click.option(
    "--small-above",
    type=PERCENT,
    default=1.5,
    show_default=True,
    help="Exit with 1 if a scenario of small folios costs more by this, in percent.",
)
@matrix_options
@result_options
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Build a source without and with patches, measure both kernels, compare them.

    The unit is executed instructions per page.  Both kernels have the same tree, configuration and compiler.  After a
    change of the patch, only files it touches are recompiled, and only for the patched kernel.

    The exit code is 1 if small folios cost more than --small-above allows: most memory is small folios.  Of an
    architecture with several page sizes, both kernels are built in each of them, unless --page-size names one.

    With --check, both kernels are booted with two processors and run the contract and the hazards instead.
    """
    from gcproto.kernels.build.build import build, see_that_it_can_be_built
    from gcproto.kernels.build.patches import collect
    from gcproto.kernels.guest import machine
    from gcproto.kernels.run.cell import CHECK, Cell
    from gcproto.kernels.run.check import NODES, known
    from gcproto.results.facts import kernel_name

    known(options.hazards)
    if options.hazards and not options.check:
        raise GcprotoError("--hazard is for --check", remedy="give --check as well", code=ExitCode.USAGE)
    if options.check:
        unused = ("scenarios", "boots", "rounds", "profile", "fail_above", "small_above")
        refuse_without_effect(unused, "--check measures nothing")
    if not options.patches:
        raise GcprotoError("there is no patch to compare with", remedy="give one with --patch", code=ExitCode.USAGE)
    see_that_it_has_blocks(options.scenarios, options)
    machine.need(options.architecture)
    both = (*options.stock_patches, *options.patches)
    collect(both)  # before a source of 160 MiB is downloaded
    row = options.architecture
    sizes = row.page_sizes if options.page_bytes is None else (options.page_bytes,)
    with build_progress() as progress:
        base = usual_name("base" if options.stock_patches else "stock", options.configs, row)
        name = options.name or usual_name("patched", options.configs, row)
        orders = [
            parameters(replace(options, patches=patches, name=called), pages)
            for pages in sizes
            for called, patches in ((base, options.stock_patches), (name, both))
        ]
        for one in orders:  # before another build is waited for, and before minutes are spent on the first kernel
            see_that_it_can_be_built(one)
        made = [build(one, progress) for one in orders]
    for kernel in made:
        click.echo(f"gcproto: {told(kernel)}", err=True)
    kernels = [one.local for one in made]
    programs = ready(kernels, options, row)
    told_by = tuple(sys.argv[1:])
    if options.check:
        seconds_each = options.timeout if given("timeout") else CHECK_SECONDS
        guest = check_guest(options, seconds_each, options.arch, NODES)
        checks = [
            Cell(one, CHECK, guest, programs=programs, command=told_by, hazards=options.hazards) for one in kernels
        ]
        run_cells(ctx, checks, options, partial(show_verdicts, as_json=options.as_json))
        return
    guest = machine.Machine(
        memory_mib=options.memory_mib,
        timeout=options.timeout,
        command_line=options.append,
        architecture=options.arch,
        cpu=options.cpu or "",
    )
    cells = [
        Cell(
            one,
            options.scenarios,
            guest,
            boot,
            options.rounds,
            programs=programs,
            command=told_by,
            profile=options.profile,
        )
        for boot in range(1, options.boots + 1)
        for one in kernels
    ]
    names = [kernel_name(one.release, row.machine, one.page_size, guest.model) for one in kernels]
    pairs = list(zip(names[::2], names[1::2], strict=True))
    show = partial(_show_all, pairs=pairs, profile=options.profile, as_json=options.as_json)
    shown = run_cells(ctx, cells, options, show)
    for _, voided in shown:
        if voided:
            click.echo(f"gcproto: the comparison is void: {voided}", err=True)
            ctx.exit(ExitCode.NO)
    if worse([one for found, _ in shown for one in found], options):
        ctx.exit(ExitCode.NO)


def worse(found: "list[Row]", options: Limits) -> bool:
    """Whether a row is beyond a limit; says so."""
    limit, small = options.fail_above, options.small_above
    worse = [one for one in found if limit is not None and (one.change or 0.0) > limit / 100]
    if worse:
        many = counted(len(worse), "scenario costs", "scenarios cost")
        click.echo(f"gcproto: {many} more than {limit:g} % more", err=True)
    guarded = [one for one in found if one.small and (one.change or 0.0) > small / 100]
    if guarded:
        many = counted(len(guarded), "scenario of small folios costs", "scenarios of small folios cost")
        click.echo(f"gcproto: {many} more than {small:g} % more", err=True)
    return bool(worse or guarded)


def _show_all(
    results: "list[Result]", *, pairs: list[tuple[str, str]], profile: bool, as_json: bool
) -> "list[tuple[list[Row], str]]":
    """Print the comparison of each page size."""
    from gcproto.results.facts import release_of

    return [
        _show(
            [one for one in results if release_of(one) in pair],
            stock=pair[0],
            patched=pair[1],
            profile=profile,
            as_json=as_json,
        )
        for pair in pairs
    ]


def _show(
    results: "list[Result]", *, stock: str, patched: str, profile: bool, as_json: bool
) -> "tuple[list[Row], str]":
    """Print the comparison of one page size.

    Returns:
        Its rows, and why it is void; "" if it is not.

    """
    from gcproto.report.terminal.proposal import print_proposal, rows
    from gcproto.results.configurations import builds
    from gcproto.results.documents import document
    from gcproto.results.facts import UNKNOWN_PAGE_SIZE, page_size_of
    from gcproto.results.series import build
    from gcproto.results.steps import void

    found = rows(results, stock, patched)
    series = build(results) if results else None
    # One tree, one configuration: what has nothing to do with the patch must not move at all.
    voided = void(series, stock, patched, same_kernel=True) if series else "nothing was measured"
    explained = _explained(results, stock, patched) if profile else []
    if as_json:
        fields = {"stock": stock, "patched": patched, "rows": found, "void": voided, "builds": builds(results)}
        echo_json(document("kernels-ab", fields | ({"functions": explained} if profile else {})))
        return found, voided
    from gcproto.cli.kit.terminal import console
    from gcproto.report.terminal.configurations import print_builds

    if series:
        print_proposal(found, (stock, patched), series.unit, series.page_size, voided, console())
    if profile:
        print_functions(explained, stock, patched, page_size_of(results[0]) if results else UNKNOWN_PAGE_SIZE)
    print_builds(results, console())
    return found, voided


def _explained(results: "list[Result]", stock: str, patched: str) -> "list[Explanation]":
    """The functions that changed; that there are no profiles is said, and no reason to fail."""
    try:
        return by_function(results, stock, patched)
    except GcprotoError:
        why = [skip.reason for one in results for skip in one.skips if "profile" in skip.what]
        click.echo(f"gcproto: no profile by function{f': {why[0]}' if why else ''}", err=True)
        return []
