"""Pictures of the sweep over the threshold of density."""

import msgspec

from gcproto.report.plots import density
from gcproto.results.schema import (
    Collection,
    Measurement,
    ModeOptions,
    Pause,
    Result,
    WorkloadExperiment,
    WorkloadFigures,
)
from tests.support.heap_results import heap_mode, heap_scenario
from tests.support.result_maker import result

PAGE = 4096


def collected(permille: int | None, kept: int, built: int, *, young: bool = False) -> Measurement:
    """A heap of 100 live pages at one threshold."""
    made = heap_mode("move", 15.0)
    assert isinstance(made.figures, WorkloadFigures)
    one = Collection(1, live_bytes=100 * PAGE, kept=kept, young=young, pauses=[Pause("flip", 500_000, 1_500_000)])
    one.collector.built, one.faults.built = built - 5, 5
    one.phases.compact, one.phases.drain = built * 100_000, 1_000_000
    options = ModeOptions(dense_permille=permille, granule=16, regions="always")
    return msgspec.structs.replace(
        made,
        scenario=heap_scenario("move", options=options),
        figures=msgspec.structs.replace(made.figures, collections=[[one]]),
    )


def run_of(measurements: list[Measurement]) -> Result:
    return result(measurements, experiment=WorkloadExperiment("dump", 1000, 100, 500, recording="javac.hprof.gz"))


SWEEP = [(500, 110, 10), (950, 40, 65), (1001, 0, 100)]


def test_a_line_for_each_heap() -> None:
    made = density.sweep([run_of([collected(*one) for one in SWEEP])], "x")
    assert [one.name for one in made] == [
        f"x-density-small-move-{name}" for name in ("copied", "kept", "after", "pause")
    ]
    assert made[0].title == "Copied, small move"
    copied, kept, after, pause = (one.data for one in made)
    assert copied.heads == ("heap", "50 %", "95 %", "none")
    assert copied.rows == [("javac", "10.0", "65.0", "100")]
    assert kept.rows == [("javac", "20.0", "5.00", "0")]
    assert after.rows == [("javac", "2.00", "7.50", "11.0")]
    assert pause.rows == [("javac", "2.00", "2.00", "2.00")]
    assert all(one.svgs() for one in made)


def test_two_thresholds_are_no_sweep() -> None:
    assert density.sweep([run_of([collected(*one) for one in SWEEP[:2]])], "x") == []
    assert density.sweep([run_of([collected(None, 1, 2)])], "x") == []
    young = [collected(*one, young=True) for one in SWEEP]
    assert density.sweep([run_of(young)], "x") == []


def test_kinds_of_memory_have_pictures_of_their_own() -> None:
    small = [collected(*one) for one in SWEEP]
    large = [
        msgspec.structs.replace(one, scenario=msgspec.structs.replace(one.scenario, memory="64k", order=4))
        for one in small
    ]
    made = density.sweep([run_of(small + large)], "x")
    assert [one.title for one in made if one.title.startswith("Copied")] == ["Copied, small move", "Copied, 64K move"]
    assert len({one.name for one in made}) == len(made) == 8
    assert all(one.data.rows[0][0] == "javac" for one in made)
