"""Comparing runs: the same work is unchanged, one slower arm is found and no other, unlike runs are refused."""

import json
from pathlib import Path

import pytest

from gcproto.collector.modes import MODES, Mode
from gcproto.collector.modes import MOVE as MOVE_VERB
from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.comparison.alike import KINDS, MIN_COMMON, key
from gcproto.results.comparison.compare import BETWEEN_RUNS, OTHER_BOOTS, ArmLine, Comparison, compare
from gcproto.results.comparison.effects import CLASSES, WITHOUT_MOVE, arm_class
from gcproto.results.schema import (
    Experiment,
    KernelCell,
    ModeOptions,
    PathExperiment,
    PathScenario,
    PolicyExperiment,
    PolicyScenario,
    Result,
    Scenario,
    WorkloadExperiment,
    with_fields,
)
from gcproto.results.statistics import summarise
from gcproto.results.store import save
from tests.support.heap_results import heap_result, heap_scenario, window_result, window_scenario
from tests.support.kernel_results import MOVE, STOCK, guest_result
from tests.support.processes import run_gcproto
from tests.support.result_maker import MEDIANS, measurement, noisy_run, result, scenario


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
    marked = [line.scenario for line in found.lines if line.significant]
    assert {one.arm for one in marked if isinstance(one, PathScenario)} <= {arm}
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
    assert [text for text in found.warnings if text.startswith("memcpy_touched changed by +")]
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
    first, *others = compare(base, new).warnings
    assert first.startswith("different kernels: 6.18.44 and 7.3.4. ")
    assert others == [OTHER_BOOTS], "what two boots can't tell"


BY_MOVE = {"move": 0.5, "split_move": 0.5, "tao": 0.5, "move_holes": 0.5, "move_fallback": 0.5}
MORE = {"tao": 300.0, "move_holes": 20.0, "move_fallback": 90.0}


def test_what_all_arms_by_move_share_is_the_change_of_a_kernel_and_not_of_the_machine() -> None:
    base, new = noisy_run(1, more=MORE), noisy_run(2, more=MORE, arms=BY_MOVE, drift=1.2)
    new.environment["kernel"] = {"release": "7.3.4"}
    found = compare(base, new)
    assert marked_arms(found) == set(BY_MOVE)
    assert found.drift["tables"] == pytest.approx(1.2, rel=0.05)
    ratios = {line.arm: line.ratio.value for line in found.arms}
    assert ratios["move"] == pytest.approx(0.5, rel=0.05)
    assert ratios["copy"] == pytest.approx(1.0, rel=0.05)


def test_modes_that_never_move_are_those_of_the_collector() -> None:
    def by_move(mode: Mode) -> bool:
        return mode.collects and mode.concurrent and (mode.adapt or mode.map_by == MOVE_VERB)

    assert {name for name, mode in MODES.items() if not by_move(mode)} == WITHOUT_MOVE


def test_nothing_in_common() -> None:
    base, new = noisy_run(1), noisy_run(2)
    new.measurements = []
    with pytest.raises(GcprotoError, match="have no scenarios in common") as caught:
        compare(base, new, force=True)
    assert caught.value.code is ExitCode.USAGE


def test_scenarios_of_one_run_only_are_named() -> None:
    base, new = noisy_run(1), noisy_run(2)
    gone = new.measurements.pop()
    assert compare(base, new).only_base == [gone.scenario]
    assert compare(new, base).only_new == [gone.scenario]


def canary() -> PathScenario:
    return scenario("canary", 2 << 20, source="none", pages=512)


def with_canary(run: Result) -> Result:
    run.measurements.append(measurement(canary(), [1300.0 + number for number in range(20)]))
    summarise(run.measurements)
    return run


def only(run: Result, count: int) -> Result:
    """The first few measurements and the canary."""
    run.measurements = run.measurements[:count]
    return with_canary(run)


