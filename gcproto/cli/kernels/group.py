"""``gcproto kernels``: the kernel lab."""

import click

from gcproto.cli.kit.groups import LazyGroup

COMMANDS = {
    "ab": "Build stock and patched kernels, run both, compare.",
    "bisect": "Find the commit or patch that changed a scenario's instructions.",
    "build": "Build a kernel from a source, a configuration and patches.",
    "check": "Check the contract and the hazards in other kernels: a table of verdicts.",
    "compare": "Compare two kernels, scenario by scenario.",
    "export": "Write results in the format of KernelCI's database (KCIDB).",
    "fetch": "Download, check and unpack kernels.",
    "history": "Show series over kernel versions, and their steps.",
    "list": "List the kernels that are available and what each can do.",
    "package": "Make Debian packages of a stock and a patched kernel, to measure them in time.",
    "profile": "Show which kernel functions a scenario's instructions are in.",
    "root": "Make a root file system for guests of another architecture.",
    "stress": "Move pages under fork, pins, reclaim and swap; look for lost contents, leaks and splats.",
    "run": "Measure the evacuation paths in other kernels.",
}


class Group(LazyGroup):
    """The commands below ``gcproto kernels``."""

    modules = "gcproto.cli.kernels."
    texts = COMMANDS


@click.command(name="kernels", cls=Group)
def command() -> None:
    """Measure other kernels, booted in QEMU.

    Under QEMU's instruction counting the unit is executed instructions per page.  It is not a time.  It is the same on
    every machine, and in every boot to a fraction of a percent.
    """
