"""Results of several hosts of a cluster: instructions are merged, times are refused with the hosts' names."""

from collections.abc import Callable

import pytest

from gcproto.errors import ExitCode, GcprotoError
from gcproto.model.scale import Shape, scale
from gcproto.report.words.runs import Group, groups_of, likeness, runs_of, unlike
from gcproto.results.comparison.alike import differences
from gcproto.results.facts import host_of, set_host, timed_on
from gcproto.results.schema import Collection, PathScenario, Pause, PolicyFigures, Result, Scenario
from gcproto.results.series import build
from tests.support.kernel_results import guest_result
from tests.support.policy_results import policy_measurement, policy_scenario
from tests.support.result_maker import measurement, result, scenario

FIR, OAK = {"name": "fir", "address": "10.0.0.7"}, {"name": "oak", "address": "10.0.0.8"}
VALUES: dict[Scenario, float] = {scenario("move"): 100.0, scenario("copy"): 400.0}


def on(host: dict[str, str], one: Result) -> Result:
    set_host(one, host)
    return one


def times() -> Result:
    return result([measurement(scenario("move"), [100.0, 101.0, 102.0])])


def heap(mib: int) -> Result:
    made = policy_measurement(policy_scenario("move", "sparse", live_bytes=mib << 20), 1000.0)
    assert isinstance(made.figures, PolicyFigures)
    one = Collection(1, live_bytes=mib << 20, objects=mib << 14, used_before=mib << 21)
    one.collector.built = mib << 8
    one.phases.mark, one.phases.compact = 20 * one.objects, 1000 * one.collector.built
    one.pauses = [Pause("flip", 1_000, 50_000)]
    made.figures.collections = [[one]] * 3
    return result([made])


def test_a_host_has_a_name_and_an_address() -> None:
    one = times()
    assert (host_of(one), timed_on(one)) == ("", "")
    set_host(one, {"name": "fir"})
    assert host_of(one) == "fir"
    set_host(one, {"address": "10.0.0.7"})
    assert host_of(one) == timed_on(one) == "fir (10.0.0.7)"


def test_instructions_of_two_hosts_are_one_series() -> None:
    made = [on(FIR, guest_result("6.18.1", VALUES)), on(OAK, guest_result("6.18.2", VALUES))]
    assert [timed_on(one) for one in made] == ["", ""]
    assert build(made).kernels == ["6.18.1", "6.18.2"]
    assert likeness(made[0])[0] == likeness(made[1])[0]


def test_times_of_two_hosts_are_none() -> None:
    made = [on(FIR, guest_result("6.18.1", VALUES)), on(OAK, guest_result("6.18.2", VALUES))]
    for one in made:
        for measured in one.measurements:
            measured.unit = "ns/page"
    with pytest.raises(GcprotoError) as raised:
        build(made)
    assert "hosts, and times depend on them" in raised.value.what
    assert "fir (10.0.0.7)" in raised.value.why
    assert "oak (10.0.0.8)" in raised.value.why


def test_times_of_two_hosts_are_not_compared() -> None:
    assert differences(on(FIR, times()), on(FIR, times())) == []
    assert differences(times(), on(FIR, times())) == []  # it may be the same machine
    (reason,) = differences(on(FIR, times()), on(OAK, times()))
    assert reason == "host of the cluster, and times depend on it: fir (10.0.0.7) and oak (10.0.0.8)"


def test_a_page_puts_times_of_two_hosts_into_two_groups() -> None:
    made = [on(FIR, times()), on(OAK, times()), on(OAK, times())]
    for number, one in enumerate(made):
        one.run_id = f"{number:012x}"
    groups: list[Group[PathScenario]] = groups_of(runs_of(made), lambda _result, _compared: [])
    assert sorted(len(group.runs) for group in groups) == [1, 2]
    assert "Runs of different machines are not put together" in unlike(groups)


def shape() -> Shape:
    return Shape(1000.0, 500.0, 0.0, 500.0, 5000.0)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda one: set_host(one, OAK), "hosts"),
        (lambda one: one.environment.update(cpu={"model": "another"}), "processors"),
        (lambda one: one.environment.update(kernel={"release": "7.0.1"}), "kernels"),
    ],
)
def test_one_model_is_not_fitted_to_two_machines(change: Callable[[Result], None], word: str) -> None:
    made = [on(FIR, heap(mib)) for mib in (32, 64, 128)]
    assert scale(made, shape(), 1).host == "fir (10.0.0.7)"
    change(made[1])
    with pytest.raises(GcprotoError, match=f"one model can't be fitted to several {word}") as raised:
        scale(made, shape(), 1)
    assert "instructions can be merged over hosts, times cannot" in raised.value.remedy
    assert raised.value.code == ExitCode.USAGE
