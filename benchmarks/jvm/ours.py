"""The same work on a heap of gcproto's, in a mode, as ``gcproto gc`` runs it."""

from benchmarks.jvm.document import Asked, Full, Run, Subject
from gcproto.experiments.placement import Placement
from gcproto.experiments.session.request import Session, SessionLab, SessionRequest
from gcproto.results.schema import ModeOptions

MODES = ("move", "copy", "stw", "memmove")
SUBJECTS = (*(Subject(name, "gcproto", name) for name in MODES), Subject("none", "gcproto", "none", collects=False))


def request(subject: Subject, asked: Asked, heap_bytes: int, seed: int) -> SessionRequest:
    """What is asked of the worker; the mutator's own seed is ``seed`` times 64 (gcproto.experiments.session.parts)."""
    return SessionRequest(
        mode=subject.chosen,
        options=ModeOptions(),
        workload="trees",
        capacity=heap_bytes,
        mutators=1,
        live_bytes=asked.live_bytes,
        operations=asked.operations,
        mutation=asked.mutation,
        fragmentation=asked.fragmentation,
        seed=seed,
        placement=Placement.OWN,
    )


def run(lab: SessionLab, subject: Subject, asked: Asked, heap_bytes: int, seed: int, number: int) -> Run:
    """One run.

    Args:
        lab: the worker.
        subject: which mode.
        asked: the work.
        heap_bytes: of the moving space.
        seed: of the run.
        number: of the round.

    """
    done = lab.run(request(subject, asked, heap_bytes, seed))
    found = Run(subject.name, number, objects=done.allocated_objects)
    found.invalid = done.failure or "; ".join([*done.wrong, *done.failures][:3])
    if not found.invalid:
        _fill(found, done)
    return found


def _fill(ret: Run, done: Session) -> None:
    (ret.digest,) = done.digests
    cycles = [one for one in done.collections if one.measured]
    ret.wall_ns, ret.mutator_cpu_ns, ret.collector_cpu_ns = done.mutator_ns, done.mutator_cpu_ns, done.collector_cpu_ns
    ret.collections = len(cycles)
    ret.pauses = [pause for one in cycles for pause in one.pauses]
    # The thread's time is known for all collections together: each gets its share.
    ret.fulls = [Full(one.pauses, done.collector_cpu_ns // len(cycles), one.objects) for one in cycles]
