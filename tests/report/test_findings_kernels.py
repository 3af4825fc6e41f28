"""Findings of kernels: steps, what moves whole, what misbehaves."""

from gcproto.report.plots.kernels import plot
from gcproto.report.words.kernels import check_finding, series_findings
from gcproto.results.schema import (
    Console,
    ContractRow,
    Hazard,
    PathScenario,
    Scenario,
    Verdict,
    with_fields,
)
from gcproto.results.series import build, release_of
from gcproto.results.steps import steps
from tests.support.condition_results import PMD
from tests.support.findings import text_of
from tests.support.kernel_results import CANARY, COPY, SPLIT, STOCK, guest_result, stock
from tests.support.result_maker import scenario


def test_kernels() -> None:
    results = stock()
    series = build(results)
    (step,) = series_findings(series, steps(series), results, "kernels")
    assert step.answer == "Yes"
    assert step.figure == "-81% between 6.17.13 and 6.18.15"
    assert "2 more steps are marked in the picture." in step.detail
    assert "TLB-flush batching" in text_of(step)
    assert "move, 2M a call: 1220 \N{RIGHTWARDS ARROW} 226 instructions/page." in step.detail


def test_a_step_lies_between_the_kernels_that_were_measured() -> None:
    """Results of 6.17 and 7.3 alone do not tell which kernel between them brought it."""
    results = [one for one in stock() if release_of(one).startswith(("6.17", "7.3"))]
    series = build(results)
    (step,) = series_findings(series, steps(series), results, "kernels")
    assert step.figure == "-81% between 6.17.13 and 7.3.4"
    assert "1 more step is marked in the picture." in step.detail
    said = plot("kernels", series, steps(series), results).text
    assert "Step of -81% between 6.17.13 and 7.3.4: small" in said


def test_steps_of_what_is_not_drawn_are_counted_apart() -> None:
    """The picture marks its own lines; with steps of other scenarios only, the text still says that there is a step."""
    hidden = scenario("move", PMD, source="swapped", order=4, pages=512)
    results = [
        guest_result(f"{version}-cloud-amd64", {CANARY: 4000.0, COPY: 3000.0, hidden: value}, noise=0.0)
        for version, value in (("6.18.15+deb13", 900.0), ("7.3.4+deb13", 300.0))
    ]
    series = build(results)
    (step,) = series_findings(series, steps(series), results, "kernels")
    assert (step.answer, step.figure) == ("Yes", "-67% between 6.18.15 and 7.3.4")
    releases = ("6.17.13+deb13-cloud-amd64", "7.3.4+deb13-cloud-amd64")
    drawn = [guest_result(release, STOCK[release], noise=0.0) for release in releases]
    for one, more in zip(drawn, results, strict=True):
        one.measurements.append(more.measurements[-1])
    series = build(drawn)
    (step,) = series_findings(series, steps(series), drawn, "kernels")
    assert step.detail[-2].endswith("1 step of scenarios that it does not draw is in the table.")


def test_lines_follow_the_page_size_of_the_results() -> None:
    """64K pages: a table is 512M, a page a call 64K, and the mTHP the next above 64K."""
    from gcproto.report.plots.kernels import lines_of

    page, table = 65536, 512 << 20
    values: dict[Scenario, float] = {
        PathScenario(source, order, arm, granule, "congruent", 1, table // page): 100.0
        for source, order, arm, granule in (
            ("small", 0, "copy", table),
            ("small", 0, "move", page),
            ("small", 0, "move", table),
            ("mthp", 5, "move", table),
            ("thp", 13, "move", table),
        )
    }
    results = [guest_result("6.18.15-arm64", values)]
    results[0].environment["page_size"] = page
    titles = [one.title for one in lines_of(values, results)]
    assert titles == ["copy, 512M a call", "move, 64K a call", "move, 512M a call", "move, 2M mTHP", "move, whole THP"]


def test_a_kernel_that_moves_mthps_whole_is_named() -> None:
    results = stock(boots=1)
    for made in results:
        for one in made.measurements:
            if isinstance(one.scenario, PathScenario) and one.scenario.source == "mthp":
                whole = "7.3" in made.environment["kernel"]["release"]
                one.proof.folios, one.proof.folios_split = 640, 0 if whole else 640
    series = build(results)
    found = series_findings(series, steps(series), results, "kernels")[-1]
    assert found.answer == "7.3.4"
    assert found.figure == "1 of 5"


def test_a_skewed_mthp_is_not_one_that_was_asked_whole() -> None:
    results = stock(boots=1)
    for made in results:
        for one in made.measurements:
            if isinstance(one.scenario, PathScenario) and one.scenario.source == "mthp":
                one.scenario = with_fields(one.scenario, alignment="skewed")
                one.proof.folios, one.proof.folios_split = 640, 640
    series = build(results)
    assert "whole" not in series_findings(series, steps(series), results, "kernels")[-1].question


def test_kernels_that_misbehave() -> None:
    verdicts = [Verdict(Hazard("ksm"), "panic", "oops"), Verdict(ContractRow("x"), "fine", "")]
    found = check_finding([guest_result("6.18.15+deb13-cloud-amd64", {}, verdicts=verdicts)], "checks")
    assert found
    assert found.answer == "1 of 1 do"
    assert found.figure == "1 of 2 verdicts"
    assert "6.18.15: ksm: panic." in found.detail


def test_what_a_console_printed_is_no_row_and_no_hazard() -> None:
    verdicts = [Verdict(Console(), "differs", "a warning"), Verdict(ContractRow("x"), "fine", "")]
    found = check_finding([guest_result("6.18.15+deb13-cloud-amd64", {}, verdicts=verdicts)], "checks")
    assert found
    assert found.answer == "None was seen to"
    assert "1 row or hazard ran and was fine." in found.detail
    assert "The console of 6.18.15: a warning." in found.detail


def test_what_was_unavailable_is_counted_apart() -> None:
    verdicts = [Verdict(Hazard("ksm"), "unavailable", "no KSM"), Verdict(ContractRow("x"), "fine", "")]
    found = check_finding([guest_result("6.18.15+deb13-cloud-amd64", {}, verdicts=verdicts)], "checks")
    assert found
    assert found.figure == "0 of 1 verdict"
    assert "1 was unavailable; the section says why." in found.detail


def test_a_patched_kernel_is_not_taken_for_the_stock_one() -> None:
    results = [
        guest_result(release, {SPLIT: value}, boot=1)
        for release, value in (("7.3.4+deb13-cloud-amd64", 2876.0), ("7.3.4-mthp", 60.0))
    ]
    for made, split in zip(results, (640, 0), strict=True):
        made.measurements[0].proof.folios, made.measurements[0].proof.folios_split = 640, split
    series = build(results)
    whole = series_findings(series, steps(series), results, "kernels")[-1]
    assert whole.answer == "7.3.4-mthp"
    assert "Kernels that split mTHPs to move them: 7.3.4+deb13." in whole.detail
