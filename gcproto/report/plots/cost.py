"""What a page costs: by how much one call is asked to do, and by the size of folios."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from gcproto.report import labels
from gcproto.report.plots.axes import axes, end_labels, heading, log_scale, sizes_axis
from gcproto.report.plots.look import Look, clean, style_of
from gcproto.report.plots.plot import Plot
from gcproto.report.plots.samples import measurements_data
from gcproto.results.schema import Measurement, Result, Scenario
from gcproto.results.series import page_size_of

MIN_GRANULES = 3
SIZE = (372, 330)
LABEL_ROOM = 136


def usable(result: Result) -> list[Measurement]:
    """Measurements that a picture may show: valid, above zero, no A/A twins, of paths."""
    return [
        one
        for one in result.measurements
        if one.valid and one.median and one.median > 0 and not one.scenario.replica and one.scenario.source != "none"
    ]


def by_granule(result: Result, name: str) -> list[Plot]:
    """A picture for each source that was measured at several granules, congruent and on one thread."""
    groups: dict[tuple[str, int], list[Measurement]] = defaultdict(list)
    for one in usable(result):
        if one.scenario.alignment == "congruent" and one.scenario.threads == 1:
            groups[one.scenario.source, one.scenario.order].append(one)
    found = []
    for (source, order), group in groups.items():
        if len({one.scenario.granule_bytes for one in group}) < MIN_GRANULES:
            continue
        page = page_size_of(result)
        title = (
            f"{labels.source(group[0].scenario, page)} folios"
            if source == "small"
            else labels.source(group[0].scenario, page)
        )
        arms = _arms(group, lambda one: one.granule_bytes)
        unit = group[0].unit
        text = f"{title}: {unit} by bytes asked of one call. " + " ".join(
            f"{arm}: "
            + ", ".join(
                f"{labels.number(one.median or 0)} at {labels.size(one.scenario.granule_bytes)}" for one in ones
            )
            + "."
            for arm, ones in arms.items()
        )
        found.append(
            Plot(
                f"{name}-granule-{labels.size(page << order).lower()}-{source}",
                title,
                text,
                lambda figure, look, arms=arms, unit=unit: _draw_granules(figure, look, arms, unit),  # type: ignore[misc]
                measurements_data(group, page),
                (SIZE,),
            )
        )
    return found


def _arms(group: Sequence[Measurement], place: Callable[[Scenario], int]) -> dict[str, list[Measurement]]:
    """Measurements by arm, in the order of their places on the axis."""
    arms: dict[str, list[Measurement]] = defaultdict(list)
    for one in sorted(group, key=lambda one: place(one.scenario)):
        arms[one.scenario.arm].append(one)
    return arms


def _draw_granules(figure: Any, look: Look, arms: dict[str, list[Measurement]], unit: str) -> None:
    found = axes(figure, look, 40, 46, LABEL_ROOM, 28)
    heading(figure, look, f"{unit}, log scale")
    every = [one for ones in arms.values() for one in ones]
    sizes_axis(found, sorted({one.scenario.granule_bytes for one in every}))
    found.set_xlabel("bytes asked of one call", fontsize=11, color=look.colour("muted"))
    _value_axis(found, every)
    ends = []
    for arm, ones in arms.items():
        points = [(float(one.scenario.granule_bytes), one) for one in ones]
        _line(found, look, arm, points)
        ends.append((points[-1][0], points[-1][1].median or 0.0, arm, style_of(arm)[0]))
    end_labels(found, look, ends, LABEL_ROOM - 16)


def _value_axis(found: Any, every: Sequence[Measurement]) -> None:
    values = [value for one in every for value in (one.median, one.ci.low if one.ci else None) if value and value > 0]
    values += [one.ci.high for one in every if one.ci]
    log_scale(found.yaxis, min(values), max(values))


def _line(found: Any, look: Look, arm: str, points: Sequence[tuple[float, Measurement]]) -> None:
    """A way of doing the work: medians joined, and intervals."""
    role, marker, line = style_of(arm)
    colour = look.colour(role)
    strong = arm in {"move", "copy_discard", "copy", "split_move"}
    xs, ys = [x for x, _ in points], [one.median or 0.0 for _, one in points]
    found.plot(xs, ys, color=colour, linestyle=line, linewidth=2.2 if strong else 1.2, zorder=2)
    for x, one in points:
        if one.ci and one.ci.low > 0:
            found.plot(
                [x, x],
                [one.ci.low, one.ci.high],
                color=colour,
                linewidth=5,
                alpha=0.45,
                solid_capstyle="butt",
                zorder=2,
            )
    (dots,) = found.plot(
        xs,
        ys,
        linestyle="none",
        marker=marker,
        markersize=6.5 if strong else 5,
        color=colour,
        zorder=3,
        markerfacecolor=colour,
        markeredgecolor=colour,
    )
    dots.set_gid(look.tell([told(arm, one) for _, one in points]))


def told(arm: str, one: Measurement) -> str:
    """What a marker says."""
    text = (
        f"{clean(arm)}, {labels.size(one.scenario.granule_bytes)} a call: {labels.number(one.median or 0)} "
        f"{clean(one.unit)}"
    )
    text += f" ({labels.bounds(one.ci)})" if one.ci else ""
    if one.proof.folios_split:
        text += (
            f"; {labels.per_round(one.proof.folios_split, one)} of {labels.per_round(one.proof.folios, one)} "
            "folios split"
        )
    if one.outcome.ebusy:
        text += f"; EBUSY {labels.per_round(one.outcome.ebusy, one)} a round"
    return text


def has_orders(result: Result) -> bool:
    """Whether folios of several sizes were measured at one granule."""
    return len({one.scenario.order for one in _widest(result)[1]}) > 1


def by_order(result: Result, name: str) -> Plot | None:
    """A picture over folio sizes at the granule that most of them were measured at; None with fewer than two sizes."""
    if not has_orders(result):
        return None
    granule, group = _widest(result)
    arms = _arms(group, lambda one: one.order)
    page, unit = page_size_of(result), group[0].unit
    title = f"By folio size, {labels.size(granule)} a call"
    text = f"{title}: {unit}. " + " ".join(
        f"{arm}: "
        + ", ".join(f"{labels.number(one.median or 0)} for {labels.size(page << one.scenario.order)}" for one in ones)
        + "."
        for arm, ones in arms.items()
    )
    return Plot(
        f"{name}-order",
        title,
        text,
        lambda figure, look: _draw_orders(figure, look, arms, page, unit),
        measurements_data(group, page),
        (SIZE,),
        caption=(
            "Crosses: the kernel split the folios to move them. * A projection, not a measurement: mTHPs "
            "moved in batches without a split, at what small folios cost in the same run."
        ),
    )


def _widest(result: Result) -> tuple[int, list[Measurement]]:
    """The granule with the most folio sizes, and what was measured at it."""
    groups: dict[int, list[Measurement]] = defaultdict(list)
    for one in usable(result):
        scenario = one.scenario
        wanted = scenario.source in {"small", "mthp", "thp"} and scenario.arm in {
            "move",
            "copy",
            "copy_discard",
            "split_move",
        }
        if wanted and scenario.alignment == "congruent" and scenario.threads == 1:
            groups[scenario.granule_bytes].append(one)
    if not groups:
        return 0, []
    granule = max(groups, key=lambda size: (len({one.scenario.order for one in groups[size]}), size))
    return granule, groups[granule]


def _draw_orders(figure: Any, look: Look, arms: dict[str, list[Measurement]], page: int, unit: str) -> None:
    found = axes(figure, look, 40, 46, LABEL_ROOM, 28)
    heading(figure, look, f"{unit}, log scale")
    every = [one for ones in arms.values() for one in ones]
    sizes_axis(found, sorted({page << one.scenario.order for one in every}))
    found.set_xlabel("folio size", fontsize=11, color=look.colour("muted"))
    _value_axis(found, every)
    ends = []
    for arm, ones in arms.items():
        points = [(float(page << one.scenario.order), one) for one in ones]
        _line(found, look, arm, points)
        split = [(x, one.median) for x, one in points if one.proof.folios_split]
        if split and arm == "move":
            xs, ys = zip(*split, strict=True)
            found.plot(
                xs,
                ys,
                linestyle="none",
                marker="x",
                markersize=12,
                color=look.colour("ink"),
                markeredgewidth=1.4,
                zorder=4,
            )
            if ones[0].scenario.order == 0:
                base = ones[0].median or 0.0
                found.plot(
                    [page, max(xs)],
                    [base, base],
                    linestyle=(0, (2, 2)),
                    linewidth=1.6,
                    color=look.colour("move"),
                    zorder=1,
                )
                ends.append((max(xs), base, "if not split *", "move"))
        ends.append((points[-1][0], points[-1][1].median or 0.0, arm, style_of(arm)[0]))
    end_labels(found, look, ends, LABEL_ROOM - 16)
