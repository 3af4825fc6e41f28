"""The window after the flip, in several ways, interleaved: every way once in each round, in seeded random order."""

import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from gcproto._native import lib
from gcproto.collector.counts import Counts
from gcproto.collector.placement import Cpus, Placement, cpus_for
from gcproto.collector.ways import DEFAULT_WAYS, Handler, Way
from gcproto.collector.window_round import Window, WindowLab, request_for
from gcproto.errors import GcprotoError
from gcproto.host import environment, probes
from gcproto.host.child import WorkerDied
from gcproto.logs import get_logger
from gcproto.record import Record
from gcproto.results.rounds import MIN_VALID, Rounds
from gcproto.results.schema import (
    UNIT_TIME,
    InvalidRound,
    Measurement,
    Outcome,
    Proof,
    Result,
    Scenario,
    Skip,
)
from gcproto.results.statistics import noise_of, summarise

WARMUP = 1


@dataclass
class WindowOrder:
    """What a user asks of a run (see ``gcproto gc window --help``).

    Args:
        ways: to compare, with their parameters.
        pages: base pages of each space.
        mutators: threads that touch to-space.
        runs: measured rounds; one more comes before them and is not used.
        seed: of the contents, the mutators' order and the order of ways.
        placements: of the collector beside the mutators; each way is run in each.
        timeout: seconds for one window.

    """

    ways: list[Way]
    pages: int
    mutators: int = 2
    runs: int = 7
    seed: int = 1
    placements: tuple[Placement, ...] = (Placement.UNPLACED,)
    timeout: float = 120.0


@dataclass
class _Tally(Rounds):
    """The windows of one way so far."""

    way: Way
    cpus: Cpus
    access: Counts = field(default_factory=Counts)
    fault: Counts = field(default_factory=Counts)
    windows: list[Window] = field(default_factory=list)

    def add(self, number: int, done: Window) -> None:
        """Count a window; one that lost a page or a word is kept apart."""
        sample = done.mutator_ns / self.scenario.pages
        reason = invalid_reason(done, self.scenario.pages)
        if reason:
            self.invalid.append(InvalidRound(number, sample, reason))
        elif number < WARMUP:
            self.warmup.append(sample)
        else:
            self.samples.append(sample)
            self.rounds.append(number)
            self.access.add(done.access)
            self.fault.add(done.fault)
            self.windows.append(done)

    def measurement(self) -> Measurement:
        """The measurement, statistics still missing."""
        return self.summed(
            UNIT_TIME,
            valid=self.sound(min(MIN_VALID, max(1, self.total))),
            proof=self._proof(),
            outcome=self._outcome(),
            latency={"access": self.access.latency(), "fault": self.fault.latency()},
            figures=self._figures(),
        )

    def _proof(self) -> Proof:
        pages = self.scenario.pages
        return Proof(
            level="state",
            rounds=len(self.windows),
            contents=pages * len(self.windows),
            source_gone=sum(pages - window.left for window in self.windows),
            path="moved" if not any(window.left for window in self.windows) else "mixed" if self._moves() else "copied",
        )

    def _moves(self) -> bool:
        return any(window.collector["moved"] + window.faults["moved"] for window in self.windows)

    def _outcome(self) -> Outcome:
        found = Outcome(asked=self.scenario.pages * len(self.windows))
        for window in self.windows:
            for account in (window.collector, window.faults):
                found.moved += account["moved"]
                found.copied += account["copied"]
                found.copied_after_ebusy += account["copied_after_ebusy"]
                found.zeroed += account["zeroed"]
                found.eagain += account["eagain"]
                found.ebusy += account["ebusy"]
                found.enoent += account["enoent"]
                found.eexist += account["lost"]
                found.short += account["short_results"]
                found.calls += account["move_calls"] + account["copy_calls"] + account["zeropage_calls"]
        return found

    def _figures(self) -> dict[str, float]:
        if not self.windows:
            return {}
        pages = self.scenario.pages
        return {
            "collector ns/page": statistics.median(window.collector_ns / pages for window in self.windows),
            "faults": statistics.median(window.fault.n for window in self.windows),
            "pages mapped by faults": statistics.median(_mapped(window.faults) for window in self.windows),
            "uncounted": float(sum(pages - _mapped(one.collector) - _mapped(one.faults) for one in self.windows)),
            "pages per collector ioctl": statistics.median(window.runs.quantile(500) for window in self.windows),
        }


