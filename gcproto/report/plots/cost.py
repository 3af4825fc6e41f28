"""The cost of a page: by the bytes that one call is asked for, and by the size of folios."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gcproto.report import labels
from gcproto.report.plots.axes import axes, end_labels, heading, log_scale, sizes_axis
from gcproto.report.plots.look import Look, clean, style_of
from gcproto.report.plots.plot import Plot, anchor
from gcproto.report.plots.samples import measurements_data
from gcproto.report.words.cases import Condition, condition_of, unusual
from gcproto.report.words.kinds import Path, paths
from gcproto.report.words.ratios import usable
from gcproto.report.words.typical import points, sample_modes, typical
from gcproto.results import names
from gcproto.results.baseline import done_share, refused
from gcproto.results.schema import ANY, CONGRUENT, PathScenario, Result
from gcproto.results.series import page_size_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MIN_GRANULES = 3
SIZE = (372, 330)
LABEL_ROOM = 136
STRONG = frozenset({"move", "copy_discard", "copy", "split_move"})
"""Arms whose lines are emphasised."""
ORDER_ARMS = STRONG
ORDER_SOURCES = frozenset({"small", "mthp", "thp"})
REFUSED = "Grey crosses: refused, no page moved. "
MODES = "Two markers above each other: the rounds fall into two modes, larger for the larger share. "


def usable_paths(result: Result) -> list[Path]:
    """Paths that a picture may show: valid, above zero, neither A/A twin nor canary."""
    return [
        one
        for one in paths(result.measurements)
        if usable(one.measured) and (one.measured.median or 0) > 0 and not one.at.replica and one.at.source != "none"
    ]


def layout_text(one: PathScenario) -> str:
    """``second thread live``, ``one thread, beyond the caches``: of a picture."""
    return names.condition(one) if unusual(one) else names.threads(one)


def by_granule(result: Result, name: str) -> list[Plot]:
    """A picture for each source and condition that was measured at several granules, congruent."""
    groups: dict[tuple[str, int, Condition], list[Path]] = defaultdict(list)
    for one in usable_paths(result):
        if one.at.alignment == CONGRUENT:
            groups[one.at.source, one.at.order, condition_of(one.at)].append(one)
    found: list[Plot] = []
    ordered = sorted(groups.items(), key=lambda item: (item[0][0] != "small", item[0][1], item[0][2].rank))
    for (source, order, condition), group in ordered:
        if len({one.at.granule_bytes for one in group}) < MIN_GRANULES:
            continue
        page = page_size_of(result)
        first = group[0].at
        folios = f"{names.source(first, page)} folios" if source == "small" else names.source(first, page)
        arms = _arms(group, lambda one: one.granule_bytes)
        called = anchor(name, "granule", labels.size(page << order).lower(), source, *_words(condition))
        # Words of a file without letters for an anchor could make two names equal.
        found.append(
            Plot(
                called if called not in {one.name for one in found} else f"{called}-{len(found)}",
                f"{folios}, {layout_text(first)}",
                _told_granules(folios, first, arms),
                lambda figure, look, arms=arms: _draw_granules(figure, look, arms),  # type: ignore[misc]
                measurements_data([one.measured for one in group], page),
                (SIZE,),
                _caption(group),
            )
        )
    return found


def _words(one: Condition) -> list[str]:
    """Of a picture's name."""
    unlike = [word for word in one.reach if word != ANY]
    return ["live"] * one.live + unlike


def _told_granules(folios: str, first: PathScenario, arms: dict[str, list[Path]]) -> str:
    unit = next(iter(arms.values()))[0].measured.unit
    said = " ".join(
        f"{arm}: " + ", ".join(f"{_value(one)} at {labels.size(one.at.granule_bytes)}" for one in ones) + "."
        for arm, ones in arms.items()
    )
    return f"{folios}, {names.condition(first)}: {unit} by bytes asked of one call. {said}"


