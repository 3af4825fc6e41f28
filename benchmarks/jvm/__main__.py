"""``python -m benchmarks.jvm``: compare, or show a comparison."""

import sys
from pathlib import Path

import click

from benchmarks.jvm import document
from benchmarks.jvm.rounds import Comparison, asked
from benchmarks.jvm.table import show
from gcproto.cli.kit.params import Size
from gcproto.errors import GcprotoError


@click.command()
@click.option("--live", type=Size(1 << 20), default="128m", show_default=True, help="Live set.")
@click.option("--heap", type=click.FloatRange(2, 100), default=4, show_default=True, help="Heap, in live sets.")
@click.option("--operations", type=click.IntRange(1), default=150_000, show_default=True, help="Steps to measure.")
@click.option("--rounds", type=click.IntRange(1), default=6, show_default=True, help="Measured rounds.")
@click.option("--seconds", type=click.FloatRange(1), default=300.0, show_default=True, help="Limit of time.")
@click.option("--seed", type=click.IntRange(0, 1 << 20), default=1, show_default=True, help="Seed of everything.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Folder.")
@click.option("--show", "file", type=click.Path(path_type=Path), help="Show a file, and measure nothing.")
def command(
    live: int, heap: float, operations: int, rounds: int, seconds: float, seed: int, out: Path, file: Path
) -> None:
    """Compare the heap's modes with HotSpot's collectors on one graph."""
    if file:
        show(document.load(file))
        return
    found = Comparison(asked(live, heap, operations, rounds, seed, seconds), _say).run()
    _say("")
    show(found)
    click.echo(f"result: {document.save(found, out)}", err=True)


def _say(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")


def main() -> None:
    """Run, and end with one line and an exit code where it can't."""
    try:
        command()
    except GcprotoError as error:
        click.echo(f"compare-jvm: {error}", err=True)
        sys.exit(int(error.code))


if __name__ == "__main__":
    main()
