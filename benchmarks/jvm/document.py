"""What a comparison with HotSpot writes: ``gcproto.jvm/1``, a document of its own.

It is no ``gcproto.result/2``: what a JVM's collector does has no scenario, outcome or proof of pages there, and every
reader of results would have to know it.  Times are ns.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.schema import Pause, Producer, Skip

SCHEMA: Literal["gcproto.jvm/1"] = "gcproto.jvm/1"


class Asked(msgspec.Struct, frozen=True):
    """The work of every run.

    Attributes:
        live_bytes, mutation, fragmentation: of workload ``trees`` (gcproto.heap.workloads.knobs), one mutator.
        live_objects: nodes of the tree that stays, of 32 bytes in a heap of gcproto's.
        operations: in the measured time.
        heap_bytes: of each heap that is collected.
        warmup: operations on a small graph, before a JVM's measured time, so that compiled code runs in it.
        fulls, between: full collections that a JVM is asked for after the measured time, and operations before each.
        rounds: measured;  seed: of graphs, operations and orders.
        limit_seconds: no round begins that would probably end after it.

    """

    live_bytes: int
    live_objects: int
    operations: int
    mutation: int
    fragmentation: int
    heap_bytes: int
    warmup: int
    fulls: int
    between: int
    rounds: int
    seed: int
    limit_seconds: float


class Full(msgspec.Struct):
    """A collection of the whole heap.

    Attributes:
        pauses: of it;  cpu_ns: of the collector's threads.
        objects: that were live: of the workload in a JVM, which doesn't count them; marked in a heap of gcproto's.

    """

    pauses: list[Pause]
    cpu_ns: int
    objects: int

    @property
    def paused_ns(self) -> int:
        """Of all its pauses, with the time to stop."""
        return sum(one.stop_ns + one.ns for one in self.pauses)


class Run(msgspec.Struct):
    """One run of the work.

    Attributes:
        collector: name;  round: 0 is warm-up.
        wall_ns, mutator_cpu_ns, collector_cpu_ns: of the measured time.
        compiler_cpu_ns, other_cpu_ns: of a JVM's compiler threads, and of all its other threads, in that time.
        collections: that began in it;  pauses: in it;  stalls_ns: waits of the mutator for the collector.
        fulls: full collections.
        objects, digest: allocated, and the digest of the work until the end of the measured time.
        held_bytes: that a JVM has in use after the last full collection; 0: not asked.
        invalid: why it proves nothing, "" if it does.

    """

    collector: str
    round: int
    wall_ns: int = 0
    mutator_cpu_ns: int = 0
    collector_cpu_ns: int = 0
    compiler_cpu_ns: int = 0
    other_cpu_ns: int = 0
    collections: int = 0
    pauses: list[Pause] = []
    stalls_ns: list[int] = []
    fulls: list[Full] = []
    objects: int = 0
    digest: int = 0
    held_bytes: int = 0
    invalid: str = ""


class Subject(msgspec.Struct, frozen=True):
    """A collector that is compared.

    Attributes:
        name: shown.
        runtime: gcproto or hotspot.
        chosen: the mode's name or the JVM's option.
        collects: False for a heap that is never collected.

    """

    name: str
    runtime: Literal["gcproto", "hotspot"]
    chosen: str
    collects: bool = True


class Document(msgspec.Struct):
    """A comparison.

    Attributes:
        asked: the work;  jvm: what ``java -version`` says.
        producer, environment: as of results.
        subjects: that were compared;  skips: that were not, and why.
        runs: in their order;  notes: what a reader should know.

    """

    run_id: str
    asked: Asked
    jvm: str
    producer: Producer
    environment: dict[str, Any]
    subjects: list[Subject]
    skips: list[Skip]
    runs: list[Run]
    notes: list[str] = []
    schema: Literal["gcproto.jvm/1"] = SCHEMA

    def valid(self, name: str) -> list[Run]:
        """Measured runs of a subject that prove something."""
        return [one for one in self.runs if one.collector == name and one.round and not one.invalid]


def save(document: Document, folder: Path) -> Path:
    """Write it.

    Returns:
        the file, ``jvm-TIME-RUN.json``.

    Raises:
        GcprotoError: it can't be written.

    """
    when = document.producer.started.replace("-", "").replace(":", "").replace("+0000", "Z")
    path = folder / f"jvm-{when}-{document.run_id}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
    except OSError as error:
        raise GcprotoError(f"{path} can't be written", why=error.strerror or str(error), code=ExitCode.WRITE) from error
    return path


def load(path: Path) -> Document:
    """Read one.

    Raises:
        GcprotoError: it is none.

    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Document)
    except (OSError, msgspec.DecodeError) as error:
        raise GcprotoError(
            f"{path} is not a {SCHEMA} file",
            why=str(error),
            remedy="give a file of `make compare-jvm`",
            code=ExitCode.USAGE,
        ) from error
