"""Comparing runs: the same work is unchanged, one slower arm is found and no other, unlike runs are refused."""

import json
from pathlib import Path

import pytest

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.compare import BETWEEN_RUNS, Comparison, compare
from gcproto.results.store import save

from .processes import run_gcproto
from .result_maker import MEDIANS, noisy_run


def marked_arms(found: Comparison) -> set[str]:
    return {line.arm for line in found.arms if line.significant}


def unchanged(found: Comparison) -> float:
    return sum(not line.significant for line in found.lines) / len(found.lines)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_work_is_unchanged(seed: int) -> None:
    found = compare(noisy_run(seed), noisy_run(seed + 100))
    assert unchanged(found) >= 0.95
    assert marked_arms(found) == set()


@pytest.mark.parametrize("arm", sorted(MEDIANS.keys() - BETWEEN_RUNS.keys()))
def test_one_slower_arm_is_found_and_no_other(arm: str) -> None:
    found = compare(noisy_run(1), noisy_run(2, arms={arm: 1.1}))
    assert marked_arms(found) == {arm}
    assert {line.scenario.arm for line in found.lines if line.significant} <= {arm}
    assert [line for line in found.regressions(0.05) if getattr(line, "arm", "") == arm]
    assert found.regressions(0.5) == []


@pytest.mark.parametrize(("factor", "marked"), [(1.2, set()), (1.5, {"mremap"})])
def test_an_arm_that_differs_between_runs_needs_more(factor: float, marked: set[str]) -> None:
    assert marked_arms(compare(noisy_run(1), noisy_run(2, arms={"mremap": factor}))) == marked


def test_a_faster_arm_is_no_regression() -> None:
    found = compare(noisy_run(1), noisy_run(2, arms={"move": 0.5}))
    assert marked_arms(found) == {"move"}
    assert found.regressions(0.0) == []


def test_a_slower_machine_is_divided_out_and_told() -> None:
    found = compare(noisy_run(1), noisy_run(2, drift=1.3))
    assert marked_arms(found) == set()
    assert found.drift["tables"] == pytest.approx(1.3, rel=0.03)
    assert found.drift["contents"] == pytest.approx(1.3, rel=0.03)


def test_slow_memory_is_told_and_marks_nothing() -> None:
    """Memcpy into warm memory calls no kernel: what it loses says something of the machine, not of the kernel."""
    base, new = noisy_run(1, more={"memcpy_touched": 100.0}), noisy_run(2, more={"memcpy_touched": 140.0})
    found = compare(base, new)
    assert marked_arms(found) == set()
    assert unchanged(found) >= 0.95
    assert [text for text in found.warnings if text.startswith("memcpy_touched, in which no kernel takes part, is +")]
    slower = compare(base, noisy_run(3, more={"memcpy_touched": 140.0}, arms={"copy": 1.1}))
    assert marked_arms(slower) == {"copy"}


def test_unlike_runs_are_refused_unless_forced() -> None:
    base, new = noisy_run(1), noisy_run(2)
    new.environment["cpu"] = {"model": "another processor"}
    new.producer.benchmark = "fedcba"
    with pytest.raises(GcprotoError, match="not alike") as caught:
        compare(base, new)
    assert "another processor" in caught.value.why
    assert "code that measures" in caught.value.why
    assert caught.value.code is ExitCode.USAGE
    forced = compare(base, new, force=True)
    assert len([text for text in forced.warnings if "by force" in text]) == 2


def test_another_kernel_is_what_comparing_is_for() -> None:
    base, new = noisy_run(1), noisy_run(2)
    new.environment["kernel"] = {"release": "7.3.4"}
    assert compare(base, new).warnings == ["different kernels: 6.18.44 and 7.3.4"]


def test_nothing_in_common() -> None:
    base, new = noisy_run(1), noisy_run(2)
    new.measurements = []
    with pytest.raises(GcprotoError, match="no scenario in common"):
        compare(base, new, force=True)


def test_scenarios_of_one_run_only_are_named() -> None:
    base, new = noisy_run(1), noisy_run(2)
    gone = new.measurements.pop()
    assert compare(base, new).only_base == [gone.scenario]
    assert compare(new, base).only_new == [gone.scenario]


class TestCommand:
    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[str, str, str]:
        runs = (noisy_run(1), noisy_run(2), noisy_run(3, arms={"move": 1.1}))
        paths = [save(run, tmp_path / str(number)) for number, run in enumerate(runs)]
        return str(paths[0]), str(paths[1]), str(paths[2])

    def test_exit_codes(self, files: tuple[str, str, str]) -> None:
        base, same, slower = files
        assert run_gcproto("compare", base, same, "--fail-above", "5").returncode == 0
        assert run_gcproto("compare", base, slower).returncode == 0
        worse = run_gcproto("compare", base, slower, "--fail-above", "5")
        assert worse.returncode == 1
        assert "regressions beyond 5 %" in worse.stderr
        assert run_gcproto("compare", base, slower, "--fail-above", "50").returncode == 0
        assert run_gcproto("compare", base, "no-such-file").returncode == 2

    def test_text_and_json(self, files: tuple[str, str, str]) -> None:
        base, _, slower = files
        text = run_gcproto("compare", base, slower).stdout
        assert "arm move: slower by" in text
        assert "scenarios no change beyond the noise of these runs" in " ".join(text.split())
        document = json.loads(run_gcproto("compare", base, slower, "--json").stdout)
        assert [arm["arm"] for arm in document["arms"] if arm["significant"]] == ["move"]
        assert len(document["scenarios"]) == 23
