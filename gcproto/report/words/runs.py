"""Runs of one page: which of them may be put together, which leads, and what holds between them.

Runs are put together if machine, kernel, measuring program and experiment are the same.  The least noisy run leads each
comparison that it has. All runs are pooled by a random-effects mean (gcproto.results.pool).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Generic, NamedTuple, TypeVar

import msgspec

from gcproto.report import labels
from gcproto.report.words.queued import disturbed, undisturbed
from gcproto.report.words.ratios import MIN_FLOOR, Compared, Ratio, Row, compared, floor_of
from gcproto.results.comparison.alike import key
from gcproto.results.facts import cpu_of, page_size_of, release_of, timed_on
from gcproto.results.names import several
from gcproto.results.pool import pool
from gcproto.results.schema import Experiment, Noise, PathExperiment, Result, Scenario, WindowScenario, WorkloadScenario

S = TypeVar("S", bound=Scenario)


class Run(NamedTuple):
    """A result with a short name for anchors and files, and the label that users see."""

    slug: str
    label: str
    result: Result

    @property
    def name(self) -> str:
        """One line: label, kernel, time, and the run."""
        started = self.result.producer.started.replace("T", " ").split("+")[0]
        return f"{self.label}: Linux {release_of(self.result)}, {started} UTC, run {self.result.run_id}"


def runs_of(results: Iterable[Result], given: Mapping[str, str] | None = None) -> list[Run]:
    """Results with names.

    Args:
        results: all of a page.
        given: labels by run id.

    """
    found: dict[str, Run] = {}
    labels_: set[str] = set((given or {}).values())
    for number, one in enumerate(results):
        slug = "".join(c for c in one.run_id if c.isascii() and c.isalnum())[:12]
        slug = f"{slug}{number}" if not slug or slug in found else slug
        label = (given or {}).get(one.run_id) or _free(one, number, labels_)
        labels_.add(label)
        found[slug] = Run(slug, label, one)
    return list(found.values())


def _free(one: Result, number: int, taken: set[str]) -> str:
    """A unique label: a part of the run's id."""
    label = one.run_id[:6]
    return label if label and label not in taken else f"{label}-{number + 1}"


def likeness(result: Result) -> tuple[str, ...]:
    """What runs must share to be put together. Times of two hosts of a cluster are never: theirs may differ."""
    machine = f"{cpu_of(result)} {timed_on(result)}".rstrip()
    parts = [machine, f"Linux {release_of(result)}", f"program {result.producer.benchmark}"]
    return (*parts, f"pages of {labels.size(page_size_of(result))}", _asked(result.experiment), _sizes(result))


def _asked(one: Experiment) -> str:
    """The parts of the experiment that change what is measured. A short grid measures the same paths."""
    if isinstance(one, PathExperiment):
        return f"slowed {one.slowdown}" if one.slowdown else "paths"
    return str(msgspec.to_builtins(one))


def _sizes(result: Result) -> str:
    """Threads and sizes that all windows or heaps of a run share."""
    found: set[tuple[int, ...]] = set()
    for one in result.measurements:
        match one.scenario:
            case WindowScenario() as window:
                found.add((window.mutators, window.size_bytes, window.batch, window.group))
            case WorkloadScenario() as heap:
                found.add((heap.mutators, heap.live_bytes))
    return str(sorted(found))


def noise_key(result: Result) -> tuple[bool, bool, float, str]:
    """Sort key of runs: complete ones first, then those with measured noise, the least noise and the newest first."""
    noise = result.noise
    return not result.producer.complete, noise is None, noise.floor if noise else _scatter(result), _backwards(result)


def _scatter(result: Result) -> float:
    """Noise without an A/A pair: the median of the relative widths of all intervals of medians."""
    widths = [
        (one.ci.high - one.ci.low) / one.ci.value
        for one in result.measurements
        if one.valid and one.ci and one.ci.value > 0
    ]
    return median(widths) if widths else math.inf


def _backwards(result: Result) -> str:
    """Sort key that puts later starts first."""
    return "".join(chr(0x10FFFF - ord(one)) for one in result.producer.started[:32])


@dataclass(frozen=True)
class Group(Generic[S]):
    """Runs that may be put together, the least noisy first.

    Attributes:
        runs: in this order.
        rows: all their comparisons, each once.
        own: the comparisons of each run by itself, by label.

    """

    runs: Sequence[Run]
    rows: Sequence[Row[S]]
    own: Mapping[str, Sequence[Row[S]]]

    @property
    def lead(self) -> Run:
        """The least noisy run."""
        return self.runs[0]

    @property
    def labels(self) -> list[str]:
        """Of its runs."""
        return [run.label for run in self.runs]

    @property
    def many(self) -> bool:
        """Whether there is more than one run."""
        return len(self.runs) > 1

    @property
    def common(self) -> list[Ratio[S]]:
        """The comparisons that several runs have."""
        return [one for one in self.rows if isinstance(one, Ratio) and one.across]


