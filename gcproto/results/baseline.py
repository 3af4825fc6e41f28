"""The baseline of a measurement: copying, by the same means on the same memory.

For a path it is the arm ``copy``, for a heap the mode ``copy`` with the same options. For an evacuation policy it is
copying all pages, for a window the way ``copy`` in the same placement. Copy-then-discard is a separate row.
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
MOVE = "move"
"""The path that the lab is about.  It and its baseline are named here; all else is asked of the arms' flags
(gcproto.rows)."""


def baseline_of(one: Scenario) -> Scenario:
    """The baseline of a scenario; a baseline is its own."""
    match one:
        case PathScenario():
            return with_fields(one, arm=COPY, replica=0)
        case WorkloadScenario():
            # Scenarios of mode copy omit the options that it ignores.
            options = with_fields(one.options, granule=None, regions=None, full_after=None)
            return with_fields(one, mode=COPY, options=options, policy="", replica=0)
        case PolicyScenario():
            return with_fields(one, policy=COPY)
        case WindowScenario():
            return with_fields(one, way=COPY, handler="sigbus", replica=0)


def first_of(one: Scenario) -> Scenario | None:
    """The first member of the A/A pair if this is the second; None otherwise."""
    match one:
        case PolicyScenario():
            return None
        case PathScenario() | WorkloadScenario() | WindowScenario():
            return with_fields(one, replica=0) if one.replica else None


def evacuated(one: Measurement) -> int:
    """Pages that its valid rounds put into place by any means, or found there."""
    out = one.outcome
    return out.moved + out.remapped + out.copied + out.copied_after_ebusy + out.zeroed + out.already


def refused(one: Measurement) -> bool:
    """Whether its arm did no work: pages were asked for, and none was evacuated."""
    return one.outcome.left > 0 and not evacuated(one)


def done_share(one: Measurement) -> float | None:
    """Share of evacuated pages among evacuated and refused ones; None if none was counted."""
    done = evacuated(one)
    total = done + one.outcome.left
    return done / total if total else None
