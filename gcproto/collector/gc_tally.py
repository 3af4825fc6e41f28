"""What the runs of one scenario come to: samples, figures, proof, notes of a measurement."""

import statistics
from dataclasses import dataclass, field

from gcproto.collector.counts import Counts
from gcproto.collector.folio_listener import whole_shares
from gcproto.collector.modes import Mode
from gcproto.collector.session_round import Session
from gcproto.host import environment
from gcproto.results.folios import large_share, made_large, parts_of
from gcproto.results.rounds import MIN_VALID, Rounds
from gcproto.results.schema import (
    UNIT_OPERATION,
    Collection,
    InvalidRound,
    Measurement,
    Outcome,
    Proof,
)

WARMUP = 1


@dataclass
class HeapTally(Rounds):
    """The runs of one scenario so far."""

    mode: Mode
    options: dict[str, int | str | bool]
    capacity: int
    verify: bool
    memory: str = "small"
    policy: str = "move"
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
        counts = {name: self.counts(name) for name in ("fault", "pause", "wait", "runs")}
        return self.summed(
            UNIT_OPERATION,
            valid=self.sound(min(MIN_VALID, max(1, self.total))),
            proof=self._proof(),
            outcome=self._outcome(),
            latency={name: counts[name].latency() for name in ("fault", "pause", "wait") if counts[name].n},
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
        found |= _folios(every, self.scenario.order)
        return found

    def _notes(self) -> list[str]:
        longest = max((session.stall for session in self.sessions), key=lambda stall: stall.ns, default=None)
        found = sorted({f"chosen by {session.choice}" for session in self.sessions if session.choice})[:1]
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


def _folios(every: list[Collection], order: int) -> dict[str, float]:
    """What became of large folios: how much went in whole granules, how many were split, what the heap is made of."""
    if not any(one.folios for one in every):
        return {}
    could, did = whole_shares(every, order)
    found = {
        "could go whole": could,
        "went whole": did,
        "folios split": float(sum(count for one in every for count in one.splits.values())),
        "evacuation ms": statistics.median(one.phases.get("compact", 0) for one in every) / 1e6,
    }
    found["large share at the end"] = large_share(every[-1])
    for what, (pages, ns) in made_large(every).items():
        if pages:
            found |= {f"{what} pages": float(pages), f"{what} ns/page": ns / pages}
    for who in ("collector", "faults"):
        found |= {f"{who}: {name} pages": float(count) for name, count in parts_of(every, who).items() if count}
    return found


_CALLS = ("remap", "move", "copy", "zeropage")
_MAPPED = ("moved", "remapped", "copied", "copied_after_ebusy", "zeroed")


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
