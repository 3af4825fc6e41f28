"""Workloads on heaps, in several modes, interleaved: every scenario once in each round, in seeded random order."""

import datetime
import random
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gcproto import __version__
from gcproto._native import ffi, lib
from gcproto.collector.counts import Counts
from gcproto.collector.modes import Mode
from gcproto.collector.session_round import Session, SessionLab, SessionRequest
from gcproto.errors import ExitCode, GcprotoError
from gcproto.host import environment
from gcproto.host.child import WorkerDied
from gcproto.logs import bind, get_logger
from gcproto.results.schema import (
    UNIT_OPERATION,
    Collection,
    InvalidRound,
    Latency,
    Measurement,
    Outcome,
    Producer,
    Proof,
    Result,
    Scenario,
    Skip,
)
from gcproto.results.statistics import P99_FROM, P999_FROM, noise_of, summarise

WARMUP = 1
MAX_INVALID_SHARE = 0.1
MIN_VALID = 3
NONE_SPARE = 32 << 20
NONE_SHARE = 0.5
"""Mode none gets what the others allocated and something to spare, at most this share of the memory available."""


@dataclass
class GcOrder:
    """What a user asks of a run (see ``gcproto gc --help``).

    Args:
        workload, mutators, live_bytes, operations, mutation, fragmentation: as in ``SessionRequest``; live_bytes and
            operations of all mutators together.
        modes: to compare, each with the options that it was changed by.
        factors: heap sizes as multiples of the live bytes.
        runs: measured rounds.
        seed: of graphs, operations and the order of modes.
        verify, disturb, trace, recording, large_folios: as in ``SessionRequest``.
        timeout: seconds for one run.

    """

    workload: str
    modes: list[tuple[Mode, dict[str, int | str | bool]]]
    factors: list[float]
    live_bytes: int
    operations: int
    mutators: int = 2
    mutation: int = 100
    fragmentation: int = 500
    runs: int = 5
    seed: int = 1
    verify: bool = False
    disturb: str = ""
    trace: str = ""
    recording: str = ""
    large_folios: bool = False
    timeout: float = 600.0