class TestWhatIsComparable:
    def test_a_full_and_a_quick_run(self) -> None:
        """A quick run has a part of the grid and fewer pages in a round: what both have is compared, and it is said."""
        full, quick = noisy_run(1), noisy_run(2, arms={"move": 1.2})
        full.experiment = PathExperiment(quick=False)
        quick.measurements = quick.measurements[:12]
        for one in quick.measurements:
            assert isinstance(one.scenario, PathScenario)
            one.scenario = with_fields(one.scenario, pages=512)
        found = compare(full, quick)
        assert len(found.lines) == 12
        assert marked_arms(found) == {"move"}
        assert len(found.only_base) == 11
        assert found.only_new == []
        assert [text for text in found.warnings if text.startswith("12 of 12 scenarios have rounds of other sizes")]
        assert "1024 pages in BASE, 512 in NEW" in found.warnings[0]

    @pytest.mark.parametrize(
        "field",
        [{"working_set": "memory"}, {"frames": "shuffled"}, {"threads": 2}, {"alignment": "skewed"}, {"order": 4}],
    )
    def test_other_fields_make_another_scenario(self, field: dict[str, object]) -> None:
        one = scenario("move")
        assert key(with_fields(one, pages=1)) == key(one)
        assert key(with_fields(one, **field)) != key(one)
        base, new = noisy_run(1), noisy_run(2)
        for some in new.measurements:
            some.scenario = with_fields(some.scenario, **field)
        with pytest.raises(GcprotoError, match="no scenarios in common"):
            compare(base, new, force=True)

    def test_only_the_canary_in_common_is_no_comparison(self) -> None:
        base, new = with_canary(noisy_run(1)), noisy_run(2)
        for one in new.measurements:
            assert isinstance(one.scenario, PathScenario)
            one.scenario = with_fields(one.scenario, granule_bytes=8192)
        with pytest.raises(GcprotoError, match="no scenarios in common besides the canary") as caught:
            compare(base, with_canary(new), force=True)
        assert caught.value.code is ExitCode.USAGE

    @pytest.mark.parametrize("count", [MIN_COMMON - 1, MIN_COMMON])
    def test_a_stated_number_must_be_common(self, count: int) -> None:
        base, new = with_canary(noisy_run(1)), only(noisy_run(2), count)
        if count >= MIN_COMMON:
            assert len(compare(base, new).lines) == count + 1
            return
        with pytest.raises(GcprotoError, match=f"{count} scenarios in common besides the canary, and .* needs 5"):
            compare(base, new)

    def test_other_units_are_not_common(self) -> None:
        base, new = noisy_run(1), noisy_run(2)
        for one in new.measurements:
            one.unit = "instructions/page"
        with pytest.raises(GcprotoError, match="no scenarios in common"):
            compare(base, new, force=True)

    def test_a_scenario_that_is_there_twice_counts_once(self) -> None:
        base, new = noisy_run(1), noisy_run(2)
        new.measurements += noisy_run(3, arms={"move": 9.0}).measurements
        assert marked_arms(compare(base, new)) == set()


