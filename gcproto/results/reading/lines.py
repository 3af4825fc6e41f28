"""The lines of ``gcprobe bench``, from a machine that may have no Python, as a result.

A result that is made of lines is marked (``producer.imported``). Its environment is what the lines say, and no more.
A damaged line is refused with its number. A figure that was half transferred is not used.
"""

import datetime
import hashlib
from statistics import median
from typing import Annotated, Any

import msgspec

from gcproto import __version__
from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.reading.document import Unsound, neutral
from gcproto.results.reading.sound import faults
from gcproto.results.reading.text import clean, short_enough
from gcproto.results.schema import UNIT_TIME, Measurement, PathExperiment, PathScenario, Producer, Result, Skip
from gcproto.results.statistics import noise_of, summarise
from gcproto.vias import VIAS

FORMAT = 1
"""Of the lines (native/probe/bench.c)."""
LATEST = 32_503_680_000
"""Seconds since 1970 of the year 3000."""
WHY = 300
AGAIN = "copy the file again (adb pull, not the terminal), or run gcprobe bench again"

Count = Annotated[int, msgspec.Meta(ge=0)]


class Bench(msgspec.Struct):
    """The first line: parameters of the run."""

    format: int
    rounds: Count
    warmup: Count
    seed: Count
    cpu: int
    touch_cpu: int
    started: Annotated[int, msgspec.Meta(ge=0, le=LATEST)]
    memory_kib: Count
    privileged: bool


class Kernel(msgspec.Struct):
    """Of ``uname``."""

    release: str
    version: str
    machine: str


class Uffd(msgspec.Struct):
    """What userfaultfd offers."""

    via: Annotated[int, msgspec.Meta(ge=0, lt=len(VIAS))]
    features: Count
    range_ioctls: Count
    move_errno: int


class Info(msgspec.Struct):
    """The second line: the machine (``gcprobe info``)."""

    kernel: Kernel
    page_size: Annotated[int, msgspec.Meta(gt=0)]
    pmd_size: Annotated[int, msgspec.Meta(gt=0)]
    anon_orders: Count
    cpus: Count
    llc_bytes: Count
    uffd: Uffd
    benchmark: str
    compiler: str


class End(msgspec.Struct):
    """The last line: lines of scenarios, and seconds of the run."""

    lines: Count
    seconds: Annotated[float, msgspec.Meta(ge=0)]


class _Read:
    """What the lines said so far."""

    def __init__(self) -> None:
        self.bench: Bench | None = None
        self.info: Info | None = None
        self.end: End | None = None
        self.measurements: list[Measurement] = []
        self.skips: list[Skip] = []

    def take(self, line: bytes) -> None:
        """Read the next line.

        Raises:
            Unsound: it is damaged, or it is not of such a run, or at the wrong place.

        """
        document = _decoded(line)
        if self.end:
            raise Unsound("it comes after the end of the run: give the lines of one run")
        if self.bench is None:
            if "bench" not in document:
                raise Unsound('the first line is not {"bench": ...}: the beginning is missing, or it is another file')
            self.bench = msgspec.convert(document["bench"], Bench)
            if self.bench.format != FORMAT:
                raise Unsound(f"its format is {self.bench.format}, this program knows {FORMAT}")
        elif self.info is None:
            if "info" not in document:
                raise Unsound('the second line is not {"info": ...}')
            self.info = msgspec.convert(document["info"], Info)
        elif "scenario" in document:
            self._measured(msgspec.convert(document, Measurement, str_keys=True))
        elif "skip" in document:
            self.skips.append(msgspec.convert(document["skip"], Skip))
        elif "end" in document:
            self._ended(msgspec.convert(document["end"], End))
        else:
            raise Unsound("it is not a line of gcprobe bench")

    def _measured(self, one: Measurement) -> None:
        if not isinstance(one.scenario, PathScenario) or one.unit != UNIT_TIME:
            raise Unsound("gcprobe bench has no such scenario or unit")
        if any(one.scenario == other.scenario for other in self.measurements):
            raise Unsound("its scenario was measured before: a line is there twice")
        if one.median != (median(one.samples) if one.samples else None):
            raise Unsound("its median is not that of its samples")
        self.measurements.append(one)

    def _ended(self, end: End) -> None:
        found = len(self.measurements) + len(self.skips)
        if found != end.lines:
            raise Unsound(f"the run wrote {end.lines} lines of scenarios, {found} are here")
        self.end = end