def _value(one: Path) -> str:
    return "refused" if refused(one.measured) else typical(one.measured)


def _caption(group: Sequence[Path]) -> str:
    texts = [REFUSED] * any(refused(one.measured) for one in group)
    texts += [MODES] * any(sample_modes(one.measured) for one in group)
    return "".join(texts).strip()


def _arms(group: Sequence[Path], place: Callable[[PathScenario], int]) -> dict[str, list[Path]]:
    """Paths by arm, in the order of their places on the axis."""
    arms: dict[str, list[Path]] = defaultdict(list)
    for one in sorted(group, key=lambda one: place(one.at)):
        arms[one.at.arm].append(one)
    return arms


def _draw_granules(figure: "Figure | SubFigure", look: Look, arms: dict[str, list[Path]]) -> None:
    every = [one for ones in arms.values() for one in ones]
    found = axes(figure, look, 40, 46, LABEL_ROOM, 28)
    heading(figure, look, f"{every[0].measured.unit}, log scale")
    sizes_axis(found, sorted({one.at.granule_bytes for one in every}))
    found.set_xlabel("bytes asked of one call", fontsize=11, color=look.colour("muted"))
    _value_axis(found, every)
    ends = []
    for arm, ones in arms.items():
        places = [(float(one.at.granule_bytes), one) for one in ones]
        _line(found, look, arm, places)
        ends.append((places[-1][0], _height(places[-1][1]), arm, style_of(ones[0].at)[0]))
    end_labels(found, look, ends, LABEL_ROOM - 16)


def _height(one: Path) -> float:
    """The height of a line: the median, or the mode with the larger share."""
    return points(one.measured)[0][0]


def _value_axis(found: "Axes", every: Sequence[Path]) -> None:
    values = [
        value
        for one in every
        for middle, low, high, _ in points(one.measured)
        for value in (middle, low, high)
        if value > 0
    ]
    log_scale(found.yaxis, min(values), max(values))


def _line(found: "Axes", look: Look, arm: str, places: Sequence[tuple[float, Path]]) -> None:
    """A way of doing the work: medians joined, with intervals; refused points are grey and not joined."""
    role, marker, line = style_of(places[0][1].at)
    colour = look.colour(role)
    strong = arm in STRONG
    done = [(x, one) for x, one in places if not refused(one.measured)]
    found.plot(
        [x for x, _ in done],
        [_height(one) for _, one in done],
        color=colour,
        linestyle=line,
        linewidth=2.2 if strong else 1.2,
        zorder=2,
    )
    size = 6.5 if strong else 5
    for x, one in done:
        for middle, low, high, share in points(one.measured):
            if low > 0:
                found.plot([x, x], [low, high], color=colour, linewidth=5, alpha=0.45, solid_capstyle="butt", zorder=2)
            (dot,) = found.plot(
                [x], [middle], linestyle="none", marker=marker, markersize=size * share**0.5, color=colour, zorder=3
            )
            dot.set_gid(look.tell([told(arm, one)]))
    for x, one in places:
        if refused(one.measured):
            grey = look.colour("plain")
            (cross,) = found.plot([x], [_height(one)], linestyle="none", marker="x", markersize=8, color=grey, zorder=3)
            cross.set_gid(look.tell([told(arm, one)]))


def told(arm: str, one: Path) -> str:
    """The text of a marker."""
    measured = one.measured
    text = f"{clean(arm)}, {labels.size(one.at.granule_bytes)} a call, {names.condition(one.at)}: "
    text += f"{typical(measured)} {clean(measured.unit)}"
    text += f" ({labels.bounds(measured.ci)})" if measured.ci and not sample_modes(measured) else ""
    if refused(measured):
        text += "; refused, no page moved"
    share = done_share(measured)
    if share is not None and 0 < share < 1:
        text += f"; {labels.share(share)} of the pages were evacuated"
    if measured.proof.folios_split:
        split, every = (labels.per_round(n, measured) for n in (measured.proof.folios_split, measured.proof.folios))
        text += f"; {split} of {every} folios split"
    if measured.outcome.ebusy:
        text += f"; EBUSY {labels.per_round(measured.outcome.ebusy, measured)} a round"
    return text