def _lost(done: Window) -> int:
    return done.collector["lost"] + done.faults["lost"]


def _mapped(account: dict[str, int]) -> int:
    return sum(account[name] for name in ("moved", "copied", "copied_after_ebusy", "zeroed"))


def invalid_reason(done: Window, pages: int) -> str:
    """Why a window proves nothing; "" if all is well.

    Pages that are in their place with their contents, though every ioctl for them said EEXIST, are the kernel's doing
    (gcproto.host.known_bugs, retry-eexist): they are counted apart (``uncounted``), not taken for a failure.
    """
    if done.err:
        return done.reason
    if done.wrong or done.unmapped:
        return f"{done.wrong} wrong words or pages, {done.unmapped} pages of to-space not present"
    mapped = _mapped(done.collector) + _mapped(done.faults)
    if mapped > pages or pages - mapped > _lost(done):
        return f"{mapped} pages were mapped by somebody, there are {pages}"
    zeroed = done.collector["zeroed"] + done.faults["zeroed"]
    return f"{zeroed} holes in a from-space that has none" if zeroed else ""


def run(order: WindowOrder, progress: Callable[[int, int], None]) -> Result:
    """Measure.

    Raises:
        GcprotoError: userfaultfd, UFFDIO_MOVE or UFFD_FEATURE_SIGBUS is not to be had, or memory is too small.

    """
    _check(order)
    record = Record("collector")
    log = get_logger("window")
    rng = random.Random(order.seed)
    tallies = [
        _Tally(_scenario(way, order, placement), way, cpus_for(placement, order.mutators))
        for placement in order.placements
        for way in order.ways
    ]
    complete = True
    log.info("start", ways=[way.name for way in order.ways], pages=order.pages, mutators=order.mutators)
    with WindowLab(order.timeout) as lab:
        try:
            for number in range(WARMUP + order.runs):
                for tally in rng.sample(tallies, len(tallies)):
                    _one(lab, tally, order, number)
                    log.debug("window", way=tally.way.name, round=number)
                progress(number + 1, WARMUP + order.runs)
        except KeyboardInterrupt:
            complete = False
    measurements = [tally.measurement() for tally in tallies if tally.samples or tally.invalid]
    summarise(measurements)
    record.environment["run"] = {
        "cpu": -1,
        "touch_cpu": -1,
        "placements": {str(one): msgspec.to_builtins(cpus_for(one, order.mutators)) for one in order.placements},
        "rounds": order.runs,
        "warmup": WARMUP,
    }
    return record.result(
        measurements,
        [] if complete else [Skip("the rest", "interrupted", "")],
        options={"window": True, "memory": order.pages, "mutators": order.mutators},
        seed=order.seed,
        complete=complete,
        noise=noise_of(measurements),
    )


def _one(lab: WindowLab, tally: _Tally, order: WindowOrder, number: int) -> None:
    # The same seed for all ways of a round: they must face the same order of touches.
    request = request_for(tally.way, order.pages, order.mutators, order.seed * 1000 + number, tally.cpus)
    try:
        tally.add(number, lab.run(request))
    except WorkerDied as died:
        tally.invalid.append(InvalidRound(number, 0.0, str(died)))


def _scenario(way: Way, order: WindowOrder, placement: Placement) -> Scenario:
    size = order.pages * environment.page_size()
    arm = way.name if placement is Placement.UNPLACED else f"{way.name}@{placement}"
    return Scenario("window", 0, arm, size, "congruent", order.mutators + 1, order.pages)


def _check(order: WindowOrder) -> None:
    if any(lib.GCP_MAP_MOVE in (way.collector_by, way.fault_by) for way in order.ways):
        probes.require_move("choose ways that copy (--ways copy)")
    if any(way.handler is Handler.SIGBUS for way in order.ways):
        probes.require_sigbus()
    needed = 2 * order.pages * environment.page_size()
    available = environment.available_bytes()
    if available is not None and needed > available:
        raise GcprotoError(
            f"two spaces of {needed >> 21} MiB do not fit",
            why=f"{available >> 20} MiB of memory are available",
            remedy="choose a smaller --size",
        )


def default_ways(known: dict[str, Way]) -> list[Way]:
    """The ways that are compared unless others are asked for."""
    return [known[name] for name in DEFAULT_WAYS]
