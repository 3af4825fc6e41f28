"""Guests of both architectures on one page: the newest kernels beside each other, and the steps of each."""

import io

from rich.console import Console

from gcproto.report.page.kernels_section import kernels_section
from gcproto.report.page.platforms import TITLE, platform_parts
from gcproto.report.terminal.platforms import print_newest
from gcproto.results.facts import release_of
from gcproto.results.platforms import newest, newest_of, series_of
from tests.kernels.test_arm64 import SIXTEEN, arm64
from tests.support.every_kind import page_of
from tests.support.kernel_results import stock

X86 = [one for one in stock(1) if "6.17" in release_of(one) or "6.18" in release_of(one)]
FOUR_K = [arm64("6.17.13+deb13-cloud-arm64", factor=6), arm64("6.18.15+deb13-cloud-arm64")]
SIXTEEN_K = [arm64("6.17.13+deb13-arm64-16k", SIXTEEN), arm64("6.18.15+deb13-arm64-16k", SIXTEEN)]
EVERY = [*X86, *FOUR_K, *SIXTEEN_K]


def test_the_newest_kernels_and_the_steps_are_beside_each_other() -> None:
    (part,) = platform_parts(EVERY)
    newest_grid, steps_grid = part.grids
    assert list(newest_grid.heads[1:]) == [
        "6.18.15 arm64 16K, arm64 16K neoverse-n1",
        "6.18.15 arm64 4K, arm64 4K neoverse-n1",
        "6.18.15, x86_64 4K max",
    ]
    by_name = {row[0]: row[1:] for row in newest_grid.rows}
    sixteen, four, x86 = by_name["small move 2M"]
    assert (sixteen, four) == ("246", "220")
    assert x86 not in {sixteen, four, "-"}
    assert by_name["64K mTHP move 2M"][0] == "-"
    steps = {row[1]: row for row in steps_grid.rows}
    assert steps["small move 2M"][:3] == ("6.17 to 6.18", "small move 2M", "arm64 4K neoverse-n1, x86_64 4K max")
    assert all(len(row) == len(steps_grid.heads) for row in steps_grid.rows)


def test_the_page_has_them_before_the_series_and_only_for_several_platforms() -> None:
    section, _ = kernels_section(EVERY)
    assert section.parts[0].title == TITLE
    assert not platform_parts(X86)
    assert TITLE in page_of(EVERY)
    assert TITLE not in page_of(X86)


def test_what_differs_in_more_than_the_platform_is_said() -> None:
    other = arm64("6.18.15+deb13-cloud-arm64")
    other.producer.benchmark = "another"
    (part,) = platform_parts([*X86, *FOUR_K, other])
    assert not part.grids
    assert "can't be shown" in part.lines[-1]


def test_the_terminal_has_the_same_figures() -> None:
    platforms = series_of(EVERY)
    out = io.StringIO()
    print_newest(newest(platforms), newest_of(platforms), Console(file=out, width=160))
    line = next(text for text in out.getvalue().splitlines() if text.startswith("small move 2M"))
    assert line.split()[-3:-1] == ["246", "220"]
