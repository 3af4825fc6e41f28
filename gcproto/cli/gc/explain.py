"""``gcproto gc --explain``: the documentation of the code itself."""

from importlib import import_module

import click


def explain(name: str) -> None:
    """Print what a workload, the policies and the modes do.

    Args:
        name: of the workload.

    """
    from gcproto.collector.modes import MODES

    module = import_module(f"gcproto.heap.workloads.{name}")
    click.echo(f"{name}\n\n{module.__doc__}")
    from gcproto.collector.policies import POLICIES

    click.echo("policies\n")
    for policy in POLICIES.values():
        click.echo(f"  {policy.name:<12} {policy.text}")
    click.echo("\nmodes\n")
    for mode in MODES.values():
        click.echo(f"  {mode.name:<10} {mode.text}")
