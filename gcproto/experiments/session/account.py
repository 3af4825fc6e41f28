"""What came of a run, read from its parts when nothing moves any more."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gcproto._native import lib
from gcproto.collector.counts import counts_of
from gcproto.collector.watch.timeline import events_of
from gcproto.collector.watch.trace import write_trace
from gcproto.collector.work import Faults, faults_of, stalls_in
from gcproto.counted import counted
from gcproto.experiments.placement import ran_of
from gcproto.experiments.session.parts import Parts
from gcproto.experiments.session.request import Places, Session
from gcproto.experiments.session.stalls import stalls_of, timing_error
from gcproto.experiments.session.status import Status
from gcproto.heap.mutator import OUT_OF_MEMORY, STOPPED
from gcproto.host.shoot_downs import shoot_downs
from gcproto.results.schema import MutatorTime

if TYPE_CHECKING:
    from gcproto._native import gcp_mutator_ptr


@dataclass
class Course:
    """Facts of a run that its parts do not hold.

    Attributes:
        began: ns of the monotonic clock when all were set up.
        stalls: of mutators by then;  shoot_downs: that their processors had received, None where unknown.
        swept: sweeps of the second thread during the last collection of a heap that stands still; -1 without one.
        resident: bytes of the process over time, ns from the start.

    """

    began: int = 0
    stalls: Faults | None = None
    shoot_downs: int | None = None
    swept: int = -1
    resident: list[tuple[int, int]] = field(default_factory=list)


def status_of(parts: Parts, ns: int) -> Status:
    """What a run is doing, and came to so far.

    Args:
        parts: of the run.
        ns: since its start.

    """
    accounts = [cycle.collector for cycle in list(parts.recorder.cycles)]
    faults = faults_of(mutator.native for mutator in parts.mutators).counts
    pauses = [(restarted - requested) / 1e6 for requested, _, restarted, _ in list(parts.recorder.stops)]
    return Status(
        label=parts.request.label,
        seconds=ns / 1e9,
        phase=parts.recorder.phase,
        collections=len(accounts),
        moved=sum(one.moved + one.remapped for one in accounts) + faults["moved"] + faults["remapped"],
        copied=sum(one.copied for one in accounts) + faults["copied"],
        after_ebusy=sum(one.copied_after_ebusy for one in accounts) + faults["copied_after_ebusy"],
        zeroed=sum(one.zeroed for one in accounts) + faults["zeroed"],
        ebusy=sum(one.ebusy for one in accounts) + faults["ebusy"],
        faults=faults["faults"],
        last_pause_ms=pauses[-1] if pauses else 0.0,
        longest_pause_ms=max(pauses, default=0.0),
    )


def session_of(parts: Parts, course: Course) -> Session:
    """What came of it.

    Args:
        parts: of the run, which has ended.
        course: that it took.

    """
    natives = [mutator.native for mutator in parts.mutators]
    found = Session(
        collections=parts.recorder.cycles,
        runs=parts.recorder.runs,
        resident=course.resident,
        failures=parts.collector.failures,
        swapped=(parts.swap.before, parts.swap.after) if parts.swap else ([], []),
        choice=parts.choice,
        chosen=parts.chosen,
        sweeps=course.swept,
        digests=[one.digest for one in natives],
        allocated_bytes=sum(one.allocated_bytes for one in natives),
        allocated_objects=sum(one.allocated_objects for one in natives),
        operations=sum(one.operations for one in natives),
        mutator_cpu_ns=sum(mutator.cpu for mutator in parts.mutators),
        collector_cpu_ns=parts.thread.cpu_ns,
    )
    if parts.folios:
        parts.folios.write_into(found.collections)
    if parts.interruptions:
        parts.interruptions.write_into(found.collections)
    found.costs = parts.costs
    if parts.map:
        parts.map.write_into(found.collections)
    found.failure = _failure(parts, found)
    for one in natives:
        found.pause.add(counts_of(one.pause))
        found.fault.add(counts_of(one.fault))
        found.wait.add(counts_of(one.wait))
    if parts.handler:
        found.fault.add(counts_of(parts.collector.helper.fault))
    if not parts.request.standing:
        found.cpus = Places(parts.thread.place.ran(), [one.place.ran() for one in parts.mutators])
        if parts.handler:
            found.cpus.handler = ran_of(lib.gcp_compaction_helper_ran(parts.collector.native))
    if not found.failure:
        _add_times(parts, course, found, natives)
        found.wrong = _wrong(parts)
    if parts.checks:
        found.wrong += parts.checks.wrong
        found.verified = parts.checks.passed
    if parts.request.trace:
        events = [events_of(one.timeline) for one in natives]
        write_trace(parts.request.trace, parts.recorder, events, events_of(parts.collector.timeline))
    return found


def _failure(parts: Parts, found: Session) -> str:
    if parts.thread.error:
        return parts.thread.error
    problems = [mutator.problem for mutator in parts.mutators if mutator.problem]
    if problems:
        return f"a mutator failed: {problems[0]}"
    if any(mutator.status == OUT_OF_MEMORY for mutator in parts.mutators):
        found.out_of_memory = True
        return (
            f"out of memory: {parts.heap.limit >> 20} MiB of heap, {parts.heap.used >> 20} MiB in use after "
            f"{counted(parts.collector.cycles, 'collection')}"
        )
    if any(mutator.status == STOPPED for mutator in parts.mutators):
        return "it was stopped"
    return ""


def _wrong(parts: Parts) -> list[str]:
    found = []
    for mutator in parts.mutators:
        if mutator.status > 0:
            found.append(f"{mutator.name} met {mutator.status} wrong objects")
        wrong = mutator.check()
        if wrong:
            found.append(f"{mutator.name} has {wrong} wrong objects in the end")
    return found


def _add_times(parts: Parts, course: Course, found: Session, natives: "list[gcp_mutator_ptr]") -> None:
    """The measured time, MMU and the longest stall; not beside the verifier, whose pauses would count."""
    if parts.request.standing:
        return
    found.failure = timing_error(natives, course.began)
    if found.failure:
        return
    found.mutator_ns = max(one.ended_ns for one in natives) - course.began
    found.dropped = sum(one.timeline.dropped for one in natives)
    found.time = _time_of(parts, course, natives)
    if not found.dropped and not parts.checks:
        delivery = 0 if parts.handler else parts.costs.delivery
        found.mmu, found.stall = stalls_of(natives, course.began, lambda when: _pause_at(parts, when), delivery)


def _time_of(parts: Parts, course: Course, natives: "list[gcp_mutator_ptr]") -> MutatorTime:
    now = shoot_downs(parts.mutator_cpus)
    stalls = faults_of(natives)
    if course.stalls:
        stalls = stalls.since(course.stalls)
    return MutatorTime(
        mutators=len(natives),
        ns=sum(one.ended_ns - course.began for one in natives),
        stalls=stalls_in(stalls.stalls),
        minor_faults=sum(one.minor_faults for one in parts.mutators),
        shoot_downs=None if now is None or course.shoot_downs is None else now - course.shoot_downs,
        queued_ns=sum(one.queued for one in parts.mutators),
    )


def _pause_at(parts: Parts, when: int) -> str:
    for requested, _, restarted, name in parts.recorder.stops:
        if requested <= when <= restarted:
            return f"pause: {name}"
    return "pause"
