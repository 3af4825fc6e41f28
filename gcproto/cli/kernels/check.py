"""``gcproto kernels check``: contract and hazards in other kernels, as a table of verdicts."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gcproto.cli.kernels.choice import KernelOptions, chosen, kernel_options
from gcproto.cli.kernels.matrix import MatrixOptions, matrix_options, ready, run_cells
from gcproto.cli.kit.options import takes
from gcproto.cli.kit.output import echo_json, result_options
from gcproto.cli.kit.params import Name, Once, seconds
from gcproto.counted import counted
from gcproto.errors import ExitCode

if TYPE_CHECKING:
    from gcproto.kernels.guest.machine import Machine
    from gcproto.results.schema import Result


@dataclass(frozen=True, kw_only=True)
class Options(KernelOptions, MatrixOptions):
    """Options of ``gcproto kernels check``."""

    hazards: tuple[str, ...]
    timeout: float


@click.command(name="check")
@kernel_options
@click.option(
    "--hazard",
    "hazards",
    multiple=True,
    callback=Once("hazard"),
    type=Name("hazard"),
    metavar="NAME",
    help="Run only this hazard and no contract; may be repeated.",
)
@click.option("--timeout", type=seconds(), default=900.0, show_default=True, help="Seconds for a guest.")
@matrix_options
@result_options
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Run in guests what must not be run on a host: the contract, KSM, races with swap, the known bugs of MOVE.

    The table says what each kernel did.  An exclamation mark means that its version was expected to do something else.
    A kernel with a bug is a finding, not a failure.  A verdict of corruption, panic or hang that no known bug explains
    is retried in three fresh guests.  If it stays, the table marks it with a question mark.

    The exit code is 1 if a guest could not run, or if an unexplained verdict stays.
    """
    from gcproto.kernels.run.cell import CHECK, Cell
    from gcproto.kernels.run.check import NODES, known
    from gcproto.kernels.run.repeat import TIMES

    known(options.hazards)
    kernels = chosen(options)
    built = ready(kernels, options, options.architecture)
    guest = check_guest(options, options.timeout, options.arch, NODES)
    cells = [
        Cell(kernel, CHECK, guest, programs=built, command=tuple(sys.argv[1:]), hazards=options.hazards, repeats=TIMES)
        for kernel in kernels
    ]

    def show(results: "list[Result]") -> int:
        show_verdicts(results, as_json=options.as_json)
        return sum(one.unexplained for result in results for one in result.verdicts)

    if many := run_cells(ctx, cells, options, show):
        click.echo(f"gcproto: {counted(many, 'verdict')} that no known bug explains", err=True)
        ctx.exit(ExitCode.NO)


def check_guest(options: MatrixOptions, timeout: float, architecture: str, nodes: int = 1) -> "Machine":
    """Two processors that run at the same time: races need them.

    Args:
        options: of the command.
        timeout: seconds for the guest.
        architecture: name of a row of gcproto.kernels.architecture.
        nodes: NUMA nodes.

    """
    from gcproto.kernels.guest.machine import Machine

    return Machine(
        icount=False,
        cpus=2,
        nodes=nodes,
        memory_mib=options.memory_mib,
        timeout=timeout,
        command_line=options.append,
        architecture=architecture,
        cpu=options.cpu or "",
    )


def show_verdicts(results: "list[Result]", *, as_json: bool) -> None:
    """Print what the kernels did, or the results as JSON."""
    if as_json:
        echo_json(*results)
        return
    from gcproto.cli.kit.terminal import console
    from gcproto.report.terminal.verdicts import print_verdicts

    print_verdicts(results, console())