@dataclass
class _Tally:
    """The runs of one scenario so far."""

    mode: Mode
    options: dict[str, int | str | bool]
    capacity: int
    scenario: Scenario
    verify: bool
    samples: list[float] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    warmup: list[float] = field(default_factory=list)
    invalid: list[InvalidRound] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    allocated: int = 0
    out_of_memory: str = ""

    def add(self, number: int, done: Session, digests: list[int]) -> None:
        """Count a run; one that found something wrong is kept apart."""
        self.allocated = max(self.allocated, done.allocated_bytes)
        sample = done.mutator_ns / done.operations if done.operations else 0.0
        reason = invalid_reason(done, digests)
        if reason:
            self.invalid.append(InvalidRound(number, sample, reason))
        elif number < WARMUP:
            self.warmup.append(sample)
        else:
            self.samples.append(sample)
            self.rounds.append(number)
            self.sessions.append(done)

    def counts(self, name: str) -> Counts:
        """A histogram over all valid rounds."""
        found = Counts()
        for session in self.sessions:
            found.add(getattr(session, name))
        return found

    def collections(self) -> list[Collection]:
        """Measured collections of all valid rounds."""
        return [one for session in self.sessions for one in session.collections if one.measured]

    def measurement(self) -> Measurement:
        """The measurement, statistics still missing."""
        total = len(self.samples) + len(self.invalid)
        counts = {name: self.counts(name) for name in ("fault", "pause", "wait", "runs")}
        return Measurement(
            scenario=self.scenario,
            unit=UNIT_OPERATION,
            samples=self.samples,
            rounds=self.rounds,
            warmup=self.warmup,
            median=None,
            ci=None,
            ratio_to_copy=None,
            valid=len(self.samples) >= min(MIN_VALID, max(1, total)) and len(self.invalid) <= MAX_INVALID_SHARE * total,
            invalid_rounds=self.invalid,
            proof=self._proof(),
            outcome=self._outcome(),
            latency={name: _latency(counts[name]) for name in ("fault", "pause", "wait") if counts[name].n},
            figures=self._figures(),
            histograms={name: counts[name].hdr() for name in counts if counts[name].n},
            series={"resident MiB": [(when, size / (1 << 20)) for when, size in self.sessions[-1].resident]}
            if self.sessions
            else {},
            collections=[session.collections for session in self.sessions],
            notes=self._notes(),
        )

    def _proof(self) -> Proof:
        verified = sum(session.verified for session in self.sessions)
        return Proof(level="state", rounds=len(self.sessions), contents=verified, path=self.mode.name.split("[")[0])

    def _outcome(self) -> Outcome:
        found = Outcome()
        for one in self.collections():
            for account in (one.collector, one.faults):
                found.moved += account.get("moved", 0)
                found.copied += account.get("copied", 0)
                found.copied_after_ebusy += account.get("copied_after_ebusy", 0)
                found.zeroed += account.get("zeroed", 0)
                found.eagain += account.get("eagain", 0)
                found.ebusy += account.get("ebusy", 0)
                found.enoent += account.get("enoent", 0)
                found.eexist += account.get("lost", 0)
                found.short += account.get("short_results", 0)
                found.calls += sum(account.get(f"{call}_calls", 0) for call in _CALLS)
        found.asked = found.moved + found.copied + found.copied_after_ebusy + found.zeroed
        return found

    def _figures(self) -> dict[str, float]:
        found: dict[str, float] = {}
        if not self.sessions:
            return found
        every = self.collections()
        found["collections"] = statistics.median(
            sum(one.measured for one in session.collections) for session in self.sessions
        )
        for name in sorted({name for one in every for name in one.phases}):
            found[f"{name} ms"] = statistics.median(one.phases.get(name, 0) for one in every) / 1e6
        for name in sorted({pause.name for one in every for pause in one.pauses}):
            lengths = [pause.stop_ns + pause.ns for one in every for pause in one.pauses if pause.name == name]
            found[f"pause {name} ms"] = statistics.median(lengths) / 1e6
            found[f"pause {name} max ms"] = max(lengths) / 1e6
        for window in sorted({window for session in self.sessions for window in session.mmu}, key=int):
            values = [session.mmu[window] for session in self.sessions if window in session.mmu]
            found[f"mmu {window} ms"] = statistics.median(values)
            found[f"mmu {window} ms min"] = min(values)
        found["wall ms"] = statistics.median(session.mutator_ns for session in self.sessions) / 1e6
        found["mutator cpu ms"] = statistics.median(session.mutator_cpu_ns for session in self.sessions) / 1e6
        found["collector cpu ms"] = statistics.median(session.collector_cpu_ns for session in self.sessions) / 1e6
        found["stall max ms"] = max(session.stall.ns for session in self.sessions) / 1e6
        found["faults"] = statistics.median(session.fault.n for session in self.sessions)
        found["resident max MiB"] = max((size for s in self.sessions for _, size in s.resident), default=0) / (1 << 20)
        marking = sum(one.phases.get("mark", 0) for one in every)
        if marking:
            found["marked Mobjects/s"] = sum(one.objects for one in every) / marking * 1e3
        found |= _evacuation(every)
        return found

    def _notes(self) -> list[str]:
        longest = max((session.stall for session in self.sessions), key=lambda stall: stall.ns, default=None)
        found = []
        if longest and longest.ns:
            found.append(f"longest stall {longest.ns / 1e6:.2f} ms: {longest.cause} (mutator {longest.mutator})")
        if self.verify:
            verified = sum(session.verified for session in self.sessions)
            found.append(f"{verified} collections verified")
        dropped = sum(session.dropped for session in self.sessions)
        if dropped:
            found.append(f"{dropped} events found no room: MMU and stalls are missing")
        return found + sorted({failure for session in self.sessions for failure in session.failures})


def _evacuation(every: list[Collection]) -> dict[str, float]:
    """What the collector's thread needed for a page, and how pages were mapped."""
    pages = sum(one.collector.get(name, 0) for one in every for name in ("updated", "built", "slid"))
    found: dict[str, float] = {}
    if pages:
        found["compact ns/page"] = sum(one.phases.get("compact", 0) for one in every) / pages
    by_collector = sum(one.collector.get(name, 0) for one in every for name in _MAPPED)
    calls = sum(one.collector.get(f"{call}_calls", 0) for one in every for call in _CALLS)
    if by_collector:
        found["map ns/page"] = sum(one.collector.get("map_ns", 0) for one in every) / by_collector
    if calls:
        found["pages per collector ioctl"] = by_collector / calls
    mapped = by_collector + sum(one.faults.get(name, 0) for one in every for name in _MAPPED)
    if mapped:
        copied = sum(
            account.get(name, 0)
            for one in every
            for account in (one.collector, one.faults)
            for name in ("copied", "copied_after_ebusy")
        )
        after = sum(account.get("copied_after_ebusy", 0) for one in every for account in (one.collector, one.faults))
        found["copied MiB"] = copied * environment.page_size() / (1 << 20)
        found["fallback share"] = after / mapped
    return found


