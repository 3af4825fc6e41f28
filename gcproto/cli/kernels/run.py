"""``gcproto kernels run``: the path lab's scenarios in other kernels."""

import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from gcproto.cli.kernels.choice import KernelOptions, chosen, kernel_options
from gcproto.cli.kernels.matrix import MatrixOptions, matrix_options, ready, run_cells
from gcproto.cli.kernels.platform import see_that_it_has_blocks
from gcproto.cli.kit.options import takes
from gcproto.cli.kit.output import echo_json, result_options
from gcproto.cli.kit.params import GUEST_ROUNDS, Whole, seconds
from gcproto.counted import counted
from gcproto.errors import ExitCode

if TYPE_CHECKING:
    from gcproto.results.schema import Result


@dataclass(frozen=True, kw_only=True)
class Options(KernelOptions, MatrixOptions):
    """Options of ``gcproto kernels run``."""

    scenarios: str
    boots: int
    rounds: int
    fail_on_spread: bool
    wall_clock: bool
    profile: bool
    cpus: int | None
    timeout: float


@click.command(name="run")
@kernel_options
@click.option(
    "--set",
    "scenarios",
    type=click.Choice(["paths", "quick", "folios", "swapcache", "contpte", "heap"]),
    default="paths",
    show_default=True,
    help="The path lab's scenarios, a few of them, folios of every size, mTHPs in the swap cache, blocks of contpte "
    "(arm64), or the heap.  The heap is the window and a verified workload, in this Python.",
)
@click.option("--boots", type=Whole(1, 100), default=1, show_default=True, help="Boots of each kernel.")
@click.option("--rounds", type=GUEST_ROUNDS, default=21, show_default=True, help="Measured rounds of each scenario.")
@click.option("--fail-on-spread", is_flag=True, help="Exit with 1 if boots of a kernel differ by more than 0.5 %.")
@click.option(
    "--wall-clock", is_flag=True, help="Measure ns of the emulated machine, not instructions: for factors only."
)
@click.option(
    "--profile",
    is_flag=True,
    help="Count instructions by kernel function as well, with a plugin of QEMU; some 12 % more CPU time.",
)
@click.option(
    "--cpus",
    type=Whole(2, 16),
    help="Processors of a guest for the heap: a mutator each, and with more than two 1 and 4 compacting threads.  "
    "[default: 2]",
)
@click.option("--timeout", type=seconds(), default=300.0, show_default=True, help="Seconds for a guest.")
@matrix_options
@result_options
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Boot kernels in QEMU and measure the evacuation paths in each, in executed instructions per page.

    Each boot writes one result file.  A guest that panics, hangs or runs out of time is the result of that kernel.  The
    others go on, and the exit code is 1.  With several boots the table shows the spread of each scenario.  It flags a
    spread of more than 0.5 %.
    """
    from gcproto.kernels.guest import machine
    from gcproto.kernels.run.cell import Cell
    from gcproto.kernels.run.heap import HEAP, PROCESSORS

    heap = options.scenarios == HEAP
    if options.fail_on_spread and (heap or options.boots == 1):
        raise click.UsageError("--fail-on-spread needs --boots of 2 or more, and paths: mutators differ between boots")
    if options.profile and (heap or options.wall_clock):
        raise click.UsageError("--profile counts instructions of paths: omit --wall-clock, and choose another --set")
    if options.cpus and not heap:
        raise click.UsageError("--cpus is for --set heap: paths are measured on one processor")
    if options.cpus and options.cpus > PROCESSORS and not options.wall_clock:
        raise click.UsageError("--cpus of more than 2 needs --wall-clock: instructions are counted for one at a time")
    if options.architecture.cross and options.profile:
        raise click.UsageError(f"--profile is for guests of this machine's kind, not of {options.arch}")
    see_that_it_has_blocks(options.scenarios, options)
    kernels = chosen(options)
    built = ready(kernels, options, options.architecture)
    guest = machine.Machine(
        icount=not options.wall_clock,
        cpus=(options.cpus or PROCESSORS) if heap else 1,
        files=heap,
        memory_mib=options.memory_mib,
        timeout=options.timeout,
        command_line=options.append,
        architecture=options.arch,
        cpu=options.cpu or "",
    )
    cells = [
        Cell(
            kernel,
            options.scenarios,
            guest,
            boot,
            options.rounds,
            programs=built,
            command=tuple(sys.argv[1:]),
            profile=options.profile,
        )
        for boot in range(1, options.boots + 1)
        for kernel in kernels
    ]
    flagged = run_cells(ctx, cells, options, partial(_show, heap=heap, as_json=options.as_json))
    if options.fail_on_spread and flagged:
        ctx.exit(ExitCode.NO)


def _show(results: "list[Result]", *, heap: bool, as_json: bool) -> bool:
    """Print the results; whether a spread between boots is flagged."""
    if as_json:
        echo_json(*results)
    else:
        from gcproto.cli.kit.terminal import console
        from gcproto.report.terminal.configurations import print_builds
        from gcproto.report.terminal.functions import print_events
        from gcproto.report.terminal.kernels import print_guest_heaps, print_matrix

        show = print_guest_heaps if heap else print_matrix
        show(results, console())
        print_events(results, console())
        print_builds(results, console())
    return not heap and _say_spread(results)


def _say_spread(results: "list[Result]") -> bool:
    """Say what is flagged on standard error, where it is seen beside JSON, too; whether anything is."""
    from gcproto.results.series import FLAG, spreads

    found = spreads(results)
    wide = [one for one in found if one.flagged]
    if wide:
        click.echo(
            f"gcproto: FLAG: more than {100 * FLAG:.1f} % between boots of one kernel in {len(wide)} of "
            f"{counted(len(found), 'scenario')}, at most {100 * wide[0].share:.2f} %",
            err=True,
        )
    return bool(wide)
