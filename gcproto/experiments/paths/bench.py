"""The main job: measure the grid on the running kernel and make a result of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gcproto._native import lib
from gcproto.errors import GcprotoError
from gcproto.experiments.frame import Schedule
from gcproto.experiments.paths.grid import Choice, build, omitted, source_text
from gcproto.experiments.paths.lab import Lab
from gcproto.experiments.paths.runner import Runner, Setup
from gcproto.host.doctor import ScenarioOff, survey
from gcproto.host.machine import Machine, choose_cpus, machine
from gcproto.host.memory import need
from gcproto.host.settings import SettingRefused, Settings, why_not
from gcproto.logs import get_logger
from gcproto.record import Record
from gcproto.results.schema import MEMORY, PathExperiment, PathScenario, Result, Skip

DEFAULT_ROUNDS = 100
QUICK_ROUNDS = 80
WARMUP_ROUNDS = 2
MIN_ROUNDS = 5
SPARSE = 9
"""Of the rounds of a grid that is to fit the time, one in so many has the scenarios beyond the cache: 11 of 100."""

DEFAULT_SECONDS = 213.0
QUICK_SECONDS = 34.0
"""Time for the rounds, so that the whole command stays below four minutes and 45 seconds."""


@dataclass
class PathParameters:
    """What a user asks of a run (see ``gcproto bench --help``)."""

    choice: Choice = field(default_factory=Choice)
    rounds: int | None = None
    seed: int = 1
    slowdown: dict[str, int] = field(default_factory=dict)
    force: bool = False
    round_timeout: float = 20.0


def run(wanted: PathParameters, progress: Callable[[int, int], None]) -> Result:
    """Measure.

    Raises:
        GcprotoError: userfaultfd or UFFDIO_MOVE is unavailable, or nothing could be measured.
        ValueError: a name in the choice is unknown.
    """
    record = Record()
    log = get_logger("bench")
    here = machine()
    scenarios = build(wanted.choice, here)
    most = here.page_size * max(scenario.pages for scenario in scenarios)
    why = "source, destination and staging"
    evicted = 2 * here.llc_bytes if any(one.working_set == MEMORY for one in scenarios) else 0
    need(f"a round of {most >> 20} MiB", 3 * most + evicted, "choose a smaller --size", why=why)
    found = survey()
    if found.via == lib.GCP_VIA_NONE:
        raise GcprotoError(
            "userfaultfd can't be opened, so nothing can be measured",
            why=found.via_reason,
            remedy="run `gcproto doctor` for remedies",
        )
    cpu, touch_cpu = choose_cpus()
    sparse = 1 if wanted.rounds else SPARSE
    setup = Setup(_schedule(wanted), cpu=cpu, touch_cpu=touch_cpu, slowdown=wanted.slowdown, sparse=sparse)
    log.info(
        "start", scenarios=len(scenarios), rounds=setup.schedule.rounds, seed=wanted.seed, cpu=cpu, touch=touch_cpu
    )
    with _settings(wanted, scenarios) as settings, Lab(wanted.round_timeout) as lab:
        runner = Runner(scenarios, setup, here, settings, lab, progress)
        _skip_what_is_off(runner, found.scenarios_off, here, wanted.force)
        runner.run()
    skips = runner.skips()
    if not wanted.choice.sources:
        skips += list(_without(here))
    frame = runner.frame
    if frame.complete and not any(one.samples or one.invalid for one in frame.entries):
        reasons = "; ".join(f"{skip.what}: {skip.reason}" for skip in skips[:3])
        raise GcprotoError("nothing could be measured", why=reasons, remedy="run `gcproto doctor` for remedies")
    choice = wanted.choice
    experiment = PathExperiment(quick=choice.quick, swap=choice.swap, slowdown=wanted.slowdown)
    result = frame.result(record, experiment, cpu=cpu, touch_cpu=touch_cpu, skips=skips)
    log.info("done", measurements=len(result.measurements), skips=len(result.skips), rounds=frame.done)
    return result


def _schedule(wanted: PathParameters) -> Schedule:
    quick = wanted.choice.quick
    return Schedule(
        rounds=wanted.rounds or (QUICK_ROUNDS if quick else DEFAULT_ROUNDS),
        warmup=WARMUP_ROUNDS,
        seed=wanted.seed,
        seconds=None if wanted.rounds else (QUICK_SECONDS if quick else DEFAULT_SECONDS),
        min_rounds=MIN_ROUNDS,
    )


@contextmanager
def _settings(wanted: PathParameters, scenarios: list[PathScenario]) -> Iterator[Settings | None]:
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
            if wanted.choice.swap:
                raise SettingRefused(
                    "--swap adds and removes swap devices", why=why_not(), remedy="run it as root, on the host itself"
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
    for what, why in omitted(here):
        yield Skip(what, why, "name the source with --sources to measure it; --size sets the size of the range")


def _skip_what_is_off(runner: Runner, off: list[ScenarioOff], here: Machine, force: bool) -> None:
    for tally in list(runner.frame.active):
        scenario = tally.scenario
        for rule in off:
            if not rule.matches(scenario.source, scenario.order, scenario.arm):
                continue
            if rule.forcible and force:
                get_logger("bench").warning(
                    "forced", source=source_text(scenario.source, scenario.order, here), reason=rule.reason
                )
                continue
            runner.skip(tally, rule.reason, rule.remedy)
            break
