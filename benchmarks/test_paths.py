"""The short grid of the path lab, one benchmark for each scenario.

A duration is the time of one round: ``scenario.pages`` base pages.  Rounds that fail their proof never count; too many
of them fail the benchmark.  pytest-benchmark runs one scenario after the other, where ``gcproto bench`` interleaves
them: for ratios between arms use that, for series over kernels this.
"""

from functools import cache
from typing import Any

import msgspec
import pytest

from benchmarks.kernel_clock import CLOCK
from gcproto.errors import GcprotoError
from gcproto.experiments.paths.grid import Choice, build, source_text
from gcproto.experiments.paths.lab import Lab, WorkerDied
from gcproto.experiments.paths.round import UNABLE, VALID, request_for
from gcproto.experiments.paths.tally import Tally
from gcproto.host.doctor import ScenarioOff, survey
from gcproto.host.machine import choose_cpus, machine
from gcproto.host.settings import Settings
from gcproto.results.schema import PathScenario
from gcproto.sizes import size_text

ROUNDS = 30
WARMUP = 2
MAX_INVALID = 3

HERE = machine()
SCENARIOS = [one for one in build(Choice(quick=True), HERE) if one.replica == 0]


def name_of(scenario: PathScenario) -> str:
    """``thp-move-2m``, ``small-copy-64k-skewed``, ``small-move-2m-memory-shuffled``, ...: one for each scenario."""
    parts = [source_text(scenario.source, scenario.order, HERE), scenario.arm, size_text(scenario.granule_bytes)]
    if scenario.alignment != "congruent":
        parts.append(scenario.alignment)
    if scenario.threads > 1:
        parts.append(f"{scenario.threads}threads")
    if scenario.working_set not in {"any", "cache"}:
        parts.append(scenario.working_set)
    if scenario.frames != "any":
        parts.append(scenario.frames)
    return "-".join(parts)


@cache
def scenarios_off() -> list[ScenarioOff]:
    """What is not run here, asked once."""
    return survey().scenarios_off


class Rounds:
    """Runs rounds of one scenario and keeps what they prove."""

    def __init__(self, scenario: PathScenario, lab: Lab) -> None:
        self.scenario = scenario
        self.lab = lab
        self.tally = Tally(scenario)
        self.number = 0

    def __call__(self) -> None:
        """One round; adds its time to the clock if its proof holds, else runs another."""
        for _ in range(MAX_INVALID):
            self.number += 1
            cpu, touch_cpu = choose_cpus()
            request = request_for(self.scenario, cpu, touch_cpu, seed=self.number)
            try:
                done, _ = self.lab.repeat(request)
            except WorkerDied as died:
                pytest.fail(str(died))
            if done.status == UNABLE and self.number == 1:
                pytest.skip(done.reason)
            self.tally.add(self.number, done, warmup=False)
            if done.status == VALID:
                CLOCK.add_ns(done.ns)
                return
        pytest.fail(f"{MAX_INVALID} rounds in a row failed their proof: {self.tally.invalid[-1].reason}")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[name_of(one) for one in SCENARIOS])
@pytest.mark.benchmark(timer=CLOCK, warmup=False)
def test_path(benchmark: Any, scenario: PathScenario, settings: Settings | None, lab: Lab) -> None:
    """Evacuate by one path."""
    for off in scenarios_off():
        if off.matches(scenario.source, scenario.order, scenario.arm):
            pytest.skip(f"{off.reason}; {off.remedy}")
    if scenario.threads > 1 and choose_cpus()[1] < 0:
        pytest.skip("only one processor is allowed to this process")
    if settings:
        try:
            settings.mthp_only(scenario.order or None)
        except GcprotoError as error:
            pytest.skip(str(error))
    rounds = Rounds(scenario, lab)
    benchmark.group = source_text(scenario.source, scenario.order, HERE)
    benchmark.pedantic(rounds, rounds=ROUNDS, warmup_rounds=WARMUP)
    measurement = rounds.tally.measurement()
    benchmark.extra_info["scenario"] = msgspec.to_builtins(scenario)
    benchmark.extra_info["proof"] = msgspec.to_builtins(measurement.proof)
    benchmark.extra_info["outcome"] = msgspec.to_builtins(measurement.outcome)
    benchmark.extra_info["invalid_rounds"] = len(measurement.invalid_rounds)
    if benchmark.enabled:
        benchmark.extra_info["ns_per_page"] = benchmark.stats["median"] * 1e9 / scenario.pages
    assert len(measurement.invalid_rounds) <= MAX_INVALID, measurement.invalid_rounds
