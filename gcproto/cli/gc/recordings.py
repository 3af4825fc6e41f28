"""Files that workloads are made from: an allocation trace for ``replay``, a heap dump for ``dump``."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from gcproto.cli.kit.params import LARGEST
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.sizes import mib_text

DUMP, REPLAY = "dump", "replay"
SCALES = ["1", "2", "4"]


@dataclass(frozen=True)
class Recorded:
    """What a recording comes to.

    Attributes:
        file: for the workload; "" for one that takes none.
        name: of the file that was given.
        live: bytes that all mutators together keep alive; 0: unknown.
        used: bytes that a dump's heap uses, live and dead; 0 without one.

    """

    file: str = ""
    live: int = 0
    used: int = 0
    name: str = ""


@contextmanager
def recorded(workload: str, recording: Path | None, mutators: int, scale: int = 1) -> Iterator[Recorded]:
    """A workload's file, for as long as it runs.

    Args:
        workload: that is run.
        recording: file that was given.
        mutators: threads at most.
        scale: of a dump (gcproto.dumps.rebuild).

    Raises:
        GcprotoError: workload and file do not belong together, the file can't be used, or it needs too much memory.

    """
    if (workload in {DUMP, REPLAY}) != (recording is not None):
        raise GcprotoError("--workload replay or dump and --recording FILE belong together", code=ExitCode.USAGE)
    if scale != 1 and workload != DUMP:
        raise GcprotoError("--scale is of heap dumps", why=f"--workload is {workload}", code=ExitCode.USAGE)
    if recording is None:
        yield Recorded()
    elif workload == REPLAY:
        yield Recorded(str(recording), _trace_bytes(recording, mutators), name=recording.name)
    else:
        with tempfile.TemporaryDirectory(prefix="gcproto-") as folder:
            yield _dumped(recording, Path(folder) / "heap.npy", scale)


def _trace_bytes(recording: Path, mutators: int) -> int:
    from gcproto.heap.workloads.recording import load

    found = max(1 << 20, load(recording).peak_bytes) * mutators
    if found > LARGEST:
        raise GcprotoError(
            f"a live set of {found >> 20} MiB is more than any machine has",
            why="a recording's live set is counted for each mutator",
            remedy="choose fewer --mutators",
            code=ExitCode.USAGE,
        )
    return found


def _dumped(recording: Path, file: Path, scale: int) -> Recorded:
    """Rebuild the heap of a dump, and say on standard error what was changed."""
    from gcproto.dumps.read import read
    from gcproto.dumps.rebuild import rebuild
    from gcproto.dumps.words import changes

    graph = read(recording)
    made = rebuild(graph, file, scale)
    click.echo(
        f"{recording}: {graph.source}, {counted(made.objects, 'object')}, {made.live:,} of them live, "
        f"{mib_text(made.words * 8)} from first to last, {mib_text(made.live_words * 8)} live",
        err=True,
    )
    for line in changes(graph, made):
        click.echo(f"  {line}", err=True)
    return Recorded(str(file), made.live_words * 8, made.words * 8, recording.name)
