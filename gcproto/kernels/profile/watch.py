"""A guest that is watched by the plugin, and what comes of it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gcproto.counted import counted
from gcproto.errors import GcprotoError
from gcproto.kernels.architecture import named
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest.transcript import Transcript
from gcproto.kernels.profile import functions, plugin, rounds
from gcproto.results.profiles.events import whole
from gcproto.results.schema import Cache, PathFigures, Skip

WHAT = "profile by function"
ELSEWHERE = "system calls were not seen at the kernel's entry, so its functions are not where its symbols say"


class Watch:
    """Of one boot.

    Attributes:
        devices: words for QEMU's command line; none if the guest can't be watched, or need not be.
        skips: why it can't be.

    """

    def __init__(self) -> None:
        self.devices: list[str] = []
        self.skips: list[Skip] = []
        self._functions: list[functions.Function] = []
        self._out: Path | None = None
        self._caches: tuple[Cache, ...] = ()

    def begin(self, kernel: LocalKernel, programs: Path, folder: Path, caches: tuple[Cache, ...] = ()) -> None:
        """Prepare for a boot of a kernel.

        Args:
            kernel: that will be booted.
            programs: folder with the guest's programs.
            folder: for files that QEMU reads and writes.
            caches: of the model whose misses are counted.

        Raises:
            GcprotoError: the plugin can't be built or the functions can't be read.

        """
        row = named(kernel.architecture)
        library = plugin.build(row)
        program = functions.of_program(programs / "gcprobe", row)
        self._functions = sorted([*program, *functions.of_kernel(kernel, programs)])
        listed = folder / "functions"
        listed.write_text("".join(f"{one.first:x} {one.end:x}\n" for one in self._functions))
        self._out = folder / "rounds"
        self._caches = caches
        self.devices = plugin.option(library, listed, self._out, caches)

    def end(self, found: Transcript) -> None:
        """Give measurements of the guest their profiles.

        Args:
            found: what the guest said.

        """
        if self._out is None:
            return
        seen = rounds.read(self._out) if self._out.exists() else {}
        measured = list(zip(found.measurements, found.marked, strict=False))
        without = sum(not rounds.add(one, marked, seen, self._functions, self._caches) for one, marked in measured)
        if without:
            many = f"{without} of {counted(len(measured), 'measurement')}"
            self.skips.append(Skip(WHAT, f"{many} have rounds that were not counted"))
        figures = [one.figures for one, _ in measured if isinstance(one.figures, PathFigures) and one.figures.profile]
        if not all(one.profile and whole(one.profile) for one in figures):
            self.skips.append(Skip(WHAT, ELSEWHERE, "remove the folder `functions` from the cache, and run again"))
            for one in figures:
                one.profile = None


@contextmanager
def watching(kernel: LocalKernel, programs: Path, *, wanted: bool, caches: tuple[Cache, ...] = ()) -> Iterator[Watch]:
    """A watch for one boot; what it can't have is a skip of it.

    Args:
        kernel: that will be booted.
        programs: folder with the guest's programs.
        wanted: the command asked for a profile.
        caches: of the model whose misses are counted; empty: none.

    """
    made = Watch()
    with tempfile.TemporaryDirectory(prefix="gcproto-profile-") as folder:
        if wanted:
            try:
                made.begin(kernel, programs, Path(folder), caches)
            except GcprotoError as error:
                made.skips.append(Skip(WHAT, "; ".join(filter(None, (error.what, error.why))), error.remedy))
        yield made
