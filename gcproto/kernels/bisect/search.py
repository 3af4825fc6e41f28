"""The search: the two ends are measured first, and each state between them is good or bad by the nearer end."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.bisect.candidates import Candidate, Candidates, Word

Measure = Callable[[Candidate], "Measured"]


class Measured(msgspec.Struct, frozen=True):
    """A state that was built, booted and measured.

    Attributes:
        value: instructions a page; None: it did not build or boot, or its rounds are invalid.
        why: it has no value.
        result: the result file; "" without one.

    """

    value: float | None
    why: str = ""
    result: str = ""


class Tested(msgspec.Struct, frozen=True):
    """A state and what came of it."""

    candidate: Candidate
    word: Word
    measured: Measured


class Search(msgspec.Struct):
    """A search as it is kept between runs of the command.

    Attributes:
        asked: what it is for: a search for something else is not continued.
        tested: in order; the two ends are the first two.

    """

    asked: str
    tested: list[Tested] = []

    def of(self, one: Candidate) -> Tested | None:
        """What is known of a state."""
        return next((test for test in self.tested if test.candidate.key == one.key), None)

    @property
    def falls(self) -> bool:
        """Whether the later end is known to cost less than the older one."""
        values = [test.measured.value for test in self.tested[:2] if test.measured.value is not None]
        return len(values) == 2 and values[1] < values[0]


class Found(msgspec.Struct, frozen=True):
    """The end of a search.

    Attributes:
        bad: the first bad state; several if skipped ones leave it open.
        before: the state before it, as measured;  after: itself.

    """

    bad: list[Candidate]
    before: Tested
    after: Tested


def load(file: Path, asked: str) -> Search:
    """A search that was begun before, or a new one."""
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=Search)
    except (OSError, msgspec.DecodeError):
        return Search(asked)
    return kept if kept.asked == asked else Search(asked)


def search(
    candidates: Candidates, measure: Measure, kept: Search, threshold: float, save: Callable[[Search], None]
) -> Found:
    """Find the first state that costs what the bad end does.

    Args:
        candidates: that are searched; of those tested before nothing is measured again.
        measure: builds, boots and measures the state that is checked out.
        kept: what was tested before; grows.
        threshold: least relative difference of the two ends, 0.03 for 3 %.
        save: is called after each test.

    Raises:
        GcprotoError: an end can't be measured, or they do not differ.

    """

    def test(one: Candidate, judge: Callable[[Measured], Word]) -> Tested:
        known = kept.of(one)
        if known:
            return known
        candidates.check_out(one)
        measured = measure(one)
        made = Tested(one, judge(measured), measured)
        kept.tested.append(made)
        save(kept)
        return made

    low, high = candidates.ends()
    ends = [test(low, lambda _: "good"), test(high, lambda _: "bad")]
    good, bad = (_value(one) for one in ends)
    if abs(bad / good - 1) < threshold:
        raise GcprotoError(
            f"there is nothing to bisect: the two ends differ by {bad / good - 1:+.2%}",
            why=f"{good:.1f} and {bad:.1f} instructions a page; less than {threshold:.1%}",
            remedy="choose another scenario or other revisions, or a lower --threshold",
            code=ExitCode.NO,
        )
    middle = (good + bad) / 2

    def judge(measured: Measured) -> Word:
        if measured.value is None:
            return "skip"
        return "bad" if (measured.value > middle) == (bad > good) else "good"

    while (one := candidates.current()) is not None:
        candidates.tell(test(one, judge).word)
    found = candidates.first_bad()
    # The state before the first bad one may be one that was skipped, or another parent than was tested.
    before = test(candidates.before(found[0]), judge)
    after = test(found[-1], judge)
    return Found(found, before, after)


def _value(end: Tested) -> float:
    if not end.measured.value:
        which = "older" if end.word == "good" else "later"
        raise GcprotoError(
            f"the {which} end can't be measured: {end.candidate.key[:12]} {end.candidate.title}",
            why=end.measured.why,
            remedy="give revisions, or a source and a series, that build and boot",
            code=ExitCode.USAGE,
        )
    return end.measured.value
