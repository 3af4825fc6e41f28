"""The main job: measure the grid on the running kernel and make a result of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gcproto._native import lib
from gcproto.errors import GcprotoError
from gcproto.host import environment
from gcproto.host.doctor import ScenarioOff, survey
from gcproto.host.machine import Machine, choose_cpus, machine
from gcproto.host.settings import SettingRefused, Settings
from gcproto.logs import get_logger
from gcproto.paths.grid import Choice, build, source_text
from gcproto.paths.lab import Lab
from gcproto.paths.runner import Outcome, Plan, Runner
from gcproto.record import Record
from gcproto.results.schema import Result, Scenario, Skip
from gcproto.results.statistics import noise_of, summarise

DEFAULT_ROUNDS = 100
QUICK_ROUNDS = 80
WARMUP_ROUNDS = 2
MIN_ROUNDS = 5

DEFAULT_SECONDS = 220.0
QUICK_SECONDS = 34.0
"""Time for the rounds, so that the whole command stays below four minutes and 45 seconds."""


@dataclass
class Order:
    """What a user asks of a run (see ``gcproto bench --help``)."""

    choice: Choice = field(default_factory=Choice)
    rounds: int | None = None
    seed: int = 1
    slowdown: dict[str, int] = field(default_factory=dict)
    force: bool = False
    round_timeout: float = 20.0


def run(order: Order, progress: Callable[[int, int], None]) -> Result:
    """Measure.

    Raises:
        GcprotoError: userfaultfd or UFFDIO_MOVE is not to be had at all, or nothing could be measured.
        ValueError: a name in the choice is unknown.
    """
    record = Record("paths")
    log = get_logger("bench")
    here = machine()
    scenarios = build(order.choice, here)
    _see_that_it_fits(scenarios, here)
    found = survey()
    if found.via == lib.GCP_VIA_NONE:
        raise GcprotoError(
            "userfaultfd can't be opened, so nothing can be measured",
            why=found.via_reason,
            remedy="`gcproto doctor` says what would help",
        )
    cpu, touch_cpu = choose_cpus()
    quick = order.choice.quick
    plan = Plan(
        rounds=order.rounds or (QUICK_ROUNDS if quick else DEFAULT_ROUNDS),
        warmup=WARMUP_ROUNDS,
        seconds=None if order.rounds else (QUICK_SECONDS if quick else DEFAULT_SECONDS),
        min_rounds=MIN_ROUNDS,
        seed=order.seed,
        cpu=cpu,
        touch_cpu=touch_cpu,
        slowdown=order.slowdown,
    )
    log.info("start", scenarios=len(scenarios), rounds=plan.rounds, seed=plan.seed, cpu=cpu, touch_cpu=touch_cpu)
    with _settings(order, scenarios) as settings, Lab(order.round_timeout) as lab:
        runner = Runner(scenarios, plan, here, settings, lab, progress)
        _skip_what_is_off(runner, found.scenarios_off, here, order.force)
        outcome = runner.run()
    if not order.choice.sources:
        outcome.skips += list(_without(here))
    if not outcome.measurements and outcome.complete:
        reasons = "; ".join(f"{skip.what}: {skip.reason}" for skip in outcome.skips[:3])
        raise GcprotoError("nothing could be measured", why=reasons, remedy="`gcproto doctor` says what would help")
    result = _result(record, order, plan, outcome)
    log.info("done", measurements=len(result.measurements), skips=len(result.skips), rounds=outcome.rounds)
    return result


def _see_that_it_fits(scenarios: list[Scenario], here: Machine) -> None:
    """Source, destination and staging of the largest round."""
    needed = 3 * here.page_size * max(scenario.pages for scenario in scenarios)
    available = environment.available_bytes()
    if available is not None and needed > available:
        raise GcprotoError(
            f"a round of {needed // 3 >> 20} MiB does not fit",
            why=f"it needs three times that, and {available >> 20} MiB of memory are available",
            remedy="choose a smaller --memory",
        )


@contextmanager
def _settings(order: Order, scenarios: list[Scenario]) -> Iterator[Settings | None]:
    """Settings under their journal, or None where this user may not change any (sources then say what they miss)."""
    log = get_logger("bench")
    try:
        with Settings() as settings:
            if settings.may_change():
                settings.quiet_khugepaged()
                settings.mthp_only(None)
                yield settings
                return
            log.warning("no privilege to change settings: sources that need another mTHP size or swap are skipped")
            if order.choice.swap:
                raise SettingRefused(
                    "--swap adds and removes swap devices", why="this user is not root", remedy="run it as root"
                )
            yield None
    finally:
        log.debug("settings are back", scenarios=len(scenarios))


def _without(here: Machine) -> Iterator[Skip]:
    """What the grid would have had on a machine with large folios."""
    if here.pmd_order not in here.anon_orders:
        yield Skip("thp", "this kernel has no transparent huge pages", "use one with CONFIG_TRANSPARENT_HUGEPAGE")
    if not any(order < here.pmd_order for order in here.anon_orders):
        yield Skip("mthp", "this kernel has no folio sizes below that of a THP", "use a kernel from 6.8 on")


def _skip_what_is_off(runner: Runner, off: list[ScenarioOff], here: Machine, force: bool) -> None:
    for scenario in list(runner.tallies):
        for rule in off:
            if not rule.matches(scenario.source, scenario.order, scenario.arm):
                continue
            if rule.forcible and force:
                get_logger("bench").warning(
                    "forced", source=source_text(scenario.source, scenario.order, here), reason=rule.reason
                )
                continue
            runner.skip(scenario, rule.reason, rule.remedy)
            break


def _result(record: Record, order: Order, plan: Plan, outcome: Outcome) -> Result:
    choice = order.choice
    record.environment["run"] = {
        "cpu": plan.cpu,
        "touch_cpu": plan.touch_cpu,
        "rounds": outcome.rounds,
        "warmup": plan.warmup,
        "steal_before_after": [record.environment.get("steal"), environment.steal()],
    }
    summarise(outcome.measurements)
    return record.result(
        outcome.measurements,
        outcome.skips,
        options={
            "quick": choice.quick,
            "swap": choice.swap,
            "memory": choice.memory,
            "test_slowdown": order.slowdown or None,
        },
        seed=order.seed,
        complete=outcome.complete,
        noise=noise_of(outcome.measurements),
    )
