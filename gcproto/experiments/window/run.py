"""The window after the flip, in several ways and placements, interleaved: each once in every round, in seeded order."""

import statistics
from dataclasses import dataclass, field

import msgspec

from gcproto._native import lib
from gcproto.collector.counts import Counts
from gcproto.experiments.entry import Entry
from gcproto.experiments.frame import Frame, Progress, Schedule
from gcproto.experiments.placement import Placement, cpus_for
from gcproto.experiments.window.round import Thread, Window, WindowLab, request_for
from gcproto.experiments.window.ways import DEFAULT_WAYS, Handler, Way
from gcproto.host import environment, probes
from gcproto.host.memory import need
from gcproto.record import Record
from gcproto.results.outcome import outcome_of
from gcproto.results.schema import (
    UNIT_TIME,
    MapAccount,
    Measurement,
    Proof,
    Result,
    WindowExperiment,
    WindowFigures,
    WindowScenario,
)

WARMUP = 1


@dataclass
class WindowParameters:
    """What a user asks of a run (see ``gcproto gc window --help``).

    Args:
        ways: to compare, with their parameters.
        placements: of the collector on processors, each of which every way is run in.
        pages: base pages of each space.
        batch, group: pages, that the ways were made with.
        mutators: threads that touch to-space.
        rounds: measured rounds; one more comes before them and is not used.
        seed: of the contents, the mutators' order and the order of ways.
        timeout: seconds for one window.

    """

    ways: list[Way]
    placements: list[Placement]
    pages: int
    batch: int
    group: int
    mutators: int = 1
    rounds: int = 7
    seed: int = 1
    timeout: float = 120.0


@dataclass
class _Tally(Entry):
    """The windows of one way in one placement so far."""

    scenario: WindowScenario
    way: Way
    pages: int
    access: Counts = field(default_factory=Counts)
    fault: Counts = field(default_factory=Counts)
    windows: list[Window] = field(default_factory=list)

    def add(self, number: int, done: Window, *, warmup: bool) -> None:
        """Count a window; one that lost a page or a word is kept apart."""
        reason = invalid_reason(done, self.pages)
        if self.take(number, done.mutator_ns / self.pages, reason, warmup=warmup):
            self.access.add(done.access)
            self.fault.add(done.fault)
            self.windows.append(done)

    def measurement(self) -> Measurement:
        """The measurement, statistics still missing."""
        return self.summed(
            UNIT_TIME,
            proof=self._proof(),
            outcome=outcome_of(
                (account for window in self.windows for account in accounts(window)),
                asked=self.pages * len(self.windows),
            ),
            figures=self._figures() if self.windows else WindowFigures(),
        )

    def _proof(self) -> Proof:
        left = any(window.left for window in self.windows)
        moves = any(account.moved for window in self.windows for account in accounts(window))
        return Proof(
            level="state",
            rounds=len(self.windows),
            contents=self.pages * len(self.windows),
            source_gone=sum(self.pages - window.left for window in self.windows),
            path="mixed" if left and moves else "copied" if left else "moved",
        )

    def _figures(self) -> WindowFigures:
        windows, pages = self.windows, self.pages
        lost = [sum(thread.fault_ns for thread in window.threads) for window in windows]
        return WindowFigures(
            collector_ns_page=statistics.median(window.collector_ns / pages for window in windows),
            faults=statistics.median(window.fault.n for window in windows),
            pages_by_faults=statistics.median(accounts(window)[1].mapped for window in windows),
            uncounted=float(sum(pages - sum(one.mapped for one in accounts(window)) for window in windows)),
            pages_an_ioctl=statistics.median(window.runs.quantile(500) for window in windows),
            lost_ns_page=statistics.median(ns / pages for ns in lost) if self.way.handler is Handler.SIGBUS else None,
            queued_ns_page=_queued([window.threads for window in windows], pages),
            collector_queued_ns_page=_queued([[window.sweeper] for window in windows], pages),
            access=self.access.latency() if self.access.n else None,
            fault=self.fault.latency() if self.fault.n else None,
            processors=sorted({thread.ran.last for window in windows for thread in (window.sweeper, *window.threads)}),
        )


