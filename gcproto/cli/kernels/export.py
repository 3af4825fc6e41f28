"""``gcproto kernels export``: results for other systems."""

from pathlib import Path

import click

from gcproto.cli.kernels.results import guests
from gcproto.cli.kit.params import FilePath, Once
from gcproto.process.outputs import see_that_outputs_are_new, write_whole


@click.command(name="export")
@click.argument(
    "places",
    nargs=-1,
    type=FilePath(exists=True),
    metavar="[RESULT|FOLDER]...",
    callback=Once("place", Path.absolute),
)
@click.option("--kcidb", is_flag=True, required=True, help="Write for KernelCI's database: KCIDB I/O schema 5.3.")
@click.option("--origin", default="gcproto", show_default=True, help="Name of the sender in KernelCI.")
@click.option("-o", "--output", type=FilePath(dir_okay=False), help="File to write [default: standard output].")
def command(places: tuple[Path, ...], kcidb: bool, origin: str, output: Path | None) -> None:  # noqa: ARG001
    """Write results of guests as a document of another system, validated against its schema."""
    import json

    from gcproto.results.exports.kcidb import document

    if output is not None:
        see_that_outputs_are_new([output], places or [Path("results")])
    text = json.dumps(document(guests(places or [Path("results")]), origin), indent=1) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    write_whole(output, text)
