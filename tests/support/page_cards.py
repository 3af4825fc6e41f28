"""What a page's cards say, taken apart: sentences, numbers, and every number that the result files can account for."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import product
from statistics import median

from gcproto.report import labels
from gcproto.report.placement import runnable
from gcproto.results.baseline import baseline_of, done_share, evacuated
from gcproto.results.policy_cells import cells
from gcproto.results.pool import pool
from gcproto.results.schema import (
    Interval,
    Measurement,
    PathScenario,
    Result,
    Scenario,
    WindowFigures,
    WindowScenario,
    WorkloadFigures,
    with_fields,
)
from gcproto.results.statistics import ratio_interval

NUMBER = re.compile(r"(?<![\w.])[+-]?\d[\d,]*(?:\.\d+)?")
"""A number of its own: not the 9 of T9, nor the digits of a run's id."""
SIZE = re.compile(r"\b\d+(?:K|M|G|B)\b|\b\d+ MiB\b")
VERSION = re.compile(r"\b\d+\.\d+\.\d+(?:[+~-]\w+)*")
CONFIDENCE = "95 %"


@dataclass
class Card:
    """One card: its parts by their class, its sentences, the cells of its table."""

    standing: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    cells: list[str] = field(default_factory=list)

    @property
    def question(self) -> str:
        return self.parts.get("h4", "").strip()

    @property
    def figure(self) -> str:
        return self.parts.get("figure", "").strip()

    def sentences(self) -> list[str]:
        """Every sentence of the card, and every cell of its table."""
        texts = [self.parts.get(name, "") for name in ("h4", "answer", "figure", "standing", "detail")]
        found = [one for text in texts for one in re.split(r"(?<=[.?!:;])\s+", text) if one.strip()]
        return found + self.cells

    def numbers(self) -> Iterator[tuple[str, str]]:
        """Numbers, each with its sentence."""
        for sentence in self.sentences():
            for number in numbers_in(sentence):
                yield number, sentence


def numbers_in(sentence: str) -> list[str]:
    """Numbers that are figures: no sizes of folios and calls, no versions of kernels, no confidence level."""
    text = sentence.replace(CONFIDENCE, "")
    for other in (VERSION, SIZE):
        text = other.sub(" ", text)
    # An interval is two numbers, and its hyphen is not a sign.
    text = re.sub(r"(\d)-(\d)", r"\1 \2", text)
    return [one.rstrip(",") for one in NUMBER.findall(text)]


