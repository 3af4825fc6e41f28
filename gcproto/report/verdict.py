"""Two lines of plain words: what to pick on this kernel, and why.

Every claim is made of measurements of this run: a ratio counts as a difference where its interval excludes 1 and it
lies beyond the A/A noise.  What was not measured is not spoken of.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gcproto.report import labels
from gcproto.results.schema import Interval, Measurement, Result, Scenario
from gcproto.results.series import page_size_of
from gcproto.results.statistics import ratio_interval

MIN_FLOOR = 0.02
"""Differences below this are never spoken of."""


@dataclass
class Lookup:
    """The valid measurements of a result."""

    measurements: list[Measurement]
    page_size: int
    floor: float
    assumed: bool = False
    """Whether the floor is the least one, for want of an A/A pair."""

    def find(self, source: str, arm: str, choose: Callable[[Scenario], bool] = lambda _one: True) -> list[Measurement]:
        """Of one source and arm, congruent and on one thread unless ``choose`` says otherwise, by granule."""
        found = [
            one
            for one in self.measurements
            if one.valid
            and one.samples
            and one.scenario.source == source
            and one.scenario.arm == arm
            and one.scenario.replica == 0
            and choose(one.scenario)
        ]
        return sorted(found, key=lambda one: one.scenario.granule_bytes)

    def beside(self, one: Measurement, arm: str) -> Measurement | None:
        """Another arm of the same scenario."""
        fields = {name: getattr(one.scenario, name) for name in Scenario.__struct_fields__}
        wanted = Scenario(**fields | {"arm": arm, "replica": 0})
        for other in self.measurements:
            if other.scenario == wanted and other.valid and other.samples:
                return other
        return None

    def collector_pays(self, one: Measurement) -> tuple[Interval | None, str]:
        """Ratio to copy-then-discard, or to copy where that was not measured; and which of both."""
        for arm, text in (("copy_discard", "copy-then-discard"), ("copy", "copy")):
            other = self.beside(one, arm)
            ratio = ratio_interval(one, other) if other else None
            if ratio:
                return ratio, text
        return None, ""

    def differs(self, ratio: Interval) -> bool:
        """Whether a ratio is beyond its interval and the noise."""
        outside = ratio.low > 1 or ratio.high < 1
        return outside and abs(ratio.value - 1) > self.floor


def lookup_of(result: Result) -> Lookup:
    """The measurements of a result, with its page size and its noise floor."""
    floor = max(MIN_FLOOR, result.noise.floor if result.noise else 0.0)
    page_size = page_size_of(result)
    return Lookup(result.measurements, page_size, floor, assumed=result.noise is None)


def plain(one: Scenario) -> bool:
    """Congruent, on one thread."""
    return one.alignment == "congruent" and one.threads == 1


def against(ratio: Interval, other: str, lookup: Lookup) -> str:
    """``11.5 times cheaper than copy (11.2-11.8)``, ``no different from copy (...)``, ``1.3 times dearer than ...``."""
    if not lookup.differs(ratio):
        return f"no different from {other} ({labels.bounds(ratio)} times)"
    if ratio.value < 1:
        inverse = Interval(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)
        return f"{labels.number(inverse.value)} times cheaper than {other} ({labels.bounds(inverse)})"
    return f"{labels.number(ratio.value)} times dearer than {other} ({labels.bounds(ratio)})"


def verdict(result: Result) -> list[str]:
    """What to pick: a line for small folios and one for large ones.

    Args:
        result: with statistics filled in.

    Returns:
        Exactly two lines.

    """
    lookup = lookup_of(result)
    return [f"Small folios: {_small(lookup)}.", f"Large folios: {_large(lookup)}."]


def _small(lookup: Lookup) -> str:
    moves = [one for one in lookup.find("small", "move", plain) if lookup.collector_pays(one)[0]]
    if not moves:
        return "not measured here (UFFDIO_MOVE against UFFDIO_COPY)"
    best = min(moves, key=lambda one: one.median or 0.0)
    ratio, other = lookup.collector_pays(best)
    assert ratio
    figures = f"{_cost(best)} at {labels.size(best.scenario.granule_bytes)} per ioctl, {against(ratio, other, lookup)}"
    if not lookup.differs(ratio):
        text = f"either will do: moving costs {figures}"
    elif ratio.value < 1:
        text = f"move, in runs as long as they come: {figures}"
    else:
        text = f"copy: moving costs {figures}"
    return "; ".join([text, *_faulting_mutator(lookup), *_busy(lookup)])


def _cost(one: Measurement) -> str:
    assert one.median is not None
    return f"{labels.number(one.median)} {one.unit}"


def _faulting_mutator(lookup: Lookup) -> list[str]:
    """One page a call beside a live thread: what a mutator pays that faults while another one runs."""
    live = lookup.find("small", "move", lambda one: one.alignment == "congruent" and one.threads > 1)
    for one in live[:1]:
        ratio = one.ratio_to_copy
        if ratio and one.scenario.granule_bytes == lookup.page_size and lookup.differs(ratio):
            who = "should copy its page" if ratio.value > 1 else "may move its page too"
            why = f"beside a live thread a move of one is {against(ratio, 'copy', lookup)}"
            return [f"a faulting mutator {who}: {why}"]
    return []


def _busy(lookup: Lookup) -> list[str]:
    found = [
        (source, one.ratio_to_copy)
        for source in ("forked", "pinned")
        for one in lookup.find(source, "move_fallback", lambda one: plain(one) and one.order == 0)[-1:]
        if one.ratio_to_copy and one.outcome.ebusy
    ]
    if not found:
        return []
    worst = max((ratio for _, ratio in found), key=lambda ratio: ratio.value)
    names = " and ".join(name for name, _ in found)
    return [f"{names} pages say EBUSY, and trying first is {against(worst, 'copying at once', lookup)}"]


def _large(lookup: Lookup) -> str:
    parts = [*_mthp(lookup), *_thp(lookup)]
    return "; ".join(parts) if parts else "not measured here"


def _mthp(lookup: Lookup) -> list[str]:
    """The mTHP that was measured at the most granules."""
    orders: dict[int, list[Measurement]] = {}
    for one in lookup.find("mthp", "move", plain):
        if one.proof.folios and lookup.collector_pays(one)[0]:
            orders.setdefault(one.scenario.order, []).append(one)
    if not orders:
        return []
    order = max(orders, key=lambda order: (len(orders[order]), -order))
    best = min(orders[order], key=lambda one: one.median or 0.0)
    name = f"{labels.size(lookup.page_size << order)} mTHP"
    ratio, other = lookup.collector_pays(best)
    assert ratio
    cost = f"{_cost(best)}, {against(ratio, other, lookup)}"
    cheaper = lookup.differs(ratio) and ratio.value < 1
    split, folios = best.proof.folios_split, best.proof.folios
    if split == 0:
        return [f"this kernel moves {name} whole, which is news: {'move' if cheaper else 'copy'}, {cost}"]
    share = f"{labels.per_round(split, best)} of {labels.per_round(folios, best)} folios"
    pick = "move wins time but loses the folios" if cheaper else "copy"
    return [f"this kernel splits {name} to move it ({share}): {pick}, {cost}"]


def _thp(lookup: Lookup) -> list[str]:
    texts = []
    whole = [one for one in lookup.find("thp", "move", plain) if one.proof.folios and not one.proof.folios_split]
    if whole:
        best = min(whole, key=lambda one: one.median or 0.0)
        ratio, other = lookup.collector_pays(best)
        if ratio:
            texts.append(
                f"a THP that is aligned at both ends and asked whole stays whole: {_cost(best)}, "
                f"{against(ratio, other, lookup)}"
            )
    skewed = lookup.find("thp", "move", lambda one: one.alignment == "skewed" and one.threads == 1)
    for one in skewed[-1:]:
        if one.ratio_to_copy and one.proof.folios_split:
            texts.append(f"skewed by one page it is split: {against(one.ratio_to_copy, 'copy', lookup)}")
    return texts