def has_orders(result: Result) -> bool:
    """Whether folios of several sizes were measured at one granule."""
    return len({one.at.order for one in _widest(result)[1]}) > 1


def by_order(result: Result, name: str) -> Plot | None:
    """A picture over folio sizes at the granule that most of them were measured at; None with fewer than two sizes."""
    if not has_orders(result):
        return None
    granule, group = _widest(result)
    arms = _arms(group, lambda one: one.order)
    page, unit = page_size_of(result), group[0].measured.unit
    title = f"By folio size, {labels.size(granule)} a call, {layout_text(group[0].at)}"
    text = f"{title}: {unit}. " + " ".join(
        f"{arm}: " + ", ".join(f"{_value(one)} for {labels.size(page << one.at.order)}" for one in ones) + "."
        for arm, ones in arms.items()
    )
    return Plot(
        f"{name}-order",
        title,
        text,
        lambda figure, look: _draw_orders(figure, look, arms, page, unit),
        measurements_data([one.measured for one in group], page),
        (SIZE,),
        caption=(
            "Crosses: the kernel split the folios to move them. * A projection, not a measurement: mTHPs "
            f"moved in batches without a split, at what small folios cost in the same run. {_caption(group)}"
        ).strip(),
    )


def _widest(result: Result) -> tuple[int, list[Path]]:
    """The granule and condition with the most folio sizes, and the measurements there."""
    groups: dict[tuple[int, Condition], list[Path]] = defaultdict(list)
    for one in usable_paths(result):
        wanted = one.at.source in ORDER_SOURCES and one.at.arm in ORDER_ARMS
        if wanted and one.at.alignment == CONGRUENT and not refused(one.measured):
            groups[one.at.granule_bytes, condition_of(one.at)].append(one)
    if not groups:
        return 0, []

    def orders(key: tuple[int, Condition]) -> int:
        return len({one.at.order for one in groups[key]})

    key = min(groups, key=lambda one: (-orders(one), one[1].rank, -one[0]))
    return key[0], groups[key]


def _draw_orders(figure: "Figure | SubFigure", look: Look, arms: dict[str, list[Path]], page: int, unit: str) -> None:
    found = axes(figure, look, 40, 46, LABEL_ROOM, 28)
    heading(figure, look, f"{unit}, log scale")
    every = [one for ones in arms.values() for one in ones]
    sizes_axis(found, sorted({page << one.at.order for one in every}))
    found.set_xlabel("folio size", fontsize=11, color=look.colour("muted"))
    _value_axis(found, every)
    ends = []
    for arm, ones in arms.items():
        places = [(float(page << one.at.order), one) for one in ones]
        _line(found, look, arm, places)
        split = [(x, _height(one)) for x, one in places if one.measured.proof.folios_split]
        if split and arm == "move":
            ends += _split(found, look, split, ones[0], page)
        ends.append((places[-1][0], _height(places[-1][1]), arm, style_of(ones[0].at)[0]))
    end_labels(found, look, ends, LABEL_ROOM - 16)


def _split(
    found: "Axes", look: Look, split: Sequence[tuple[float, float]], first: Path, page: int
) -> list[tuple[float, float, str, str]]:
    """Crosses where folios were split, and their projected cost at that of small folios."""
    xs, ys = zip(*split, strict=True)
    found.plot(
        xs, ys, linestyle="none", marker="x", markersize=12, color=look.colour("ink"), markeredgewidth=1.4, zorder=4
    )
    if first.at.order:
        return []
    base = _height(first)
    dashes = (0, (2, 2))
    found.plot([page, max(xs)], [base, base], linestyle=dashes, linewidth=1.6, color=look.colour("move"), zorder=1)
    return [(max(xs), base, "if not split *", "move")]
