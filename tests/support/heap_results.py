"""Results of heaps and windows, made of seeded noise, with everything that the page draws."""

import random
from collections.abc import Sequence

from hdrh.histogram import HdrHistogram

from gcproto.results.page_map import encode
from gcproto.results.schema import (
    UNIT_OPERATION,
    Collection,
    CollectorAccount,
    GridExperiment,
    Histograms,
    Latency,
    Measurement,
    Mmu,
    ModeOptions,
    Pause,
    PauseFigure,
    Phases,
    PhaseTimes,
    Result,
    Stall,
    WindowExperiment,
    WindowFigures,
    WindowScenario,
    WorkloadExperiment,
    WorkloadFigures,
    WorkloadScenario,
)
from tests.support.result_maker import measurement, result

PAGES = 4096
MODES = {"move": 15.0, "art": 16.5, "copy": 16.0, "stw": 17.0, "memmove": 11.0, "none": 14.0}
WAYS = {"copy": 2800.0, "move": 550.0, "move-copy": 430.0, "move-group": 310.0}


def histogram(values: Sequence[float]) -> str:
    found = HdrHistogram(1, 100_000_000_000, 3)
    for value in values:
        found.record_value(int(value))
    return str(found.encode().decode())


def collection(number: int, rng: random.Random, mode: str, *, mapped: bool = True) -> Collection:
    phases = {"initialise": 2e5, "mark": 1.4e7, "prepare": 6e5, "compact": 1.5e7, "drain": 2e4, "release": 5e5}
    pauses = [Pause("final marking", 30_000, 2_000_000), Pause("flip", 2_000, 300_000)]
    if mode == "memmove":
        phases = {name: phases[name] for name in ("initialise", "mark", "prepare", "compact")}
        pauses = [Pause("whole collection", 60_000, 32_000_000)]
    letters = "".join(letter * count for letter, count in (("u", 300), ("W", 512), ("m", 700), ("s", 64)))
    letters += "".join(rng.choice("mmmcez") for _ in range(400)) + "w" * 20
    return Collection(
        number=number,
        objects=200_000,
        live_bytes=9 << 20,
        used_before=15 << 20,
        used_after=9 << 20,
        phases=Phases(**{name: int(value * rng.uniform(0.7, 1.6)) for name, value in phases.items()}),
        pauses=[Pause(one.name, one.stop_ns, int(one.ns * rng.uniform(0.3, 3))) for one in pauses],
        collector=CollectorAccount(moved=900, copied=40),
        resident=200 << 20,
        map=encode(letters.ljust(PAGES, ".")) if mapped else "",
    )


def heap_mode(mode: str, median: float, *, rounds: int = 8, mapped: bool = True, seed: int = 1) -> Measurement:
    rng = random.Random(f"{mode} {seed}")
    windows = (1, 2, 5, 10, 20, 50, 100)
    utilised = {window: 1.0 if mode == "none" else max(0.0, 0.9 - 3 / window) for window in windows}
    figures = WorkloadFigures(
        collections_a_round=4.0,
        wall_ms=median * 200,
        lbo_wall=1.2,
        faults=5000.0,
        resident_max_mib=300.0,
        resident=[(at * 10_000_000, 280 + 20 * rng.random()) for at in range(40)],
        mmu=[Mmu(window, value, value) for window, value in utilised.items()],
    )
    if mode != "none":
        faults = [rng.lognormvariate(8.5, 0.7) for _ in range(3000)]
        figures.pauses = [PauseFigure("flip", 0.3, 5.0)]
        figures.phases = PhaseTimes(mark=14.0, compact=15.0)
        figures.collections = [[collection(at + 1, rng, mode, mapped=mapped) for at in range(4)] for _ in range(rounds)]
        figures.histograms = Histograms(fault=histogram(faults), wait=histogram(faults[:40]))
        figures.fault = Latency(3000, 4900.0, 12_000.0, 25_000.0, 45_000.0, max(faults))
        figures.stall = Stall(8_170_000, "fault that built a page", 1)
    samples = [median * 1000 * rng.lognormvariate(0, 0.03) for _ in range(rounds)]
    made = measurement(heap_scenario(mode), samples, figures, UNIT_OPERATION)
    made.proof.level, made.proof.path = "state", mode
    return made


