"""Profiles by function in the report: bars of a kernel, and bars left and right of two."""

from gcproto.report.page.kernels_section import kernels_section
from gcproto.report.page.profiles import FEW, profile_parts
from gcproto.report.plots.functions import MOST, difference_plot
from gcproto.results.profiles.explain import explanations
from gcproto.results.schema import PathFigures, Result
from tests.results.test_profiles import K72, K73, NEW, OLD, profile, profiled
from tests.support.kernel_results import MOVE, STOCK, guest_result
from tests.support.result_maker import scenario

BOTH = [profiled(K72, OLD), profiled(K73, NEW)]


def test_the_newest_kernel_and_its_difference_have_bars_and_tables() -> None:
    newest, change = profile_parts(BOTH, "kernels-0")
    assert newest.title == "By function: 7.3.4+deb13"
    (bars,) = newest.wide
    assert bars.title == "small move 2M, 7.3.4+deb13: instructions a page by function"
    assert "move_pages_ptes 132" in bars.text
    assert change.title == "By function: 7.2.12+deb13 to 7.3.4+deb13"
    (sides,) = change.wide
    assert "+17.1 instructions a page" in sides.title
    assert [row[0] for row in change.grids[0].rows] == ["move_pages_ptes", "vm_normal_page"]
    assert change.grids[0].note == "1 more functions change by +0.1 together."
    assert len({one.name for part in (newest, change) for one in part.plots()}) == 2


def test_all_pictures_can_be_drawn_however_many_functions_there_are() -> None:
    many = {f"function_{number}": 100.0 - number for number in range(3 * MOST)}
    more = {name: value + 1.0 for name, value in many.items()}
    results = [profiled(K72, many), profiled(K73, more)]
    for part in profile_parts(results, "k"):
        for one in part.plots():
            assert all("<svg" in text for text in one.svgs())
    found = explanations(
        [profiled(K72, {"a.b": 1.0, "$x^2$": 9.0}), profiled(K73, {"a.b": 1.0, "$x^2$": 4.0})], K72, K73
    )
    assert difference_plot("x", found[MOVE], K72, K73, 4096).svgs()


def test_of_many_scenarios_the_leading_ones_are_drawn_and_all_have_a_table() -> None:
    result = profiled(K73, NEW)
    for granule in range(1, 2 * FEW):
        one = guest_result(K73, {scenario("copy", 4096 * granule, pages=512): 195.0}).measurements[0]
        one.figures = PathFigures(profile=profile(NEW))
        result.measurements.append(one)
    (part,) = profile_parts([result], "k")
    assert len(part.wide) == 1
    assert len(part.grids) == 2 * FEW
    assert "Pictures show the leading scenarios. Each scenario has a table." in part.lines


def test_results_without_profiles_have_no_such_part() -> None:
    plain: list[Result] = [guest_result(release, values) for release, values in STOCK.items()]
    assert profile_parts(plain, "k") == []
    section, _ = kernels_section(plain)
    assert not any(part.title.startswith("By function") for part in section.parts)
    section, _ = kernels_section(BOTH)
    assert [part.title for part in section.parts if part.title] == [
        "By function: 7.3.4+deb13",
        "By function: 7.2.12+deb13 to 7.3.4+deb13",
    ]
