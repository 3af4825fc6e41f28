"""The parameters of a run that must be equal in a comparison: a struct for each kind of experiment."""

import msgspec


class PathExperiment(msgspec.Struct, frozen=True, tag_field="kind", tag="paths"):
    """``gcproto bench`` and gcprobe.

    Attributes:
        quick: the short grid;  swap: swapped pages as well.
        slowdown: test aid: arms that were slowed down on purpose, per mille.

    """

    quick: bool = False
    swap: bool = False
    slowdown: dict[str, int] = {}


class WorkloadExperiment(msgspec.Struct, frozen=True, tag_field="kind", tag="workloads"):
    """``gcproto gc``: operations of all mutators together; the rest as its options say.

    Attributes:
        recording: name of the file that workload ``replay`` or ``dump`` took.

    """

    workload: str
    operations: int
    mutation: int
    fragmentation: int
    verify: bool = False
    disturb: str = ""
    map: bool = False
    recording: str = ""


class GridExperiment(msgspec.Struct, frozen=True, tag_field="kind", tag="grid"):
    """``gcproto gc grid``: scenarios say the cells.

    Attributes:
        operations: of each workload, of all mutators together.
        mutation: as of ``gcproto gc``.
        live_bytes, heap_bytes: of each heap.
        modes: that are compared;  rounds: measured, of each.

    """

    operations: dict[str, int]
    mutation: int
    live_bytes: int
    heap_bytes: int
    modes: list[str]
    rounds: int


class PolicyExperiment(msgspec.Struct, frozen=True, tag_field="kind", tag="policies"):
    """``gcproto gc policies``.

    Attributes:
        verify: collections were checked.
        objective: what auto made small and is judged by: mutators, flip or total (results before it was asked: flip).
        recording: name of the file that workload ``dump`` took.

    """

    verify: bool = False
    objective: str = "flip"
    recording: str = ""


class WindowExperiment(msgspec.Struct, frozen=True, tag_field="kind", tag="window"):
    """``gcproto gc window``."""


class KernelCell(msgspec.Struct, frozen=True, tag_field="kind", tag="kernels"):
    """One kernel, booted in a virtual machine for one scenario set.

    Attributes:
        set: name of the scenario set: paths, quick, folios, heap, check, stress.
        rounds, pages: of each scenario.
        icount: the guest's time counts instructions.
        cpus, memory_mib, cpu: of the guest.
        parts: of the set ``heap``, the experiments that ran in the guest.

    """

    set: str
    rounds: int
    pages: int
    icount: bool
    cpus: int
    memory_mib: int
    cpu: str
    parts: list[WorkloadExperiment | PolicyExperiment | WindowExperiment] = []


class ContractExperiment(msgspec.Struct, frozen=True, tag_field="kind", tag="contract"):
    """``gcproto contract``.

    Attributes:
        swap: with the rows about swapped pages.
        rows: that were asked for; none: all.

    """

    swap: bool = False
    rows: list[str] = []


class ClaimExperiment(msgspec.Struct, frozen=True, tag_field="kind", tag="claims"):
    """``gcproto claims``: the claims that were asked for."""

    keys: list[str] = []


class DumpExperiment(msgspec.Struct, frozen=True, tag_field="kind", tag="dump"):
    """``gcproto heap inspect``: the name of the dump."""

    file: str = ""


Experiment = (
    PathExperiment
    | WorkloadExperiment
    | GridExperiment
    | PolicyExperiment
    | WindowExperiment
    | KernelCell
    | ContractExperiment
    | ClaimExperiment
    | DumpExperiment
)
