"""What HotSpot says of its pauses: ``-Xlog:gc*,safepoint`` with decorators ``timenanos,tags``.

The form of the lines is OpenJDK 17's.  A line of a pause, a safepoint or a stall in another form is an error: a pause
that is passed over would be a pause that did not happen.

``GC(1) Pause Young ... 39.605ms`` times the collector's own work.  Mutators stand from the request for the safepoint
until it is over, so lengths are of the safepoint line that follows; the pause's line gives its name.
"""

import re
from dataclasses import dataclass, field

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.schema import Pause

OPTION = "-Xlog:gc*,safepoint:file={}:timenanos,tags:filecount=0"

LINE = re.compile(r"\[(?P<ns>\d+)ns\]\[(?P<tags>[a-z0-9,+]+) *\] ?(?P<text>.*)")
PAUSE = re.compile(
    r"GC\((?P<gc>\d+)\) Pause (?P<name>[A-Z].*?)(?: (?P<before>\d+)M->(?P<after>\d+)M\((?P<heap>\d+)M\))? "
    r"(?P<ms>\d+\.\d{3})ms"
)
SAFEPOINT = re.compile(
    r'Safepoint "(?P<operation>\w+)", Time since last: \d+ ns, Reaching safepoint: (?P<reaching>\d+) ns, '
    r"Cleanup: (?P<cleanup>\d+) ns, At safepoint: (?P<at>\d+) ns, Total: (?P<total>\d+) ns"
)
STALL = re.compile(r"(?P<kind>Allocation|Relocation) Stall \((?P<thread>.+)\) (?P<ms>\d+\.\d{3})ms")
NUMBER = re.compile(r"GC\((\d+)\)")
ROUNDING_NS = 1_000
"""Times of pauses are rounded to this."""


@dataclass(frozen=True)
class Stop:
    """A safepoint in which a collector did something.

    Attributes:
        ns: of the monotonic clock, when it was asked for.
        pauses: names of the collector's pauses in it.
        stop_ns: until all threads stood;  held_ns: from then on.

    """

    ns: int
    pauses: tuple[str, ...]
    stop_ns: int
    held_ns: int

    @property
    def pause(self) -> Pause:
        """As results have it."""
        return Pause(name=", ".join(self.pauses), stop_ns=self.stop_ns, ns=self.held_ns)


@dataclass(frozen=True)
class Stall:
    """A mutator that waited for the collector, from ``ns`` on."""

    ns: int
    kind: str
    length_ns: int


@dataclass
class Log:
    """What a log says, in order.

    Attributes:
        stops: for a collector;  stalls: of mutators.
        collections: number of each collection and when its first line was written, ns.
        others_ns: time at safepoints without a collector's pause.

    """

    stops: list[Stop] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    collections: dict[int, int] = field(default_factory=dict)
    others_ns: int = 0

    def between(self, begin: int, end: int) -> list[Stop]:
        """Stops that began in a span of time, ns."""
        return [one for one in self.stops if begin <= one.ns <= end]

    def stalls_between(self, begin: int, end: int) -> list[Stall]:
        """Stalls that began in it."""
        return [one for one in self.stalls if begin <= one.ns <= end]

    def collections_between(self, begin: int, end: int) -> int:
        """Collections that began in it."""
        return sum(begin <= one <= end for one in self.collections.values())


class _Reader:
    """Reads line by line: pauses wait for the safepoint that they were in."""

    def __init__(self) -> None:
        self.found = Log()
        self._pending: list[tuple[str, float]] = []

    def line(self, line: str, number: int) -> None:
        """One line.

        Raises:
            GcprotoError: it is none of a log, or says something in an unknown form.

        """
        match = LINE.fullmatch(line)
        if not match:
            raise _unknown(line, number)
        ns, text, tags = int(match["ns"]), match["text"], match["tags"]
        if tags.startswith("gc"):
            known = NUMBER.match(text)
            if known:
                self.found.collections.setdefault(int(known[1]), ns)
        # Tag sets "gc" and "gc,phases" have the end of each pause; "gc,start" its begin, "gc,stats" sums at the end.
        if tags in {"gc", "gc,phases"} and re.match(r"GC\(\d+\) Pause ", text):
            self._pause(_match(PAUSE, text, line, number))
        elif tags == "gc" and " Stall (" in text:
            stall = _match(STALL, text, line, number)
            length = _ns(stall["ms"])
            self.found.stalls.append(Stall(ns - length, stall["kind"].lower(), length))
        elif tags == "safepoint":
            self._safepoint(ns, _match(SAFEPOINT, text, line, number), line, number)

    def _pause(self, match: "re.Match[str]") -> None:
        self._pending.append((match["name"], _ns(match["ms"])))

    def _safepoint(self, ns: int, match: "re.Match[str]", line: str, number: int) -> None:
        reaching, cleanup, at, total = (int(match[one]) for one in ("reaching", "cleanup", "at", "total"))
        if reaching + cleanup + at != total:
            raise _unknown(line, number, "its parts don't add up to its total")
        pending, self._pending = self._pending, []
        if not pending:
            self.found.others_ns += total
            return
        if sum(length for _, length in pending) > at + ROUNDING_NS * len(pending):
            raise _unknown(line, number, "the pauses before it took longer than it did")
        names = tuple(name for name, _ in pending)
        # The line is written once threads run again, when a mutator may have read the clock already.
        self.found.stops.append(Stop(ns - total, names, reaching, cleanup + at))

    def end(self) -> Log:
        """All that was read.

        Raises:
            GcprotoError: the log ends within a pause.

        """
        if self._pending:
            raise GcprotoError("the log ends within a pause", why=f"no safepoint follows {self._pending[0][0]!r}")
        return self.found


def parse(text: str) -> Log:
    """Read a log.

    Args:
        text: of the whole file.

    Raises:
        GcprotoError: a line is not understood, or the log is cut off.

    """
    reader = _Reader()
    for number, line in enumerate(text.splitlines(), 1):
        reader.line(line, number)
    return reader.end()


def _match(pattern: "re.Pattern[str]", text: str, line: str, number: int) -> "re.Match[str]":
    found = pattern.fullmatch(text)
    if not found:
        raise _unknown(line, number)
    return found


def _ns(milliseconds: str) -> int:
    return round(float(milliseconds) * 1e6)


def _unknown(line: str, number: int, why: str = "") -> GcprotoError:
    return GcprotoError(
        f"line {number} of the JVM's log is not understood: {line[:200]!r}",
        why=why or "its form is not that of OpenJDK 17",
        remedy="teach it to benchmarks/jvm/log.py, with a log of that JVM beside its test",
        code=ExitCode.USAGE,
    )
