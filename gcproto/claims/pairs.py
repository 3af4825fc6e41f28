"""Evidence from two kernels of one source, with a patch and without it: built if they are missing, booted in QEMU.

Results of other commands in the folder of results serve as well. They must have the same inputs: source,
configuration, patches and compiler. They must come from the same program, in the same kind of guest.
"""

import os
import platform
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from gcproto._native import lib
from gcproto.chars import text_of
from gcproto.errors import GcprotoError
from gcproto.kernels.build import kconfig, source
from gcproto.kernels.build.build import BuildParameters, build, inputs_of, need_tools
from gcproto.kernels.build.built import Built, all_built
from gcproto.kernels.build.patches import collect
from gcproto.kernels.cache import folder as cached
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.get.seen import catalog
from gcproto.kernels.guest import machine, programs
from gcproto.kernels.run.cell import CHECK, Cell, run_cell
from gcproto.process import interrupts
from gcproto.results.facts import cell_of, emulator_of
from gcproto.results.schema import Hazard, Result, Skip
from gcproto.results.store import load, save

SOURCE = "7.3"
"""The branch that the patches are for."""
CHECK_SECONDS = 900.0
FIRST_BUILD = 1800.0
"""Seconds of one processor for a first build of a source and configuration."""
LATER_BUILD = 90.0
"""The same for a build after it."""
CONFIG = "fast"
"""Configuration of all kernels."""
GUEST = {CHECK: 90.0, "quick": 40.0, "folios": 120.0, "swapcache": 60.0}
"""Seconds of a guest, by scenario set."""


@dataclass(frozen=True)
class Pair:
    """A patch, and what is tried without and with it.

    Args:
        patches: folder below native/kernel.
        sets: scenario sets whose results serve; the first is run if none is there.
        hazards: of the set CHECK.
        base: folder with patches of both kernels; "" for none.

    """

    patches: str
    sets: tuple[str, ...]
    hazards: tuple[str, ...] = ()
    base: str = ""

    @property
    def names(self) -> tuple[str, str]:
        """Of the kernel without the patch and with it."""
        return self.base or "stock", self.patches

    @property
    def folders(self) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """With the patches of each."""
        kernel = programs.sources() / "kernel"
        base = (kernel / self.base,) if self.base else ()
        return base, (*base, kernel / self.patches)


BUG = Pair("undo", (CHECK,), ("swapcache-rmap",), base="no-ksm-copy")
"""The bug that the thread began with: the handling of the swap cache is taken out.

KSM would copy the pages concerned, and hide it.
"""
WHOLE = Pair("series", ("quick", "folios"))
"""Large folios move whole."""
SPLIT = Pair("split-swapcache", ("swapcache",))
"""Folios in the swap cache that are not mapped are split."""


@dataclass(frozen=True)
class _Side:
    """One of the two kernels: its name and its inputs."""

    name: str
    inputs: str
    patches: tuple[Path, ...]


