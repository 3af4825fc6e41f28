"""Scenarios of evacuation policies, as ``gcproto gc policies`` has them."""

from gcproto.results.schema import PolicyScenario


def policy_scenario(policy: str, workload: str = "trees", order: int | None = 0, **other: object) -> PolicyScenario:
    """A heap on folios of an order; None: what the system gives."""
    memory = "system" if order is None else f"{4 << order}k" if order else "small"
    fields = {"ebusy": "copy", "swapped_permille": 0, "device": "", "threads": 1, "collections": 1}
    fields = {**fields, "memory": memory, "live_bytes": 32 << 20, **other}
    return PolicyScenario(workload=workload, order=order, policy=policy, **fields)  # type: ignore[arg-type]