class TestOtherKinds:
    def test_kinds_have_names_and_are_not_mixed(self) -> None:
        assert set(KINDS) == set(Experiment.__args__)
        runs = {"gc": heap_result(), "gc window": window_result(), "bench": noisy_run(1)}
        runs["kernels run"] = guest_result("6.18", STOCK["6.18.15+deb13-cloud-amd64"])
        for name, base in runs.items():
            for other, new in runs.items():
                if name == other:
                    continue
                with pytest.raises(GcprotoError, match="of different kinds") as caught:
                    compare(base, new, force=True)
                assert f"({name})" in caught.value.why
                assert f"({other})" in caught.value.why
                assert caught.value.code is ExitCode.USAGE

    def test_heaps(self) -> None:
        base, new = heap_result(), heap_result()
        for one in new.measurements:
            factor = 1.6 if one.scenario == heap_scenario("move") else 1.1
            one.samples = [sample * factor for sample in one.samples]
        found = compare(base, new)
        assert found.drift == {"workloads": pytest.approx(1.1)}
        assert marked_arms(found) == {"move"}
        new.measurements = new.measurements[:1]
        with pytest.raises(GcprotoError, match="1 scenario in common, and a comparison needs 2"):
            compare(base, new)

    def test_heaps_under_other_conditions_are_not_alike(self) -> None:
        base, new = heap_result(rounds=3), heap_result(rounds=3)
        new.experiment = WorkloadExperiment("trees", 100_000, 100, 500, disturb="pins")
        with pytest.raises(GcprotoError, match="not alike") as caught:
            compare(base, new)
        assert "operations: 200000 and 100000" in caught.value.why
        assert "disturb:  and pins" in caught.value.why

    def test_windows(self) -> None:
        base, new = window_result(), window_result()
        found = compare(base, new)
        assert found.drift == {"windows": 1.0}
        assert len(found.lines) == 4
        for one in new.measurements:
            one.scenario = with_fields(one.scenario, placement="shared")
        with pytest.raises(GcprotoError, match="no scenarios in common"):
            compare(base, new)

    def test_policies(self) -> None:
        one = PolicyScenario("trees", "64k", 4, "move", "copy", 0, "", 1, 1, 16 << 20)

        def run() -> Result:
            some = [
                measurement(with_fields(one, policy=policy, ebusy=answer), [median + number for number in range(9)])
                for policy, answer, median in (
                    ("move", "copy", 500.0),
                    ("move", "touch", 300.0),
                    ("copy", "copy", 900.0),
                )
            ]
            return result(some, experiment=PolicyExperiment())

        found = compare(run(), run())
        assert found.drift == {"policies": 1.0}
        assert [line.arm for line in found.arms] == ["copy", "move", "move:touch"]

    def test_guests_of_other_machines_are_not_alike(self) -> None:
        values = STOCK["6.18.15+deb13-cloud-amd64"]
        base = guest_result("6.18", values)
        assert isinstance(base.experiment, KernelCell)
        with pytest.raises(GcprotoError) as caught:
            compare(base, guest_result("6.18", values, options={"memory_mib": 2048}))
        assert caught.value.why == "memory_mib: 1024 and 2048"
        quick = guest_result("6.18", {**values, MOVE: values[MOVE] * 1.2}, options={"set": "quick", "rounds": 5})
        with pytest.raises(GcprotoError, match="4 scenarios in common besides the canary"):
            compare(base, quick)

    def test_every_scenario_has_a_class(self) -> None:
        policy = PolicyScenario("trees", "64k", 4, "move", "copy", 0, "", 1, 1, 16 << 20)
        paths = [scenario("move"), scenario("copy"), scenario("memcpy_touched")]
        some: list[Scenario] = [*paths, heap_scenario("move"), policy, window_scenario("move")]
        found = [arm_class(one) for one in some]
        assert found == ["tables", "contents", "gauge", "workloads", "policies", "windows"]
        assert set(found) == set(CLASSES)

    def test_options_make_another_arm(self) -> None:
        base = heap_result()
        changed = [heap_scenario("move", options=ModeOptions(fault_pages=4)), heap_scenario("move", policy="auto")]
        for one, other in zip(base.measurements[1:3], changed, strict=True):
            one.scenario = other
        names = [line.arm for line in compare(base, base).arms]
        assert {"move", "move[fault_pages=4]", "move:auto"} <= set(names)
        assert len(names) == len(base.measurements)


@pytest.mark.parametrize("limit", [float("nan"), float("inf")])
def test_a_limit_that_nothing_exceeds_is_no_gate(limit: float) -> None:
    found = compare(noisy_run(1), noisy_run(2))
    with pytest.raises(GcprotoError, match="no value can exceed") as caught:
        found.regressions(limit)
    assert caught.value.code is ExitCode.USAGE
    assert [line for line in found.regressions(0.0) if isinstance(line, ArmLine)] == []


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
        assert run_gcproto("compare", base, slower, "--fail-above", "nan").returncode == 2

    def test_a_gate_over_too_little_is_refused(self, tmp_path: Path) -> None:
        """A full run and one of other granules have the canary in common: nothing was looked at, and that is no 0."""
        base, new = with_canary(noisy_run(1)), noisy_run(2)
        for one in new.measurements:
            assert isinstance(one.scenario, PathScenario)
            one.scenario = with_fields(one.scenario, granule_bytes=8192)
        paths = [save(run, tmp_path / str(number)) for number, run in enumerate((base, with_canary(new)))]
        done = run_gcproto("compare", *map(str, paths), "--fail-above", "1", "--force")
        assert done.returncode == 2
        assert "no scenarios in common besides the canary" in done.stderr

    def test_text_and_json(self, files: tuple[str, str, str]) -> None:
        base, _, slower = files
        text = run_gcproto("compare", base, slower).stdout
        assert "arm move: slower by" in text
        assert "scenarios no change beyond the noise of these runs" in " ".join(text.split())
        document = json.loads(run_gcproto("compare", base, slower, "--json").stdout)
        assert [arm["arm"] for arm in document["arms"] if arm["significant"]] == ["move"]
        assert len(document["scenarios"]) == document["common"] == 23
        assert document["schema"] == "gcproto.compare/1"