_CALLS = ("remap", "move", "copy", "zeropage")
_MAPPED = ("moved", "remapped", "copied", "copied_after_ebusy", "zeroed")


def _latency(counts: Counts) -> Latency:
    def at(permille: int, enough: int) -> float | None:
        return float(counts.quantile(permille)) if counts.n >= enough else None

    return Latency(counts.n, at(500, 1), at(900, 10), at(990, P99_FROM), at(999, P999_FROM), float(counts.max))


def invalid_reason(done: Session, digests: list[int]) -> str:
    """Why a run proves nothing; "" if all is well.

    Args:
        done: the run.
        digests: of the mutators' allocations in the first run of this round; empty if this is the first.

    """
    if done.failure:
        return done.failure
    if done.wrong:
        return "; ".join(done.wrong[:3])
    if done.failures:
        return f"a collection had to be finished with the world stopped: {done.failures[0]}"
    if digests and done.digests != digests:
        return "its mutators did not allocate what the other runs of this round did"
    return ""


def run(order: GcOrder, progress: Callable[[int, int], None]) -> Result:
    """Measure.

    Raises:
        GcprotoError: memory is too small.

    """
    _check(order)
    run_id = uuid.uuid4().hex[:12]
    bind(run_id=run_id)
    log = get_logger("gc")
    started, clock = datetime.datetime.now(datetime.UTC), time.monotonic()
    env = environment.capture()
    rng = random.Random(order.seed)
    tallies = _tallies(order)
    skips: list[Skip] = []
    complete = True
    total = (WARMUP + order.runs) * len(tallies)
    done = 0
    with SessionLab(order.timeout) as lab:
        try:
            for number in range(WARMUP + order.runs):
                digests: list[int] = []
                # Mode none comes last in the first round: it needs to know how much the others allocated.
                chosen = sorted(rng.sample(tallies, len(tallies)), key=lambda one: not one.mode.collects and not number)
                for tally in chosen:
                    if not tally.mode.collects and not number and not _provide(tally, tallies, skips):
                        tallies.remove(tally)
                        continue
                    digests = _one(lab, tally, order, number, digests)
                    if tally.out_of_memory:
                        tallies.remove(tally)
                        skips.append(_too_small(tally, order))
                    log.debug("run", mode=tally.mode.name, heap=tally.capacity, round=number)
                    done += 1
                    progress(done, total)
        except KeyboardInterrupt:
            complete = False
    measurements = [tally.measurement() for tally in tallies if tally.samples or tally.invalid]
    if not measurements and skips:
        raise GcprotoError(skips[0].what, why=skips[0].reason, remedy=skips[0].remedy, code=ExitCode.NO)
    _lower_bound(measurements)
    summarise(measurements)
    if not complete:
        skips.append(Skip("the rest", "interrupted", ""))
    env["run"] = {"cpu": -1, "touch_cpu": -1, "rounds": order.runs, "warmup": WARMUP}
    return Result(
        run_id=run_id,
        producer=Producer(
            name="collector",
            version=__version__,
            command=sys.argv[1:],
            options={
                "workload": order.workload,
                "live": order.live_bytes,
                "operations": order.operations,
                "mutators": order.mutators,
                "mutation": order.mutation,
                "fragmentation": order.fragmentation,
                "verify": order.verify,
                "disturb": order.disturb,
            },
            seed=order.seed,
            started=started.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - clock, 3),
            benchmark=bytes(ffi.string(lib.gcp_build_hash())).decode(),  # type: ignore[arg-type]
            complete=complete,
        ),
        environment=env,
        measurements=measurements,
        skips=skips,
        noise=noise_of(measurements),
    )


def _tallies(order: GcOrder) -> list[_Tally]:
    found = []
    for mode, options in order.modes:
        factors = order.factors if mode.collects else order.factors[:1]
        found += [_tally(mode, options, int(order.live_bytes * factor), order) for factor in factors]
    return found


