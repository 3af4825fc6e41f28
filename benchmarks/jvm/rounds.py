"""Rounds: every subject once in each, in seeded random order, as long as time is left."""

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.jvm import java, ours
from benchmarks.jvm.document import Asked, Document, Run, Subject
from gcproto.experiments.session.request import SessionLab
from gcproto.heap.workloads.trees import NODE_BYTES, long_depth
from gcproto.host import environment
from gcproto.host.child import WorkerDied
from gcproto.record import Record
from gcproto.results.schema import Producer, Skip, WorkloadExperiment

NODES_A_STEP = 200
"""Allocated by an operation with the default knobs, at most: for heaps that are never collected."""
SPARE_BYTES = 64 << 20
SHARE = 0.5
"""Of the memory available, what a heap that is never collected may take."""

Progress = Callable[[str], None]


def asked(live_bytes: int, factor: float, operations: int, rounds: int, seed: int, limit_seconds: float) -> Asked:
    """The work, from what a user chooses."""
    return Asked(
        live_bytes=live_bytes,
        live_objects=(2 << long_depth(live_bytes)) - 1,
        operations=operations,
        mutation=100,
        fragmentation=500,
        heap_bytes=int(live_bytes * factor),
        warmup=max(1, operations // 8),
        fulls=2,
        between=max(1, operations // 4),
        rounds=rounds,
        seed=seed,
        limit_seconds=limit_seconds,
    )


def everything(wanted: Asked) -> int:
    """Bytes that hold all that the work allocates, in a JVM with its warm-up."""
    steps = wanted.operations + wanted.warmup
    return (wanted.live_objects + steps * NODES_A_STEP) * NODE_BYTES + SPARE_BYTES


class Comparison:
    """A comparison that runs.

    Args:
        wanted: the work.
        progress: is told what begins.

    Raises:
        GcprotoError: there is no JDK.

    """

    def __init__(self, wanted: Asked, progress: Progress) -> None:
        java.need_java()
        self.wanted = wanted
        self.progress = progress
        self.record = Record()
        self.began = time.monotonic()
        theirs, self.skips = java.available()
        self.subjects = [*theirs, *ours.SUBJECTS]
        self.runs: list[Run] = []
        self.notes: list[str] = []
        self._see_what_fits()

    def _see_what_fits(self) -> None:
        """Heaps that are never collected need memory for all that is allocated."""
        needed, free = everything(self.wanted), environment.available_bytes() or 0
        if needed <= SHARE * free:
            return
        why = f"{needed >> 20} MiB would be allocated without ever collecting, {free >> 20} MiB are available"
        for subject in [one for one in self.subjects if not one.collects]:
            self.subjects.remove(subject)
            self.skips.append(Skip(subject.name, why, "choose fewer --operations"))

    def run(self) -> Document:
        """Measure, and say what came of it."""
        complete = True
        with tempfile.TemporaryDirectory() as name, SessionLab() as lab:
            folder = Path(name)
            java.compile_program(folder)
            shuffle = random.Random(self.wanted.seed)
            slowest = 0.0
            try:
                for number in range(self.wanted.rounds + 1):
                    begun = time.monotonic()
                    if begun + slowest - self.began > self.wanted.limit_seconds:
                        self.notes.append(
                            f"{max(0, number - 1)} of {self.wanted.rounds} rounds: "
                            f"the limit of {self.wanted.limit_seconds:.0f} s"
                        )
                        break
                    self._round(number, shuffle.sample(self.subjects, len(self.subjects)), lab, folder)
                    slowest = max(slowest, time.monotonic() - begun)
            except KeyboardInterrupt:
                complete = False
        return self._document(complete=complete)

    def _round(self, number: int, order: list[Subject], lab: SessionLab, folder: Path) -> None:
        done = []
        for subject in order:
            self.progress(f"round {number} of {self.wanted.rounds}: {subject.name}")
            done.append(self._one(number, subject, lab, folder))
        self.runs += agreed(done)

    def _one(self, number: int, subject: Subject, lab: SessionLab, folder: Path) -> Run:
        wanted = self.wanted
        heap = wanted.heap_bytes if subject.collects else everything(wanted)
        seed = wanted.seed * 1000 + number
        if subject.runtime == "hotspot":
            return java.run(subject, wanted, heap, seed * 64, number, folder)
        try:
            return ours.run(lab, subject, wanted, heap, seed, number)
        except WorkerDied as error:
            return Run(subject.name, number, invalid=str(error))

    def _document(self, *, complete: bool) -> Document:
        wanted = self.wanted
        experiment = WorkloadExperiment("trees", wanted.operations, wanted.mutation, wanted.fragmentation)
        result = self.record.result(experiment, [], [], seed=wanted.seed, complete=complete)
        producer: Producer = result.producer
        return Document(
            run_id=result.run_id,
            asked=wanted,
            jvm=java.version(),
            producer=producer,
            environment=result.environment,
            subjects=self.subjects,
            skips=self.skips,
            runs=self.runs,
            notes=self.notes,
        )


def agreed(runs: list[Run]) -> list[Run]:
    """The runs of a round; if their digests differ, none of them proves to have done the work of the others."""
    digests = {(one.digest, one.objects) for one in runs if not one.invalid}
    if len(digests) > 1:
        for one in runs:
            one.invalid = one.invalid or "the runs of this round did not all do the same work: their digests differ"
    return runs
