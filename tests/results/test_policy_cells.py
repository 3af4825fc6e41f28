"""Policies that did the same work are one arm, and auto is held against the best of the others."""

import random
from io import StringIO

import pytest
from rich.console import Console

from gcproto.cli.gc.policies import auto_is_good
from gcproto.report.terminal.collector.policies import print_policies
from gcproto.results.policy_cells import SAME, Cell, cells, noise_of, policy_of
from gcproto.results.schema import Measurement, PolicyChoice, PolicyFigures, PolicyScenario
from tests.support.result_maker import measurement, result, scenario

MOVE = PolicyChoice(granule=1, large_by="moved")
COPY = PolicyChoice(granule=1, large_by="copied")
AHEAD = PolicyChoice(granule=1, large_by="moved", split_ahead=True)


def one(policy: str, median: float, *choices: PolicyChoice, noise: float = 0.02, **other: object) -> Measurement:
    rng = random.Random(f"{policy} {other}")
    fields = {
        "workload": "trees",
        "memory": "64k",
        "order": 4,
        "ebusy": "copy",
        "swapped_permille": 0,
        "device": "",
        "threads": 1,
        "collections": 1,
        "live_bytes": 16 << 20,
    } | other
    asked = PolicyScenario(policy=policy, **fields)  # type: ignore[arg-type]
    samples = [median * rng.lognormvariate(0, noise) for _ in range(15)]
    return measurement(asked, samples, PolicyFigures(choices=list(choices)))


def cell(*some: Measurement) -> Cell:
    (found,) = cells(some)
    return found


def test_policies_that_chose_the_same_are_one_arm_with_all_their_samples() -> None:
    found = cell(one("move", 100, MOVE), one("copy-large", 101, MOVE), one("whole", 99, MOVE), one("auto", 104, MOVE))
    (arm,) = found.arms
    assert arm.names == ["move", "copy-large", "whole", "auto"]
    assert arm.median == pytest.approx(101, rel=0.02)
    assert found.to_best == SAME
    assert not found.objection(0.0)
    assert found.noise is not None
    assert 0.02 < found.noise < 0.08  # 99 to 104


def test_a_lucky_name_for_the_same_work_is_not_the_best() -> None:
    """Of four names for the same work one is ahead by noise; auto is not worse than itself."""
    names = ("move", "copy-large", "split-ahead", "whole")
    found = cell(*(one(name, 100, MOVE, noise=0.3) for name in names), one("auto", 125, MOVE, noise=0.3))
    assert not found.objection(0.05)


def test_auto_that_chose_otherwise_is_compared_round_by_round() -> None:
    move, ahead, auto = one("move", 500, MOVE), one("split-ahead", 100, AHEAD), one("auto", 130, COPY)
    found = cell(move, ahead, auto)
    assert found.best is not None
    assert found.best.names == ["split-ahead"]
    assert found.noise is None
    assert found.to_best is not None
    ratios = sorted(a / b for a, b in zip(auto.samples, ahead.samples, strict=True))
    assert found.to_best.value == ratios[7]
    assert found.to_best.low > 1.2
    assert "auto takes 1.3" in found.objection(0.05)
    assert "what split-ahead does" in found.objection(0.05)
    assert not found.objection(0.40)


def test_a_wide_interval_is_no_excuse_but_noise_is() -> None:
    noisy = cell(one("move", 100, MOVE, noise=0.4), one("auto", 108, COPY, noise=0.4))
    assert noisy.to_best is not None
    assert noisy.to_best.low < 1
    assert not noisy.objection(0.05)
    worse = cell(one("move", 100, MOVE, noise=0.05), one("auto", 112, COPY, noise=0.05))
    assert worse.to_best is not None
    assert 1 < worse.to_best.low < worse.to_best.value
    assert worse.objection(0.05)


def test_what_was_pooled_is_the_best_by_all_its_samples() -> None:
    """Auto's own samples count for the arm of the policies that chose as it did."""
    found = cell(one("move", 100, MOVE), one("whole", 97, COPY), one("copy-large", 105, COPY), one("auto", 103, COPY))
    assert found.best is not None
    assert found.best.names == ["move"]
    assert found.to_best is not None
    assert found.to_best.value == pytest.approx(1.03, abs=0.03)