def result_of(data: bytes, name: str, command: list[str]) -> Result:
    """Make a result of lines.

    Args:
        data: what ``gcprobe bench`` printed; lines may end in CR LF, as a terminal of adb makes them.
        name: of the file, for errors and for the mark.
        command: the command line that imports.

    Returns:
        The result. It is incomplete if the run did not get to its end.

    Raises:
        GcprotoError: a line is damaged (its number and the reason are said), or there is no measurement.

    """
    read = _Read()
    shown = clean(name)
    for number, raw in enumerate(data.split(b"\n"), 1):
        line = raw.removesuffix(b"\r")
        if not line:
            continue
        try:
            read.take(line)
        except (Unsound, msgspec.ValidationError) as error:
            why = clean(short_enough(str(error), WHY))
            raise _refused(f"{shown}, line {number}: the line is unusable", why) from error
    if read.bench is None or read.info is None or not read.measurements:
        raise _refused(f"{shown} has no measurement of gcprobe bench", "no line of a scenario was found")
    result = _result(read.bench, read.info, read, data, shown, command)
    summarise(result.measurements)
    result.noise = noise_of(result.measurements)
    why = next(faults(result), "")
    if why:
        raise _refused(f"{shown} contradicts itself", clean(short_enough(why, WHY)))
    return result


def _refused(what: str, why: str) -> GcprotoError:
    return GcprotoError(what, why=why, remedy=AGAIN, code=ExitCode.USAGE)


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        document = neutral(msgspec.json.decode(line))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unsound(f"it is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Unsound("it is not an object of JSON")
    found: dict[str, Any] = document
    if "scenario" in found:
        found = neutral({"measurements": found})["measurements"]  # stricter: measurements have no negative figures
    return found


def _result(bench: Bench, info: Info, read: _Read, data: bytes, name: str, command: list[str]) -> Result:
    started = datetime.datetime.fromtimestamp(bench.started, datetime.UTC)
    digest = hashlib.sha256(data).hexdigest()
    return Result(
        run_id=digest[:12],
        experiment=PathExperiment(quick=True),
        producer=Producer(
            version=__version__,
            command=command,
            seed=bench.seed,
            started=started.isoformat(timespec="seconds"),
            seconds=read.end.seconds if read.end else 0.0,
            benchmark=info.benchmark,
            complete=read.end is not None,
            imported=name.rpartition("/")[2] or name,
        ),
        environment=_environment(bench, info),
        measurements=read.measurements,
        skips=read.skips,
        noise=None,
    )


def _environment(bench: Bench, info: Info) -> dict[str, Any]:
    """What the lines say, in the form of gcproto.host.environment; what they do not say is missing."""
    kernel, uffd = info.kernel, info.uffd
    return {
        "origin": "the lines of gcprobe bench; what they do not say is unknown",
        "kernel": {"release": kernel.release, "version": kernel.version},
        "page_size": info.page_size,
        "pmd_size": info.pmd_size,
        "arch": kernel.machine,
        "cpu": {"model": "unknown", "count": info.cpus, "allowed": info.cpus, "llc_bytes": info.llc_bytes},
        "memory": {"total_kib": bench.memory_kib},
        "thp": {"anon_orders": info.anon_orders},
        "uffd": {
            "via": VIAS[uffd.via],
            "features": hex(uffd.features),
            "range_ioctls": hex(uffd.range_ioctls),
            "move_errno": uffd.move_errno,
        },
        "security": {"privileged": bench.privileged},
        "build": {"hash": {"paths": info.benchmark}, "compiler": info.compiler},
        "run": {"cpu": bench.cpu, "touch_cpu": bench.touch_cpu, "rounds": bench.rounds, "warmup": bench.warmup},
    }
