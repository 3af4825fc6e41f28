"""What a measurement is compared with: copying, everywhere, by the same means on the same memory.

Of a path it is the arm ``copy``, of a heap the mode ``copy`` with the same options, of an evacuation policy copying all
pages, of a window the way ``copy`` in the same placement.  Copying and discarding the source is a row of its own beside
it.
"""

from gcproto.results.schema import (
    Measurement,
    PathScenario,
    PolicyScenario,
    Scenario,
    WindowScenario,
    WorkloadScenario,
    with_fields,
)

COPY = "copy"


def baseline_of(one: Scenario) -> Scenario:
    """The scenario that one is compared with; itself for a baseline."""
    match one:
        case PathScenario():
            return with_fields(one, arm=COPY, replica=0)
        case WorkloadScenario():
            # Options that mode copy has no choice in stand in no scenario of it.
            options = with_fields(one.options, granule=None, regions=None, full_after=None)
            return with_fields(one, mode=COPY, options=options, policy="", replica=0)
        case PolicyScenario():
            return with_fields(one, policy=COPY)
        case WindowScenario():
            return with_fields(one, way=COPY, handler="sigbus", replica=0)


def first_of(one: Scenario) -> Scenario | None:
    """The first member of the A/A pair whose second this is; None for all others."""
    match one:
        case PolicyScenario():
            return None
        case PathScenario() | WorkloadScenario() | WindowScenario():
            return with_fields(one, replica=0) if one.replica else None


def evacuated(one: Measurement) -> int:
    """Pages that its valid rounds put into their place by any means, or found there."""
    out = one.outcome
    return out.moved + out.remapped + out.copied + out.copied_after_ebusy + out.zeroed + out.already


def refused(one: Measurement) -> bool:
    """Whether its arm did none of its work: pages were asked for, and all of them stayed where they were."""
    return one.outcome.left > 0 and not evacuated(one)


def done_share(one: Measurement) -> float | None:
    """Of the pages that were evacuated or refused, those that were evacuated; None where none was counted."""
    done = evacuated(one)
    total = done + one.outcome.left
    return done / total if total else None