def test_a_choice_that_wavered_or_is_not_known_is_like_no_other() -> None:
    wavered = cell(one("move", 100, MOVE), one("auto", 100, MOVE, COPY))
    assert len(wavered.arms) == 2
    unknown = cell(one("move", 100), one("auto", 100))
    assert len(unknown.arms) == 2


def test_what_can_not_be_judged_is_an_objection() -> None:
    broken = one("move", 100, MOVE)
    broken.valid = False
    assert cell(broken, one("whole", 100, COPY), one("auto", 100, COPY)).objection(0.05) == "move INVALID"
    assert "fewer than three rounds" in cell(one("move", 100, MOVE)).objection(0.05)
    late = one("auto", 100, COPY)
    late.rounds = [number + 100 for number in late.rounds]
    assert "fewer than three rounds" in cell(one("move", 100, MOVE), late).objection(0.05)


def test_heaps_threads_and_answers_to_ebusy_have_cells_of_their_own() -> None:
    some = [one("move", 100, MOVE), one("move", 100, MOVE, threads=2), one("move", 100, MOVE, ebusy="touch")]
    some += [one("move", 100, MOVE, order=9, memory="2m"), one("move", 100, MOVE, order=None, memory="system")]
    some += [one("move", 100, MOVE, swapped_permille=500, device="loop"), one("move", 100, MOVE, collections=2)]
    assert [(found.order, found.threads, found.ebusy) for found in cells(some)] == [
        *[(4, 1, ""), (4, 2, ""), (4, 1, "touch"), (9, 1, ""), (0, 1, ""), (4, 1, ""), (4, 1, "")]
    ]
    assert [found.heap.memory for found in cells(some)][3:5] == ["2m", "system"]


def test_what_is_no_policy_is_passed_over() -> None:
    path = measurement(scenario("move"), [1.0, 2.0, 3.0])
    assert cells([path]) == []
    with pytest.raises(TypeError, match="is not an evacuation policy"):
        policy_of(path)


def test_a_heap_on_which_all_did_the_same_work_tests_no_choice() -> None:
    """What the command said of such heaps was "auto is at most 5 % worse on all"."""
    same = [one("move", 100, MOVE), one("whole", 104, MOVE), one("auto", 102, MOVE)]
    other = [one("move", 100, MOVE, threads=2), one("auto", 50, AHEAD, threads=2)]
    (small,), every = cells(same), cells([*same, *other])
    assert (small.alike, every[1].alike) == (True, False)
    assert not cell(one("move", 100, MOVE)).alike, "auto was not measured"
    assert cell(*same, one("copy", 150)).alike, "a mode is not a choice of a policy"
    assert not cell(*same, one("copy", 50)).alike, "and one that takes less is nevertheless a test"
    unknown = one("auto", 100)
    assert not cell(one("move", 110, MOVE), unknown).alike
    floor = noise_of(every)
    assert floor == small.noise
    assert floor is not None
    said = auto_is_good([small], 5)
    assert said.startswith("auto was not tested on 1 heap, where all policies chose the same; ")
    assert said.endswith(f"differ by up to {floor:.1%} (A/A)")
    both = auto_is_good(every, 5)
    assert both.startswith("on 1 heap auto takes at most 0.50 times what the best fixed policy does")
    assert "not tested on 1 heap" in both
    assert noise_of(cells(other)) is None
    assert "A/A" not in auto_is_good(cells(other), 5)


def test_the_table_says_what_is_not_tested_and_whose_folios_are_large() -> None:
    def shown(*some: Measurement) -> str:
        out = StringIO()
        print_policies(some, result(list(some)), Console(file=out, width=100, color_system=None))
        return out.getvalue()

    small = [one(policy, 100, MOVE, order=0, memory="small") for policy in ("move", "whole", "auto")]
    assert "Evacuating small folios" in shown(*small)
    assert "not tested" in shown(*small)
    assert "same choice" not in shown(*small)
    assert "Evacuating large folios" in shown(one("move", 100, MOVE), one("auto", 50, AHEAD))
    assert "Evacuating the system's folios" in shown(one("move", 100, MOVE, order=None, memory="system"))
