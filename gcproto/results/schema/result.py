"""The result format, ``gcproto.result/2``: one document for each run, the same for every producer.

A result has the parameters, the raw samples, the proof that the named path was the path taken, the environment, and
whether it is valid.  Readers tolerate unknown fields; a field that changes its meaning raises the version.

History of the format:

1. The first version.  Added later: latency and figures of a measurement; histograms, series, collections and notes;
   guest and verdicts of a result; map of a collection; choices of a measurement.
2. Scenarios, figures, experiments and subjects of verdicts are tagged unions.  Claims are a separate list.  New: modes
   of bimodal samples, placement, working set and page frames.  Files of version 1 are upgraded when they are read
   (gcproto.results.upgrade).  Added later: the profile of a path by function.
   Young collections (``young``, ``old_cards``, ``promoted``, ``freed`` of a collection, two phases), ``kinds`` of
   collections, option ``full_after``.  Grids, work and stalls of a collection, time and costs of mutators.  The
    objective of policies.  Inspections of heap dumps.  ``imported`` of the producer.
    ``blocks`` of a path, ``unexplained`` of a verdict.  The configuration of a guest's kernel.  ``recording`` of
    workloads and policies.  ``inputs`` of a guest.
"""

from typing import Any

import msgspec

from gcproto.results.schema.experiment import Experiment
from gcproto.results.schema.inspection import Inspection
from gcproto.results.schema.measurement import Interval, Measurement
from gcproto.results.schema.verdict import ClaimVerdict, Verdict

SCHEMA = "gcproto.result/2"


class Skip(msgspec.Struct, frozen=True):
    """A scenario that was not measured: the reason and the remedy.  Nothing else is measured in its place."""

    what: str
    reason: str
    remedy: str = ""


class Producer(msgspec.Struct):
    """The producer of the result and its call.

    Attributes:
        version: of gcproto.
        command: the command line.
        seed: of the order of rounds and of the contents.
        started: UTC, ISO 8601.
        seconds: wall time of the run.
        benchmark: hash of the code that measures; another hash starts a new series.
        complete: False if the run was interrupted; it holds the rounds measured until then.
        imported: name of the file with the lines of ``gcprobe bench`` that the result was made of; "" if gcproto
            measured it. The environment is then what the lines say.

    """

    version: str
    command: list[str]
    seed: int
    started: str
    seconds: float
    benchmark: str
    complete: bool = True
    imported: str = ""


class Noise(msgspec.Struct):
    """The noise floor, from pairs that measure the same work twice in the same run.

    Attributes:
        pairs: of each A/A pair, the ratio of its members.
        floor: relative size below which a difference is noise, e.g. 0.03 (95th percentile of the pairs' deviations).

    """

    pairs: list[Interval]
    floor: float


class Configuration(msgspec.Struct, frozen=True):
    """What a guest's kernel was configured for, as far as counts depend on it; seen in the guest, but for the name.

    Attributes:
        name: names of the fragments that it was built of, or Debian's flavour; "" if it is not known.
        mitigations: of the processor's vulnerabilities, by their names under ``/sys``: those that it mitigates.
        numa: it has NUMA.
        slub_tiny: its slab allocator is SLUB_TINY, without per-processor caches.

    """

    name: str
    mitigations: tuple[str, ...]
    numa: bool
    slub_tiny: bool


class Guest(msgspec.Struct):
    """The virtual machine that a result comes from; ``environment`` is then the guest's.

    Attributes:
        outcome: ``done``, or the failure: ``panic``, ``hang`` (no output any more), ``timeout``,
            ``died`` (QEMU ended), ``unbootable`` (no sign of life, or no image that could be booted).
        why: the outcome in words; "" when done.
        boot: 1 for the first boot of this kernel in its run, 2 for the next, ...
        icount: whether time in the guest is counted in executed instructions.
        seconds: wall time from the start of QEMU to its end.
        command: QEMU's command line.
        console: the last lines of the kernel's console; more of them if it failed.
        host: its host: CPU model, kernel release, QEMU version.
        configuration: of its kernel; None if the guest ended before it said it.
        inputs: digest of what its kernel was built from: source, configuration, patches, compiler; "" if it was not
            built here, or from a tree that may change.

    """

    outcome: str
    why: str
    boot: int
    icount: bool
    seconds: float
    command: list[str]
    console: list[str]
    host: dict[str, str]
    configuration: Configuration | None = None
    inputs: str = ""


class Result(msgspec.Struct):
    """One run.

    Attributes:
        run_id: of the run.
        experiment: what it was: readers choose by its type.
        producer, environment: producer and machine.
        measurements, skips, noise: the measured scenarios.
        guest: of runs in a virtual machine;  verdicts: of the contract and the hazards;  claims: of the thread;
            inspection: of a heap dump.

    """

    run_id: str
    experiment: Experiment
    producer: Producer
    environment: dict[str, Any]
    measurements: list[Measurement]
    skips: list[Skip]
    noise: Noise | None
    guest: Guest | None = None
    verdicts: list[Verdict] = []
    claims: list[ClaimVerdict] = []
    inspection: Inspection | None = None
    schema: str = SCHEMA
