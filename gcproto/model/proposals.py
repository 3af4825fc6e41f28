"""Changes of a kernel as data: which dispositions become which others.

A proposal names the outcome of each kind. Its own figures are ranges with a cited source.
"""

from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.model.fit import Costs
from gcproto.model.kinds import COPIED, COPY_CALL, EBUSY, MOVE_CALL, NEIGHBOURS, SHOOT_DOWN, Row, What
from gcproto.process.files import read_regular

MOST = 100.0
"""Limit of a share, times today's cost."""

SHOOT_DOWNS_OF_A_SPLIT = 2.0
"""Shoot-downs of a split: one as its mappings become migration entries, and one because it ends the batch of pages."""


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change.

    Attributes:
        name, text: what it is.
        splits_kept: share of the splits that still happen, low and high.
        page_cost: cost of a page whose folio is no longer split, as a share of a page moved today, low and high.
        split_cost: cost of a remaining split, as a share of today's.
        ebusy_kept: share of the refusals that still happen. For each refusal less, a page is moved and not copied.
        ebusy_split: the cost of splitting the folio of such a page, as a share of today's split, low and high. Each
            page bears its part of the folio.
        source: source of the figures.

    """

    name: str
    text: str
    splits_kept: tuple[float, float] = (1.0, 1.0)
    page_cost: tuple[float, float] = (1.0, 1.0)
    split_cost: tuple[float, float] = (1.0, 1.0)
    ebusy_kept: tuple[float, float] = (1.0, 1.0)
    ebusy_split: tuple[float, float] = (0.0, 0.0)
    source: str = ""

    @property
    def changes(self) -> bool:
        """Whether any range differs from today's."""
        ranges = (self.splits_kept, self.page_cost, self.split_cost, self.ebusy_kept)
        return any(one != (1.0, 1.0) for one in ranges)

    def applied(self, row: Row, end: int) -> Row:
        """Dispositions under the change.

        Args:
            row: today's.
            end: 0 for the low end of each range, 1 for the high one.

        """
        found = dict(row)
        freed = spared_splits = 0.0
        for kind, count in row.items():
            if kind.what is What.SPLIT:
                kept = count * self.splits_kept[end]
                freed += (count - kept) * (1 << kind.order)
                spared_splits += count - kept
                found[kind] = kept * self.split_cost[end]
        freed = min(freed, found.get(NEIGHBOURS, 0.0))
        found[NEIGHBOURS] = found.get(NEIGHBOURS, 0.0) - freed * (1.0 - self.page_cost[end])
        if spared_splits and SHOOT_DOWN in row:  # the rest is one batch per call
            left = row[SHOOT_DOWN] - spared_splits * SHOOT_DOWNS_OF_A_SPLIT
            found[SHOOT_DOWN] = min(row[SHOOT_DOWN], max(left, row.get(MOVE_CALL, 0.0)))
        spared = row.get(EBUSY, 0.0) * (1.0 - self.ebusy_kept[end])
        if spared:
            found[EBUSY] = row[EBUSY] - spared
            found[NEIGHBOURS] += spared
            for kind in (COPIED, COPY_CALL):
                found[kind] = max(0.0, found.get(kind, 0.0) - spared)
            split = max((kind for kind in row if kind.what is What.SPLIT), key=lambda kind: row[kind], default=None)
            if split and self.ebusy_split[end]:
                found[split] += spared * self.ebusy_split[end] / (1 << split.order)
        return found

    def predicted(self, costs: Costs, row: Row) -> tuple[float, float, float]:
        """Ns under the change: middle, low, high; ranges of the proposal and of the fit together."""
        ends = [self.applied(row, end) for end in (0, 1)]
        lows, highs = zip(*(costs.interval(one) for one in ends), strict=True)
        return sum(costs.of(one) for one in ends) / 2, min(lows), max(highs)


PROPOSALS = {
    one.name: one
    for one in (
        Proposal(
            "whole-folio",
            "mTHPs that a request covers whole move whole, in one batch with their neighbours",
            splits_kept=(0.0, 0.0),
            page_cost=(0.4, 1.0),
            source="limit: the cost of a page in a batch of small ones. Instructions per page of a patched 7.3.4: 81 "
            "to 175 at 64 KiB, 70 to 175 at 1 MiB",
        ),
        Proposal(
            "unmapped-split",
            "folios in the swap cache are split for MOVE instead of EBUSY",
            ebusy_kept=(0.0, 0.2),
            ebusy_split=(0.0, 1.0),
            source="EBUSY has other causes too: pins and shared pages stay. The split costs between nothing and that "
            "of a mapped folio. A patched 7.3.4 takes 916 instructions per page at 64 KiB, split included, and 618 for "
            "small folios in the swap cache",
        ),
        Proposal(
            "batch-across-folios",
            "splits of neighbouring folios share their TLB flush",
            split_cost=(0.6, 0.9),
            source="one flush per page while mappings become migration entries (tlb:tlb_flush on 6.18); the share is a "
            "guess until it is measured",
        ),
    )
}


MOST_BYTES = 1 << 20
"""Of a proposal's file."""


def load(text: str) -> Proposal:
    """A proposal by name, or from a JSON file with the fields of ``Proposal``.

    Raises:
        GcprotoError: there is no such proposal.

    """
    if text in PROPOSALS:
        return PROPOSALS[text]
    try:
        data = read_regular(Path(text), MOST_BYTES)
    except FileNotFoundError as error:
        raise GcprotoError(
            f"{text!r} is neither a known proposal nor a file",
            why=f"known: {', '.join(PROPOSALS)}",
            code=ExitCode.USAGE,
        ) from error
    except OSError as error:
        raise _unusable(text, error.strerror or str(error)) from error
    try:
        found = msgspec.json.decode(data, type=Proposal)
    except msgspec.DecodeError as error:
        raise _unusable(text, str(error)) from error
    objection = _objection(found)
    if objection:
        raise _unusable(text, objection)
    return found


def _unusable(text: str, why: str) -> GcprotoError:
    return GcprotoError(
        f"{text} is not a usable proposal",
        why=why,
        remedy="write an object of JSON with name, text, and at least one of splits_kept, page_cost, split_cost, "
        "ebusy_kept; ebusy_split goes with ebusy_kept",
        code=ExitCode.USAGE,
    )


def _objection(one: Proposal) -> str:
    """The reason why a proposal is invalid; "" if it is valid."""
    if not one.name.strip():
        return "it has no name"
    if not one.changes:
        return "it changes nothing: every range is from 1 to 1"
    if one.ebusy_split != (0.0, 0.0) and one.ebusy_kept == (1.0, 1.0):
        return "ebusy_split has no effect without ebusy_kept"
    most_of = {"splits_kept": 1.0, "ebusy_kept": 1.0, "page_cost": MOST, "split_cost": MOST, "ebusy_split": MOST}
    for name, most in most_of.items():
        low, high = getattr(one, name)
        if not 0 <= low <= high <= most:
            return f"{name} is not a range from low to high between 0 and {most:g}"
    return ""
