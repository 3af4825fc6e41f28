"""Profiles of real guests: functions add up to the count, boots agree, and interrupts are as the cost model says."""

import json
from pathlib import Path

import pytest

from gcproto.model.shoot_downs import Moves, rule_of, shoot_downs
from gcproto.results.profiles.events import events
from gcproto.results.profiles.explain import profiled
from gcproto.results.schema import UNIT_IPIS, PathScenario, Result
from gcproto.results.statistics import midmean
from tests.kernels.test_run import KERNEL, results, run

PMD = 2 << 20
PER_INSTRUCTION = 1e-3
"""Relative: an instruction that faults is counted twice."""

pytestmark = [pytest.mark.needs("qemu", "guest_kernel", "static"), pytest.mark.timeout(1200)]


def by_name(result: Result) -> dict[str, float]:
    """The count of each profiled scenario."""
    return {str(one.scenario): midmean(one.samples) for one in result.measurements}


def test_functions_add_up_in_two_boots_and_boots_agree(tmp_path: Path) -> None:
    run(
        *("run", KERNEL, "--set", "quick", "--rounds", "5", "--boots", "2", "--jobs", "1", "--profile"),
        *("--timeout", "500"),
        *("--out", tmp_path / "r"),
        timeout=1150,
    )
    first, second = sorted(results(tmp_path / "r"), key=lambda one: one.guest.boot if one.guest else 0)
    for boot in (first, second):
        counts = by_name(boot)
        found = profiled(boot)
        assert len(found) == len(boot.measurements) == 8
        for scenario, profile in found:
            assert profile.by_clock
            assert profile.instructions == pytest.approx(counts[str(scenario)], rel=PER_INSTRUCTION)
    other = dict(profiled(second))
    counts, others = by_name(first), by_name(second)
    for scenario, profile in profiled(first):
        mine = {one.name: one.instructions for one in profile.functions}
        theirs = {one.name: one.instructions for one in other[scenario].functions}
        apart = sum(abs(mine.get(name, 0.0) - theirs.get(name, 0.0)) for name in mine | theirs)
        # Counts of some boots differ by as much without the plugin; functions may differ by that and no more.
        differ = abs(counts[str(scenario)] - others[str(scenario)])
        assert differ <= 2e-3 * profile.instructions, scenario
        assert apart <= 5e-4 * profile.instructions + differ, scenario


def test_a_copy_is_a_third_word_iterations_and_a_move_locks_once(tmp_path: Path) -> None:
    done = run(
        *(
            "profile",
            KERNEL,
            "small copy 2m",
            "small move 2m",
            "--rounds",
            "3",
            "--timeout",
            "500",
            "--json",
            "--out",
            tmp_path / "r",
        ),
        timeout=1150,
    )
    assert json.loads(done.stdout)["experiment"]["set"] == "asked"
    (one,) = results(tmp_path / "r")
    found = {scenario.arm: events(profile) for scenario, profile in profiled(one) if isinstance(scenario, PathScenario)}
    assert found["copy"].rep == pytest.approx(1026, abs=1)
    assert found["copy"].plain == pytest.approx(found["copy"].instructions - found["copy"].rep)
    assert found["move"].locked == pytest.approx(1.0, abs=0.01)
    assert found["move"].rep < 2
    (move,) = [
        profile for scenario, profile in profiled(one) if isinstance(scenario, PathScenario) and scenario.arm == "move"
    ]
    assert move.functions[0].name == "move_pages_ptes"


@pytest.mark.needs("two_cpus")
def test_interrupts_are_as_many_as_the_cost_model_says(tmp_path: Path) -> None:
    """One for each call with small pages, two for each folio that is split."""
    done = run(
        *("profile", KERNEL, "small move 4k", "small move 64k", "mthp-64k move 2m", "--touch", "--rounds", "5"),
        *("--timeout", "500", "--out", tmp_path / "r"),
        timeout=1150,
    )
    assert "so instructions say nothing" in done.stdout
    (one,) = results(tmp_path / "r")
    rule = rule_of(KERNEL)
    for measured in one.measurements:
        scenario = measured.scenario
        assert isinstance(scenario, PathScenario)
        assert (measured.unit, scenario.threads) == (UNIT_IPIS, 2)
        calls = scenario.pages * 4096 // scenario.granule_bytes
        did = Moves(calls=calls, pages=scenario.pages, split=scenario.pages >> scenario.order if scenario.order else 0)
        assert midmean(measured.samples) * scenario.pages == pytest.approx(shoot_downs(did, rule), rel=0.02), scenario