class _Cards(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Card] = []
        self.inside = False
        self.part = ""
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "article":
            self.inside = True
            self.found.append(Card(standing=(known.get("class") or "").split()[-1]))
        elif self.inside and tag in {"h4", "p"}:
            self.part = "h4" if tag == "h4" else known.get("class") or ""
        elif self.inside and tag in {"td", "th"}:
            self.part = "cell"
            self.found[-1].cells.append("")
        elif self.inside and tag == "a":
            self.part = ""
            self.links.append(known.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self.inside = False
        if tag in {"h4", "p", "td", "th"}:
            self.part = ""

    def handle_data(self, data: str) -> None:
        if not self.inside or not self.part:
            return
        if self.part == "cell":
            self.found[-1].cells[-1] += data
        else:
            parts = self.found[-1].parts
            parts[self.part] = parts.get(self.part, "") + data


def cards(text: str) -> list[Card]:
    """The cards of a page."""
    reader = _Cards()
    reader.feed(text)
    return reader.found


def places(text: str) -> list[str]:
    """Where the cards of a page lead to."""
    reader = _Cards()
    reader.feed(text)
    return reader.links


def written(value: float) -> set[str]:
    """A figure as a page writes it: with its digits, and as a share."""
    return {labels.number(value), f"{value:.0f}"}


def _of_interval(one: Interval | None) -> set[str]:
    return set().union(*(written(value) for value in (one.value, one.low, one.high))) if one else set()


def accounted(results: Iterable[Result]) -> set[str]:
    """Every number that a card may hold, computed from the samples and counts of the results."""
    every = list(results)
    found: set[str] = {str(len(every))}
    for result in every:
        found |= _of_result(result)
    return found | _between(every)


def _of_result(result: Result) -> set[str]:
    known = {one.scenario: one for one in result.measurements}
    found: set[str] = set()
    if result.noise:
        found |= {f"{max(0.02, result.noise.floor):.1%}".rstrip("%")}
    found |= {"2.0", "6", "0.001", "1000"}  # the least noise floor, the least number of rounds, what is beyond
    page = int(result.environment["page_size"])
    threads = int(result.environment["cpu"]["allowed"])
    found |= {str(threads), *(str(runnable(one.scenario)) for one in result.measurements)}
    for one in result.measurements:
        found |= _of_measurement(one, page)
        for other in (baseline_of(one.scenario), *_small(one), *_ways(one, known)):
            if other in known and known[other] is not one:
                ratio = ratio_interval(one, known[other])
                found |= _of_interval(ratio) | ({f"{abs(ratio.value - 1):.1%}".rstrip("%")} if ratio else set())
                found |= _modes(one, known[other])
                small = ratio_interval(known[other], one)
                found |= _of_interval(small)
    return found | _of_policies(result) | _of_counts(result)


def _small(one: Measurement) -> list[PathScenario]:
    if isinstance(one.scenario, PathScenario) and one.scenario.source == "mthp":
        return [with_fields(one.scenario, source="small", order=0)]
    return []


def _ways(one: Measurement, known: Iterable[Scenario]) -> list[WindowScenario]:
    """Other ways in the same placement: a card compares the best two."""
    match one.scenario:
        case WindowScenario() as at:
            found = [other for other in known if isinstance(other, WindowScenario)]
            return [other for other in found if with_fields(other, way=at.way, handler=at.handler) == at]
        case _:
            return []


def _modes(one: Measurement, other: Measurement) -> set[str]:
    sides = [[(mode.median, mode.share) for mode in each.modes] or [(each.median or 0.0, 1.0)] for each in (one, other)]
    return {labels.number(a / b) for (a, _), (b, _) in product(*sides) if b > 0}


def _of_measurement(one: Measurement, page: int) -> set[str]:
    assert one.median is None or one.median == median(one.samples)
    factor = one.scenario.size_bytes / page / 1e6 if isinstance(one.scenario, WindowScenario) else 1.0
    found = written((one.median or 0.0) * factor) | {str(len(one.samples))}
    for mode in one.modes:
        found |= written(mode.median * factor) | {labels.share(mode.share).split()[0]}
    share = done_share(one)
    out, proof = one.outcome, one.proof
    found |= {labels.share(share).split()[0]} if share is not None else set()
    found |= {f"{count:,}" for count in (evacuated(one), evacuated(one) + out.left, out.ebusy, out.eagain, out.enoent)}
    found |= {labels.per_round(count, one) for count in (proof.folios, proof.folios_split)}
    if isinstance(one.figures, WorkloadFigures) and one.figures.longest_pause_ms is not None:
        found |= written(one.figures.longest_pause_ms)
    if isinstance(one.figures, WindowFigures):
        for latency in (one.figures.access, one.figures.fault):
            found |= {labels.number(latency.p99 / 1000)} if latency and latency.p99 is not None else set()
    return found


def _of_policies(result: Result) -> set[str]:
    found: set[str] = set()
    heaps = cells(result.measurements)
    for cell in heaps:
        for name in ("auto", "move"):
            arm = cell.arm(name)
            found |= _of_interval(arm.over(cell.best)) if arm and cell.best else set()
        found |= {f"{cell.noise:.1%}".rstrip("%")} if cell.noise is not None else set()
        found |= {str(cell.threads), "5"}
    return found | set(map(str, range(len(heaps) + 1)))


def _of_counts(result: Result) -> set[str]:
    judged = [one.judgement for one in result.claims]
    counts = {len(judged), *(judged.count(one) for one in judged)}
    words = [one.verdict for one in result.verdicts]
    return {str(one) for one in (*counts, len(words), *(words.count(word) for word in words))}


def _between(results: list[Result]) -> set[str]:
    """Ratios of several runs together."""
    found: set[str] = set()
    by_pair: dict[object, list[Interval]] = {}
    for result in results:
        known = {one.scenario: one for one in result.measurements}
        for one in result.measurements:
            for other in (baseline_of(one.scenario), *_small(one), *_ways(one, known)):
                if other in known and known[other] is not one:
                    for over, under in ((one, known[other]), (known[other], one)):
                        ratio = ratio_interval(over, under)
                        if ratio:
                            key = (_alike(over.scenario), _alike(under.scenario))
                            by_pair.setdefault(key, []).append(ratio)
    for ratios in by_pair.values():
        if len(ratios) > 1:
            pooled = pool(ratios)
            found |= _of_interval(pooled.interval) | {f"{pooled.tau:.1%}".rstrip("%"), str(pooled.runs)}
            found |= {labels.number(end) for end in (pooled.predicted_low, pooled.predicted_high) if end is not None}
            found |= {f"{abs(pooled.value - 1):.1%}".rstrip("%")}
    return found


def _alike(one: object) -> object:
    return with_fields(one, pages=0) if isinstance(one, PathScenario) else one