Rows = Callable[[Result, Compared], Sequence[Row[S]]]


def groups_of(runs: Sequence[Run], rows: Rows[S]) -> list[Group[S]]:
    """Runs by likeness; groups in the order of how noisy their leading runs are.

    Args:
        runs: of one kind.
        rows: makes the comparisons of a run.

    """
    alike_runs: dict[tuple[str, ...], list[Run]] = {}
    for run in sorted(runs, key=lambda run: noise_key(run.result)):
        alike_runs.setdefault(likeness(run.result), []).append(run)
    found = []
    for group in alike_runs.values():
        many = len(group) > 1
        own = {run.label: rows(run.result, compared(run.result, run.label if many else "")) for run in group}
        found.append(Group(group, pooled([own[run.label] for run in group]), own))
    return found


def pooled(own: Sequence[Sequence[Row[S]]]) -> list[Row[S]]:
    """Comparisons of several runs, each once: from the first run that has it, pooled over all that have it.

    Windows whose collector waited for its own processor are omitted if another run has an undisturbed one.

    Args:
        own: the comparisons of each run, the least noisy run first.

    """
    found: dict[object, list[Row[S]]] = {}
    for rows in own:
        for row in rows:
            found.setdefault(_key(row), []).append(row)
    return [_together(members) for members in found.values()]


def _key(row: Row[S]) -> object:
    """Identity of a comparison across runs; refusals are separate."""
    under = key(row.under.scenario) if isinstance(row, Ratio) else None
    return key(row.at), under


def _together(members: Sequence[Row[S]]) -> Row[S]:
    first = members[0]
    ratios = [one for one in members if isinstance(one, Ratio)]
    if not isinstance(first, Ratio) or len(ratios) < 2:
        return first
    kept = undisturbed(ratios)
    left_out = tuple(one for one in ratios if disturbed(one)) if len(kept) < len(ratios) else ()
    if len(kept) < 2:
        return replace(kept[0], left_out=left_out)
    return replace(kept[0], across=pool([one.ratio for one in kept]), members=tuple(kept), left_out=left_out)


def unlike(groups: Sequence[Group[S]]) -> str:
    """A sentence on why runs were not put together; "" if all were."""
    if len(groups) < 2:
        return ""
    keys = [likeness(group.lead.result) for group in groups]
    names = ("machines", "kernels", "programs", "page sizes", "options", "sizes or threads")
    differ = [name for name, values in zip(names, zip(*keys, strict=True), strict=True) if len(set(values)) > 1]
    return f"Runs of different {several(differ)} are not put together: {len(groups)} groups are separate."


def noise_text(result: Result) -> str:
    """``noise floor 2.1%``."""
    return floor_of(result).text


def spread_of(noise: Noise, digits: int) -> str:
    """``up to 1.8% (95th percentile)``, ``1.1%``: one pair has no percentiles."""
    size = f"{noise.floor:.{digits}%}"
    return f"up to {size} (95th percentile)" if len(noise.pairs) > 1 else size


def steadiness(result: Result) -> str:
    """The measured noise that orders runs. A floor of 2 % would make all quiet runs look alike."""
    if result.noise:
        least = f"; the floor is never below {MIN_FLOOR:.0%}" * (result.noise.floor < MIN_FLOOR)
        pairs = "A/A pairs differ" if len(result.noise.pairs) > 1 else "the A/A pair differs"
        return f"{pairs} by {spread_of(result.noise, digits=2)}{least}"
    width = _scatter(result)
    width_text = "no interval" if math.isinf(width) else f"intervals of medians are {width:.1%} wide (their median)"
    return f"no A/A pair, {width_text}; {noise_text(result)}"


def leading_text(runs: Sequence[Run]) -> str:
    """A sentence on how the runs of a group are ordered."""
    measured = [run.result.noise is not None for run in runs]
    if all(measured):
        by = "by how far their A/A pairs differ, the least first"
    elif not any(measured):
        by = "by how wide the intervals of their medians are, the narrowest first, for they have no A/A pair"
    else:
        by = "with A/A pairs first, by how far these differ, then by how wide the intervals of medians are"
    cut = "; interrupted runs come last" * (len({run.result.producer.complete for run in runs}) > 1)
    return f"Runs are ordered {by}{cut}. The first leads."
