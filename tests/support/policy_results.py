"""Scenarios and results of evacuation policies, as ``gcproto gc policies`` has them."""

import random

from gcproto.results.schema import (
    Measurement,
    PolicyChoice,
    PolicyExperiment,
    PolicyFigures,
    PolicyScenario,
    Result,
)
from tests.support.result_maker import measurement, result


def policy_scenario(policy: str, workload: str = "trees", order: int | None = 0, **other: object) -> PolicyScenario:
    """A heap on folios of an order; None: what the system gives."""
    memory = "system" if order is None else f"{4 << order}k" if order else "small"
    fields = {"ebusy": "copy", "swapped_permille": 0, "device": "", "threads": 1, "collections": 1}
    fields = {**fields, "memory": memory, "live_bytes": 32 << 20, **other}
    return PolicyScenario(workload=workload, order=order, policy=policy, **fields)  # type: ignore[arg-type]


POLICIES = {"copy": 900.0, "move": 600.0, "split-ahead": 480.0, "whole": 520.0, "auto": 485.0}
HEAPS: tuple[tuple[str, int | None, int], ...] = (("sparse", 4, 2), ("sparse", 4, 1), ("trees", 0, 1), ("trees", 9, 1))
"""Workload, order of its folios, threads."""


def policy_measurement(at: PolicyScenario, median: float, rounds: int = 9) -> Measurement:
    """The figures of a heap without mutators."""
    rng = random.Random(str(at))
    ahead, whole = at.policy in {"auto", "split-ahead"}, 16 if at.policy == "whole" else 0
    # Small folios leave no choice; copying chooses nothing at all.
    choice = PolicyChoice(granule=1, large_by="moved", whole=whole, split_ahead=ahead) if at.order else PolicyChoice()
    choices = [] if at.policy == "copy" else [choice]
    figures = PolicyFigures(map_ns_page=median * 0.8, dense_share=0.3, went_whole=0.5, choices=choices)
    figures.choice = "calibration" if at.policy == "auto" else ""
    return measurement(at, [median * rng.lognormvariate(0, 0.02) for _ in range(rounds)], figures)


def policy_result(run_id: str = "ffffffffffff", without: tuple[str, ...] = ()) -> Result:
    """Every policy on four heaps; copying loses on all but one, and on small folios the others do the same work."""
    found = []
    for workload, order, threads in HEAPS:
        for policy, median in POLICIES.items():
            if policy not in without:
                at = policy_scenario(policy, workload, order, threads=threads)
                factor = 0.4 if policy == "copy" and order == 9 else 1.0
                same = order == 0 and policy != "copy"
                found.append(policy_measurement(at, POLICIES["move"] if same else median * factor))
    made = result(found, experiment=PolicyExperiment())
    made.run_id = run_id
    return made
