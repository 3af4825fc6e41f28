"""Results that met a known race of their kernels."""

from pathlib import Path

from gcproto.known.bugs import BUGS, State
from gcproto.known.version import parse
from gcproto.results.facts import release_of
from gcproto.results.store import load

RACE = next(bug for bug in BUGS if bug.key == "retry-eexist")


def met_the_race(folder: Path) -> bool:
    """Whether the only fault of results is a known race of their kernels, ``retry-eexist``.

    It makes a round invalid now and then: MOVE says that pages which it moved itself were there already.  The kernel
    lab is right to show that, and its tests have to run again.
    """
    found = [load(file) for file in folder.glob("*.json")]
    reasons = [bad.reason for one in found for measured in one.measurements for bad in measured.invalid_rounds]
    return (
        bool(reasons)
        and all(RACE.state_by_version(parse(release_of(one))) is State.BY_VERSION for one in found)
        and all(reason.endswith("destination pages were there already") for reason in reasons)
    )
