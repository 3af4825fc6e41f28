"""``gcproto kernels``: the kernel lab."""

import click

from gcproto.cli.groups import LazyGroup

COMMANDS = {
    "ab": "What a patch gives: build stock and patched, run both, compare.",
    "build": "Build a kernel from a source, a configuration and patches.",
    "check": "What the kernels do where they might misbehave: contract and hazards, as a table of verdicts.",
    "compare": "Compare two kernels, scenario by scenario.",
    "export": "Results in the format of KernelCI's database (KCIDB).",
    "fetch": "Download, check and unpack kernels.",
    "history": "Series over kernel versions, with the steps in them.",
    "list": "Which kernels can be had, which are here, and what each is good for.",
    "stress": "Pages that move while everything else happens to them: contents, pins, leaks, splats.",
    "run": "Measure the evacuation paths in other kernels.",
}


@click.command(name="kernels", cls=LazyGroup, modules="gcproto.cli.kernels.", texts=COMMANDS)
def command() -> None:
    """The same measurements in other kernels, booted in QEMU.

    Under QEMU's instruction counting the unit is executed instructions per page: not a time, but the same on every
    machine and in every boot to a fraction of a percent.
    """