def _tally(mode: Mode, options: dict[str, int | str | bool], capacity: int, order: GcOrder) -> _Tally:
    page = environment.page_size()
    return _Tally(
        mode,
        options,
        capacity,
        Scenario(f"heap-{order.workload}", 0, mode.name, page, "congruent", order.mutators + 1, capacity // page),
        order.verify,
    )


def _too_small(tally: _Tally, order: GcOrder) -> Skip:
    return Skip(
        f"{tally.mode.name} with {tally.capacity >> 20} MiB",
        tally.out_of_memory,
        f"choose a larger --heap: --live {order.live_bytes >> 20}m is what the objects take, without room to allocate",
    )


def _provide(tally: _Tally, tallies: list[_Tally], skips: list[Skip]) -> bool:
    """Give mode none a heap for everything; False if there is no memory for it."""
    allocated = max((other.allocated for other in tallies if other.mode.collects), default=0)
    available = environment.available_bytes() or 0
    needed = allocated + allocated // 20 + NONE_SPARE
    if not allocated or needed > NONE_SHARE * available:
        skips.append(
            Skip(
                "mode none",
                f"{needed >> 20} MiB would be allocated without ever collecting, {available >> 20} MiB are available"
                if allocated
                else "no other mode has said how much is allocated",
                "choose fewer --operations",
            )
        )
        return False
    tally.capacity = needed
    # Its sizes differ, its work does not: it is compared with the smallest of the other heaps.
    return True


def _one(lab: SessionLab, tally: _Tally, order: GcOrder, number: int, digests: list[int]) -> list[int]:
    request = SessionRequest(
        mode=tally.mode.name.split("[")[0],
        options=tally.options,
        workload=order.workload,
        capacity=tally.capacity,
        mutators=order.mutators,
        live_bytes=order.live_bytes // order.mutators,
        operations=max(1, order.operations // order.mutators),
        mutation=order.mutation,
        fragmentation=order.fragmentation,
        seed=order.seed * 1000 + number,
        verify=order.verify and tally.mode.collects,
        disturb=order.disturb,
        trace=_trace_file(order, tally) if number == WARMUP + order.runs - 1 else "",
        recording=order.recording,
        large_folios=order.large_folios,
    )
    try:
        done = lab.run(request)
    except WorkerDied as died:
        tally.invalid.append(InvalidRound(number, 0.0, str(died)))
        return digests
    if done.out_of_memory:
        tally.out_of_memory = done.failure
        return digests
    tally.add(number, done, digests)
    return digests or done.digests


def _trace_file(order: GcOrder, tally: _Tally) -> str:
    """Each mode and heap has a file of its own."""
    if not order.trace:
        return ""
    path = Path(order.trace).absolute()
    if len(order.modes) * len(order.factors) == 1:
        return str(path)
    name = "".join(c if c.isalnum() or c in "-=" else "_" for c in tally.mode.name)
    return str(path.with_name(f"{path.stem}-{name}-{tally.capacity >> 20}m{path.suffix or '.json'}"))


def _lower_bound(measurements: list[Measurement]) -> None:
    """Lower-bound overhead (Cai et al., ISPASS 2022): cost over the least that the work itself can have cost.

    That is the smallest, over all modes measured, of the cost without what is known to be the collector's: pauses of
    the wall time, the collector thread of the CPU time.
    """
    known = [one for one in measurements if one.valid and one.figures.get("wall ms")]
    if not known:
        return

    def pauses(one: Measurement) -> float:
        total = sum(p.stop_ns + p.ns for round_ in one.collections for c in round_ if c.measured for p in c.pauses)
        return total / 1e6 / max(1, len(one.samples))

    def cpu(one: Measurement) -> float:
        return one.figures["mutator cpu ms"] + one.figures["collector cpu ms"]

    wall_bound = min(one.figures["wall ms"] - pauses(one) for one in known)
    cpu_bound = min(one.figures["mutator cpu ms"] for one in known)
    for one in known:
        if wall_bound > 0 and cpu_bound > 0:
            one.figures["lbo wall"] = one.figures["wall ms"] / wall_bound
            one.figures["lbo cpu"] = cpu(one) / cpu_bound


def _check(order: GcOrder) -> None:
    available = environment.available_bytes()
    needed = int(order.live_bytes * max(order.factors)) * (3 if order.verify else 1)
    if available is not None and needed > available:
        raise GcprotoError(
            f"a heap of {int(order.live_bytes * max(order.factors)) >> 20} MiB does not fit",
            why=f"{available >> 20} MiB of memory are available" + (", --verify needs three times" * order.verify),
            remedy="choose a smaller --live or --heap",
        )
