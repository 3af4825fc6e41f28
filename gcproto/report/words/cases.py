"""One question about a path under every condition that it was measured in.

The case of a concurrent collector leads: a second live thread, memory beyond the caches.  The easy case is beside it. A
condition that was not measured is named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gcproto.report import labels
from gcproto.report.words.ratios import Refusal, Row, S, Standing
from gcproto.report.words.rows import cheapest
from gcproto.report.words.typical import typical
from gcproto.results import names
from gcproto.results.schema import ANY, CACHE, CONGRUENT, CONSECUTIVE, MEMORY, SHUFFLED, PathScenario, with_fields

PathRow = Row[PathScenario]


class Reach(NamedTuple):
    """The memory that a path works on: its working set and the order of its page frames."""

    working_set: str
    frames: str

    @property
    def memory(self) -> bool:
        """Whether the memory is larger than the caches."""
        return self.working_set == MEMORY

    @property
    def rank(self) -> tuple[int, int, str, str]:
        """Sort key of columns: the easiest first."""
        return _place(SETS, self.working_set), _place(FRAMES, self.frames), self.working_set, self.frames


SETS, FRAMES = (ANY, CACHE, MEMORY), (ANY, CONSECUTIVE, SHUFFLED)
EASY, BEYOND = Reach(ANY, ANY), Reach(MEMORY, ANY)


def _place(known: Sequence[str], one: str) -> int:
    return known.index(one) if one in known else len(known)


class Condition(NamedTuple):
    """The condition of a figure: whether a second thread is live, and the memory."""

    live: bool
    reach: Reach

    @property
    def rank(self) -> tuple[bool, bool, tuple[int, int, str, str]]:
        """Sort key that puts the case of a concurrent collector first."""
        return not self.live, not self.reach.memory, self.reach.rank


def condition_of(one: PathScenario) -> Condition:
    """The condition of a path."""
    return Condition(one.threads > 1, Reach(one.working_set, one.frames))


class Cell(NamedTuple):
    """The result under one condition."""

    condition: Condition
    row: PathRow

    @property
    def words(self) -> str:
        """``second thread live, in the caches``."""
        return names.condition(self.row.at)


@dataclass(frozen=True)
class Case:
    """A question under all of its conditions, the leading one first; never empty."""

    cells: Sequence[Cell]

    @property
    def lead(self) -> PathRow:
        """The row that gives the answer."""
        return self.cells[0].row

    @property
    def picks(self) -> "list[Pick]":
        """The answer under each condition."""
        return [pick_of(one.row) for one in self.cells]

    @property
    def agrees(self) -> bool:
        """Whether the answer is the same under all conditions."""
        return len(set(self.picks)) == 1

    @property
    def missing(self) -> list[str]:
        """Conditions that were not measured and that a reader should know of."""
        found = {one.condition for one in self.cells}
        texts = ["a second live thread"] * (not any(one.live for one in found))
        texts += ["one thread"] * all(one.live for one in found)
        return texts + ["memory beyond the caches"] * (not any(one.reach.memory for one in found))

    @property
    def missing_text(self) -> str:
        """As a sentence; "" if nothing is missing."""
        return f"Not measured: {names.several(self.missing)}." if self.missing else ""


def case_of(rows: Sequence[PathRow], choose: Callable[[PathScenario], bool]) -> Case | None:
    """The rows of one question, a cell for each condition; None if there are none.

    Each cell has the granule of the leading one if it was measured there, else the one that is cheapest there.

    Args:
        rows: of a run or a group of runs.
        choose: those of the question, congruent ones.

    """
    found: dict[Condition, list[PathRow]] = {}
    for one in rows:
        if one.at.alignment == CONGRUENT and choose(one.at):
            found.setdefault(condition_of(one.at), []).append(one)
    if not found:
        return None
    order = sorted(found, key=lambda one: one.rank)
    granule = cheapest(found[order[0]]).at.granule_bytes
    return Case([Cell(one, _of_granule(found[one], granule)) for one in order])


def _of_granule(rows: Sequence[PathRow], granule: int) -> PathRow:
    same = [one for one in rows if one.at.granule_bytes == granule]
    return cheapest(same or rows)


PICKS = ("Move", "Copy")


class Pick(NamedTuple):
    """Move, Copy, Either or Refused; with a question mark if the difference is not sure."""

    word: str
    leans: bool = False

    @property
    def text(self) -> str:
        """``Move?``."""
        return self.word + "?" * self.leans


def pick_of(one: Row[S]) -> Pick:
    """The advice that one row supports."""
    if isinstance(one, Refusal):
        return Pick("Refused")
    less, more = PICKS
    if one.differs or one.leans:
        return Pick(less if one.value.value < 1 else more, one.leans)
    return Pick("Either")


def answer_of(case: Case, words: Callable[[str], str] = lambda pick: pick) -> str:
    """``Move``; ``Copy with a second thread live`` where it depends.

    Args:
        case: the question.
        words: translates the word of a pick to the words of the answer.

    """
    first = case.picks[0]
    where = "" if case.agrees else f" {_depends_on(case)}"
    return words(first.word) + where + "?" * first.leans


def _depends_on(case: Case) -> str:
    """The condition of the answer, as short as the other conditions allow."""
    at, lead = case.lead.at, case.cells[0].condition
    known = dict(zip((one.condition for one in case.cells), case.picks, strict=True))
    # A condition that the answer omits was measured and agrees.
    if all(known.get(Condition(lead.live, reach)) == case.picks[0] for reach in {one.reach for one in known}):
        return _beside(at)
    if all(known.get(Condition(live, lead.reach)) == case.picks[0] for live in {one.live for one in known}):
        return names.reach(at)
    return f"{_beside(at)}, {names.reach(at)}"


def _beside(one: PathScenario) -> str:
    return "beside a second live thread" if one.threads > 1 else "on one thread"


def where(one: PathScenario) -> str:
    """``beside a second live thread, in the caches``: ends a sentence."""
    skewed = "" if one.alignment == CONGRUENT else f", {one.alignment}"
    return f"{_beside(one)}, {names.reach(one)}{skewed}"


def says(one: PathRow) -> str:
    """A sentence with its condition: ``Move costs 1.85x copy (1.80-1.90) at 2M a call, beside a second ...``."""
    end = f"at {labels.size(one.at.granule_bytes)} a call, {where(one.at)}"
    subject = one.arm[:1].upper() + one.arm[1:]
    if isinstance(one, Refusal):
        return f"{subject} is refused {end}: {one.figures}."
    sure = "" if one.differs else ", no sure difference"
    done = f"; {one.done}" if one.done else ""
    return f"{subject} {one.versus}{one.within} {end}{sure}{done}."


def costs(one: PathRow) -> str:
    """A sentence with the times: ``Move takes 140 ns/page, copy 75.5 (30 rounds, run a).``."""
    subject = one.arm[:1].upper() + one.arm[1:]
    run = f", run {one.run}" if one.run else ""
    if isinstance(one, Refusal):
        return (
            f"{subject} takes {typical(one.over)} {one.over.unit} to be refused ({len(one.over.samples)} rounds{run})."
        )
    return (
        f"{subject} takes {typical(one.over)} {one.over.unit}, {one.other} {typical(one.under)} "
        f"({one.rounds} rounds{run}), {labels.size(one.at.granule_bytes)} a call, {where(one.at)}."
    )


def table_of(case: Case) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The case as a small table: a row for each number of threads, a column for each kind of memory."""
    known = {one.condition: one.row for one in case.cells}
    reaches = {one.reach for one in known}
    reaches |= {BEYOND} if not any(one.memory for one in reaches) else set()
    reaches |= {EASY} if all(one.memory for one in reaches) else set()
    columns = sorted(reaches, key=lambda one: one.rank)
    like = with_fields(case.lead.at, working_set=ANY, frames=ANY)
    heads = ("", *(names.reach(with_fields(like, working_set=one.working_set, frames=one.frames)) for one in columns))
    rows = [
        (words, *(_cell(known.get(Condition(live, one)), case) for one in columns))
        for live, words in ((True, "second thread live"), (False, "one thread"))
    ]
    return heads, rows


def _cell(row: PathRow | None, case: Case) -> str:
    if row is None:
        return "not measured"
    granule = row.at.granule_bytes
    other = "" if granule == case.lead.at.granule_bytes else f"\n{labels.size(granule)} a call"
    if isinstance(row, Refusal):
        return f"refused{other}"
    part = "" if row.part is None else f"\n{labels.share(row.part)} evacuated"
    return f"{row.cell}{other}{part}"


def standing_of(case: Case) -> Standing:
    """Standing of the answer."""
    return Standing.REFUSED if isinstance(case.lead, Refusal) else case.lead.standing


def basis_of(case: Case) -> str:
    """The reason for the answer."""
    return case.lead.figures if isinstance(case.lead, Refusal) else case.lead.basis


def unusual(one: PathScenario) -> bool:
    """Whether its working set or the order of its page frames was prepared."""
    return Reach(one.working_set, one.frames) != EASY