def _queued(windows: list[list[Thread]], pages: int) -> float | None:
    """Time that threads waited for a processor, of all of them in each window: the median, ns for each page."""
    times = [[thread.queued_ns for thread in threads] for threads in windows]
    known = [[ns for ns in some if ns is not None] for some in times]
    if known != times:
        return None
    return statistics.median(sum(some) / pages for some in known)


def accounts(done: Window) -> tuple[MapAccount, MapAccount]:
    """What the collector and the faults did."""
    return MapAccount(**done.collector), MapAccount(**done.faults)


def invalid_reason(done: Window, pages: int) -> str:
    """Why a window proves nothing; "" if all is well.

    A page may be in its place with its contents although every ioctl for it returned EEXIST.  That is a known bug of
    the kernel (gcproto.known.bugs, retry-eexist).  Such pages are counted apart (``uncounted``), and are not a failure.
    """
    if done.err:
        return done.reason
    if done.wrong or done.unmapped:
        return f"wrong words or pages: {done.wrong}; pages of to-space not present: {done.unmapped}"
    every = accounts(done)
    mapped = sum(one.mapped for one in every)
    if mapped > pages or pages - mapped > sum(one.lost for one in every):
        return f"pages mapped by the accounts: {mapped}, there are {pages}"
    zeroed = sum(one.zeroed for one in every)
    return f"{zeroed} holes in a from-space that has none" if zeroed else ""


def run(wanted: WindowParameters, progress: Progress) -> Result:
    """Measure.

    Raises:
        GcprotoError: userfaultfd, UFFDIO_MOVE or UFFD_FEATURE_SIGBUS is unavailable, a placement is impossible, or
            memory is too small.

    """
    if any(lib.GCP_VERB_MOVE in (way.collector_by, way.fault_by) for way in wanted.ways):
        probes.require_move("choose ways that copy (--ways copy)")
    if any(way.handler is Handler.SIGBUS for way in wanted.ways):
        probes.require_sigbus()
    cpus = {placement: cpus_for(placement, wanted.mutators) for placement in wanted.placements}
    size = wanted.pages * environment.page_size()
    need(f"a window of {size >> 20} MiB", 2 * size, "choose a smaller --size", why="it has two spaces")
    record = Record()
    tallies = [
        _Tally(_scenario(wanted, way, placement), way, wanted.pages)
        for placement in wanted.placements
        for way in wanted.ways
    ]
    frame: Frame[_Tally] = Frame(tallies, Schedule(wanted.rounds, WARMUP, wanted.seed), progress)
    with WindowLab(wanted.timeout) as lab:

        def one(number: int, tally: _Tally) -> None:
            placed = cpus[Placement(tally.scenario.placement)]
            # The same seed for all ways of a round: they must face the same order of touches.
            asked = request_for(tally.way, wanted.pages, wanted.mutators, wanted.seed * 1000 + number, placed)
            tally.add(number, lab.run(asked), warmup=frame.warming(number))

        frame.run(one)
    record.environment["placements"] = {str(one): msgspec.to_builtins(placed) for one, placed in cpus.items()}
    return frame.result(record, WindowExperiment())


def _scenario(wanted: WindowParameters, way: Way, placement: Placement) -> WindowScenario:
    return WindowScenario(
        way=way.name,
        size_bytes=wanted.pages * environment.page_size(),
        mutators=wanted.mutators,
        batch=wanted.batch,
        group=wanted.group,
        handler=way.handler.value,
        placement=placement.value,
    )


def default_ways(known: dict[str, Way]) -> list[Way]:
    """The ways that are compared unless others are asked for."""
    return [known[name] for name in DEFAULT_WAYS]
