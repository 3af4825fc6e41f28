"""The part of the page that has guests of several architectures or page sizes beside each other."""

from collections.abc import Mapping, Sequence

from gcproto.errors import GcprotoError
from gcproto.report import labels
from gcproto.report.page.model import Grid, Part
from gcproto.results.facts import brief
from gcproto.results.platforms import INCOMPARABLE, Beside, beside, newest, newest_of, series_of
from gcproto.results.schema import KernelCell, Result
from gcproto.results.series import Series, by_platform
from gcproto.results.steps import THRESHOLD

TITLE = "Architectures beside each other"
LABEL = f"{INCOMPARABLE}. What compares is where a series steps, and by how much of its own value."


def platform_parts(results: Sequence[Result]) -> list[Part]:
    """One part; none if the results are of one platform.

    Args:
        results: of guests.

    """
    measured = [one for one in results if one.measurements and _of_paths(one)]
    if len(by_platform(measured)) < 2:
        return []
    part = Part(TITLE, [LABEL])
    try:
        platforms = series_of(measured)
    except GcprotoError as error:
        part.lines.append(f"They can't be shown beside each other: {error}")
        return [part]
    part.grids = [_newest_grid(platforms), _steps_grid(platforms)]
    return [part]


def _of_paths(result: Result) -> bool:
    """Whether it counts instructions of paths: a heap's guests have units of their own."""
    return isinstance(result.experiment, KernelCell) and result.experiment.icount and result.experiment.set != "heap"


def _newest_grid(platforms: Mapping[str, Series]) -> Grid:
    kernels = newest_of(platforms)
    rows = []
    for one in newest(platforms):
        values = (one.values.get(platform) for platform in kernels)
        rows.append((one.name, *("-" if value is None else labels.number(value) for value in values)))
    heads = ("scenario", *(f"{brief(kernel)}, {platform}" for platform, kernel in kernels.items()))
    note = 'Instructions per page of the platform; "-" where it was not measured.'
    return Grid("The newest kernels", heads, rows, 1, note, folded=False)


def _steps_grid(platforms: Mapping[str, Series]) -> Grid:
    rows = [
        (f"{one.before} to {one.after}", one.name, _where(one, platforms), *(_change(one, each) for each in platforms))
        for one in beside(platforms, THRESHOLD)
    ]
    return Grid(
        "Steps",
        ("kernels", "scenario", "steps on", *platforms),
        rows,
        3,
        "The change of each platform's own value between two kernels. The third column says on which it is a step.",
        folded=False,
    )


def _where(one: Beside, platforms: Mapping[str, Series]) -> str:
    return "all" if len(one.stepping) == len(platforms) else ", ".join(one.stepping)


def _change(one: Beside, platform: str) -> str:
    change = one.changes.get(platform)
    return "-" if change is None else f"{change.change:+.1%}"
