"""``gcproto heap``: heaps of other runtimes."""

import click

from gcproto.cli.kit.groups import LazyGroup

COMMANDS = {"inspect": "Describe a heap dump page by page, and predict what its collection takes."}


class Group(LazyGroup):
    """The commands below ``gcproto heap``."""

    modules = "gcproto.cli.heap."
    texts = COMMANDS


@click.command(name="heap", cls=Group)
def command() -> None:
    """Describe heap dumps of other runtimes.

    `gcproto gc --workload dump --recording FILE` collects them.
    """