class Guests:
    """Results of pairs of kernels, each measured once.

    Args:
        say: is told what is built and measured.
        folder: of results, where they are looked for and kept.

    """

    def __init__(self, say: Callable[[str], None], folder: Path) -> None:
        self._say = say
        self._folder = folder
        self._built: dict[str, LocalKernel] = {}
        self._found: dict[Pair, tuple[Result, Result]] = {}
        self._known: dict[Pair, tuple[_Side, _Side]] = {}
        self.reused: list[str] = []

    def lacking(self) -> Skip | None:
        """Why no kernel can be built or booted here; None if both are possible."""
        what = "kernels"
        if platform.machine() not in {"x86_64", "AMD64"}:
            return Skip(what, f"the patches are measured on x86-64, and this is {platform.machine()}")
        try:
            machine.need()
            need_tools()
            programs.sources()
        except GcprotoError as error:
            return Skip(what, ": ".join(one for one in (error.what, error.why) if one), error.remedy)
        return None

    def missing_work(self, pairs: Iterable[Pair]) -> str:
        """What is missing for these, and how long that takes, in words."""
        builds: dict[str, float] = {}
        seconds = 0.0
        boots = 0
        first = not _has_tree()
        for pair in pairs:
            try:
                kept, sides = self._kept(pair), self._sides(pair)
            except GcprotoError:
                continue  # judging it says why
            if kept:
                continue
            boots += 2
            seconds += 2 * GUEST[pair.sets[0]]
            for side in sides:
                if not _is_built(side) and side.inputs not in builds:
                    builds[side.inputs] = FIRST_BUILD if first else LATER_BUILD
                    first = False
        if not boots:
            return "nothing is built or booted: earlier results are of the same kernels"
        compiling = sum(builds.values()) / max(1, len(os.sched_getaffinity(0)))
        minutes = max(1, round((seconds + compiling) / 60))
        return f"{len(builds)} kernels are built and {boots} guests booted: about {minutes} minutes"

    def pair(self, pair: Pair) -> tuple[Result, Result]:
        """Results of the kernel without the patch and with it, of one scenario set.

        Raises:
            GcprotoError: a kernel can't be built, or a guest did not end as it should.
            KeyboardInterrupt: a signal came.

        """
        if pair not in self._found:
            kept = self._kept(pair)
            if kept:
                self.reused += [one.run_id for one in kept]
            self._found[pair] = kept or self._measured(pair)
        return self._found[pair]

    def _kept(self, pair: Pair) -> tuple[Result, Result] | None:
        """Earlier results of both, of the same set and the same kind of guest."""
        sides = self._sides(pair)
        for name in pair.sets:
            stock, changed = (
                [one for one in _with(self._folder, side.inputs) if _serves(one, pair, name)] for side in sides
            )
            for one in stock:
                for other in changed:
                    if cell_of(one) == cell_of(other) and emulator_of(one) == emulator_of(other):
                        return one, other
        return None

    def _measured(self, pair: Pair) -> tuple[Result, Result]:
        kernels = [self._kernel(side) for side in self._sides(pair)]
        built = str(programs.build())
        check = pair.sets[0] == CHECK
        guest = (
            machine.Machine(icount=False, cpus=2, timeout=CHECK_SECONDS) if check else machine.Machine(timeout=300.0)
        )
        found = []
        for kernel in kernels:
            self._say(f"guest: {kernel.release}, {pair.sets[0]}")
            command = tuple(sys.argv[1:])
            cell = Cell(kernel, pair.sets[0], guest, programs=built, command=command, hazards=pair.hazards)
            result = run_cell(cell)
            save(result, self._folder)
            interrupts.resume()
            assert result.guest
            if result.guest.outcome != "done" and not (check and result.verdicts):
                raise GcprotoError(f"the guest of {kernel.release} ended: {result.guest.outcome}", why=result.guest.why)
            found.append(result)
        return found[0], found[1]

    def _sides(self, pair: Pair) -> tuple[_Side, _Side]:
        """The compiler is asked and the patches are read once for each pair."""
        if pair not in self._known:
            compiler = need_tools()
            known = catalog().find_source(SOURCE)
            # The digest needs the package's hash, and not the package.
            origin = source.Origin(known.branch, known.upstream, "", known.package.sha256)
            stock, changed = (
                _Side(name, inputs_of(_parameters(name, folders, origin), compiler), folders)
                for name, folders in zip(pair.names, pair.folders, strict=True)
            )
            self._known[pair] = stock, changed
        return self._known[pair]

    def _kernel(self, side: _Side) -> LocalKernel:
        if side.inputs not in self._built:
            self._say(f"kernel: {side.name}")
            self._built[side.inputs] = _build(side, self._say).local
        return self._built[side.inputs]


def _build(side: _Side, say: Callable[[str], None]) -> Built:
    said = [""]

    def progress(what: str, _done: int, _total: int) -> None:
        if what != said[0]:
            said[0] = what
            say(f"kernel: {side.name}: {what}")

    origin = source.fetched(catalog().find_source(SOURCE), progress)
    return build(_parameters(side.name, side.patches, origin), progress)


def _parameters(name: str, patches: Iterable[Path], origin: source.Origin) -> BuildParameters:
    jobs = len(os.sched_getaffinity(0))
    return BuildParameters(name, origin, kconfig.chosen([CONFIG]), tuple(collect(patches)), jobs)


def _is_built(side: _Side) -> bool:
    return any(one.inputs == side.inputs for one in all_built())


def _has_tree() -> bool:
    return (cached("trees") / f"{SOURCE}-{kconfig.chosen([CONFIG]).key}" / "obj" / ".config").exists()


def _with(folder: Path, inputs: str) -> list[Result]:
    """Results of a kernel of these inputs, newest first."""
    found = []
    for file in folder.glob("kernels-*.json"):
        try:
            # Most files are of other kernels: reading is cheaper than checking.
            if f'"{inputs}"'.encode() not in file.read_bytes():
                continue
            result = load(file)
        except (OSError, GcprotoError):
            continue  # of another version of this program
        if result.guest and result.guest.inputs == inputs:
            found.append(result)
    return sorted(found, key=lambda one: one.producer.started, reverse=True)


def _serves(one: Result, pair: Pair, name: str) -> bool:
    """Whether an earlier result is what a guest would give now."""
    cell = cell_of(one)
    guest = one.guest
    if cell is None or guest is None or cell.set != name or one.producer.benchmark != _program():
        return False
    if name == CHECK:
        tried = {verdict.subject for verdict in one.verdicts}
        return {Hazard(hazard) for hazard in pair.hazards} <= tried
    return cell.icount and cell.cpus == 1 and guest.outcome == "done" and one.producer.complete


def _program() -> str:
    """Hash of the code that measures in guests, of this version."""
    return text_of(lib.gcp_build_paths())