def heap_scenario(mode: str, **other: object) -> WorkloadScenario:
    fields = {
        "workload": "trees",
        "options": ModeOptions(),
        "policy": "move" if mode in {"move", "art"} else "",
        "memory": "small",
        "order": 0,
        "heap_bytes": PAGES * 4096,
        "live_bytes": 4 << 20,
        "mutators": 2,
    }
    return WorkloadScenario(mode=mode, **(fields | other))  # type: ignore[arg-type]


def heap_result(*, mapped: bool = True, rounds: int = 8) -> Result:
    found = [heap_mode(mode, median, mapped=mapped, rounds=rounds) for mode, median in MODES.items()]
    made = result(found, experiment=WorkloadExperiment("trees", 200_000, 100, 500))
    made.run_id = "bbbbbbbbbbbb"
    return made


def window_result() -> Result:
    found = []
    for way, median in WAYS.items():
        rng = random.Random(way)
        figures = WindowFigures(
            collector_ns_page=median * 0.9,
            faults=400.0,
            pages_by_faults=420.0,
            access=Latency(80_000, 190.0, 420.0, 6100.0, 40_000.0, 9_700_000.0),
            fault=Latency(90, 1600.0, 15_900.0, None, None, 9_600_000.0),
        )
        samples = [median * rng.lognormvariate(0, 0.05) for _ in range(9)]
        found.append(measurement(window_scenario(way), samples, figures))
    made = result(found, experiment=WindowExperiment())
    made.run_id = "cccccccccccc"
    return made


def window_scenario(way: str, **other: object) -> WindowScenario:
    fields = {"size_bytes": 64 << 20, "mutators": 2, "batch": 512, "group": 16, "placement": "own"}
    return WindowScenario(way=way, **(fields | other))  # type: ignore[arg-type]


def placed_window_result(
    ratios: dict[str, dict[str, float]], run_id: str = "cccccccccccd", seed: int = 1, noise: float = 0.05
) -> Result:
    """Windows by placement and way, as ratios to a copy of 2800 ns/page.

    Args:
        ratios: by placement, then by way.
        run_id: of the run.
        seed: of the noise.
        noise: of the samples.

    """
    found = []
    for placement, ways in ratios.items():
        for way, ratio in {"copy": 1.0, **ways}.items():
            rng = random.Random(f"{seed} {placement} {way}")
            samples = [2800.0 * ratio * rng.lognormvariate(0, noise) for _ in range(9)]
            figures = WindowFigures(access=Latency(80_000, 190.0, 420.0, 6100.0, 40_000.0, 9_700_000.0))
            found.append(measurement(window_scenario(way, placement=placement), samples, figures))
    made = result(found, experiment=WindowExperiment())
    made.run_id = run_id
    made.noise = None
    return made


def grid_result() -> Result:
    """Two cells of four modes: auto is good in the first, and 1.2x move in the second, in every round."""
    found = []
    for mutators, auto in ((1, 14.0), (2, 18.0)):
        for mode, median in {"copy": 20.0, "move": 15.0, "art": 30.0, "auto": auto}.items():
            one = heap_mode(mode, median, seed=mutators)
            one.scenario = heap_scenario(mode, mutators=mutators, placement="own")
            found.append(one)
    twin = heap_mode("copy", 20.0, seed=3)
    twin.scenario = heap_scenario("copy", mutators=1, placement="own", replica=1)
    experiment = GridExperiment({"trees": 1000}, 50, 4 << 20, PAGES * 4096, ["copy", "move", "art", "auto"], 8)
    return result([*found, twin], experiment=experiment)
