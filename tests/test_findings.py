"""Claims and findings: what is said, how sure it is, and that too little is never sure."""

import pytest

from gcproto.report.claims import SURE_FROM, path_claims
from gcproto.report.findings import Finding, headline_claims, path_findings
from gcproto.report.findings_heap import heap_finding, window_finding
from gcproto.report.findings_kernels import check_finding, series_findings
from gcproto.results.schema import Noise, Result, Verdict
from gcproto.results.series import build
from gcproto.results.statistics import summarise
from gcproto.results.steps import steps
from tests.heap_results import heap_result, window_result
from tests.kernel_results import SPLIT, guest_result, stock
from tests.path_results import paths_result
from tests.result_maker import noisy_run


def findings(result: Result) -> dict[str, Finding]:
    return {one.question.split("?")[0]: one for one in path_findings(result, path_claims(result), "cost")}


def test_a_kernel_that_splits() -> None:
    found = findings(paths_result())
    small = found["Small folios: move or copy"]
    assert small.answer == "Move"
    assert small.sure
    assert small.figure.endswith("x cheaper than copy-then-discard")
    assert 11.5 < float(small.figure.split("x")[0]) < 12.7
    assert found["64K mTHP: move or copy"].answer == "Move, but it splits"
    assert "64 of 64 folios a round were split" in found["64K mTHP: move or copy"].detail
    assert found["2M THP: move or copy"].answer == "Move whole, aligned"
    assert found["A mutator that faults on one page"].answer == "Copy it"
    assert found["Pages that are pinned"].answer == "Copy at once"


def test_batching_is_called_a_projection() -> None:
    found = findings(paths_result())["What would batching mTHP moves change"]
    assert found.projected
    assert found.answer.startswith("Up to 9.")


def test_a_kernel_that_moves_whole_needs_no_projection() -> None:
    found = findings(paths_result(splits=False))
    assert "stayed whole" in found["64K mTHP: move or copy"].detail
    batching = found["What would batching mTHP moves change"]
    assert batching.answer == "Nothing more here"
    assert not batching.projected


def test_too_few_rounds_are_never_sure() -> None:
    run = noisy_run(1, rounds=SURE_FROM - 1)
    small = findings(run)["Small folios: move or copy"]
    assert not small.sure
    assert small.answer == "Move?"
    assert "too few to be sure" in small.basis
    assert findings(noisy_run(1, rounds=SURE_FROM))["Small folios: move or copy"].sure


def test_within_the_noise_nothing_is_sure() -> None:
    run = noisy_run(1, arms={"move": 900 / 80})
    assert run.noise
    run.noise = Noise(run.noise.pairs, 0.2)
    small = findings(run)["Small folios: move or copy"]
    assert small.answer == "Either"
    assert not small.sure
    assert "within the noise floor of 20.0%" in small.basis or "includes 1" in small.basis


def test_copy_wins_where_it_does() -> None:
    small = findings(noisy_run(1, arms={"move": 30.0}))["Small folios: move or copy"]
    assert small.answer == "Copy"
    assert "dearer" in small.figure


def test_nothing_is_said_of_what_is_void_or_missing() -> None:
    run = paths_result()
    for one in run.measurements:
        one.valid = False
    assert findings(run) == {}
    assert headline_claims(run, path_claims(run)) == []


def test_an_assumed_floor_is_called_so() -> None:
    run = paths_result()
    run.noise = None
    assert "assumed" in findings(run)["Small folios: move or copy"].basis


def test_headline_has_each_claim_once() -> None:
    claims = headline_claims(paths_result(), path_claims(paths_result()))
    subjects = [one.subject for one in claims]
    assert len(set(subjects)) == len(subjects)
    assert "64K mTHP, 2M a call" in subjects


@pytest.mark.parametrize(("rounds", "sure"), [(8, True), (3, False)])
def test_heaps(rounds: int, sure: bool) -> None:
    from gcproto.report.claims import mode_claims

    result = heap_result(rounds=rounds)
    slow = next(one for one in result.measurements if one.scenario.arm == "move")
    slow.samples = [value * 2 for value in slow.samples]
    summarise(result.measurements)
    found = heap_finding(mode_claims(result), "heap")
    assert found
    assert found.sure == sure
    assert found.answer == ("Copy" if sure else "Copy?")
    best = window_finding(mode_claims(window_result()), "window")
    assert best
    assert best.answer == "Move"
    assert "move-group" in best.detail


def test_kernels() -> None:
    results = stock()
    series = build(results)
    (step,) = series_findings(series, steps(series), results, "kernels")
    assert step.answer == "Yes"
    assert step.figure == "-81% in 6.18.15"
    assert "TLB-flush batching" in step.detail


def test_a_kernel_that_moves_mthps_whole_is_named() -> None:
    results = stock(boots=1)
    for result in results:
        for one in result.measurements:
            if one.scenario.source == "mthp":
                one.proof.folios, one.proof.folios_split = (
                    640,
                    0 if "7.3" in result.environment["kernel"]["release"] else 640,
                )
    series = build(results)
    found = series_findings(series, steps(series), results, "kernels")[-1]
    assert found.answer == "7.3.4"
    assert found.figure == "1 of 5"


def test_kernels_that_misbehave() -> None:
    verdicts = [Verdict("hazard/ksm", "panic", "oops"), Verdict("contract/x", "fine", "")]
    result = guest_result("6.18.15+deb13-cloud-amd64", {}, verdicts=verdicts)
    found = check_finding([result], "checks")
    assert found
    assert found.answer == "1 of 1 do"
    assert "6.18.15: ksm: panic" in found.detail


def test_a_patched_kernel_is_not_taken_for_the_stock_one() -> None:
    results = [
        guest_result(release, {SPLIT: value}, boot=1)
        for release, value in (("7.3.4+deb13-cloud-amd64", 2876.0), ("7.3.4-mthp", 60.0))
    ]
    for result, split in zip(results, (640, 0), strict=True):
        result.measurements[0].proof.folios, result.measurements[0].proof.folios_split = 640, split
    series = build(results)
    whole = series_findings(series, steps(series), results, "kernels")[-1]
    assert whole.answer == "7.3.4-mthp"
    assert "split mTHPs to move them: 7.3.4+deb13." in whole.detail
