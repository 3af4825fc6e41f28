"""Pictures of threads: which runs they are made of, and the remark about too few processors."""

import msgspec

from gcproto.report.plots import scaling
from gcproto.results.schema import Measurement, ModeOptions, Result, WorkloadExperiment, WorkloadFigures
from tests.support.heap_results import heap_mode, heap_result, heap_scenario
from tests.support.result_maker import result


def measured(mode: str, compactors: int | None, ns: float, mutators: int = 1) -> Measurement:
    made = heap_mode(mode, 15.0)
    assert isinstance(made.figures, WorkloadFigures)
    options = ModeOptions(compactors=compactors)
    scenario = heap_scenario(mode, options=options, mutators=mutators, placement="own")
    phases = msgspec.structs.replace(made.figures.phases, compact=ns)
    figures = msgspec.structs.replace(made.figures, phases=phases, compact_ns_page=1.0)
    return msgspec.structs.replace(made, scenario=scenario, figures=figures, samples=[ns] * len(made.samples))


def run_of(measurements: list[Measurement], processors: int = 2) -> Result:
    made = result(measurements, experiment=WorkloadExperiment("trees", 200_000, 100, 500))
    made.environment["cpu"] = {"allowed": processors}
    return made


def test_compacting_threads_are_a_line_for_each_mode() -> None:
    found = [measured("move", n, ns) for n, ns in ((None, 1200.0), (2, 700.0), (4, 400.0))]
    picture = scaling.compactors(run_of([*found, measured("copy", None, 900.0)]), "x", "own")
    assert picture is not None
    assert picture.data.heads == ("mode", "1", "2", "4")
    assert picture.data.rows == [("move", "1200", "700", "400")]
    assert "ms from flip to drain" in picture.text, "pages that faults built instead would make it shorter"
    assert picture.caption.startswith("Medians of collections.")
    assert "more threads than processors" in picture.caption
    assert picture.svgs()


def test_one_number_of_threads_is_no_picture() -> None:
    assert scaling.compactors(heap_result(), "x", "unplaced") is None
    assert scaling.mutators([heap_result(), heap_result()], "x") is None


def test_mutators_are_compared_across_runs_that_differ_in_nothing_else() -> None:
    runs = [run_of([measured("move", None, 1e9 / rate, mutators=n)]) for n, rate in ((1, 500.0), (2, 800.0))]
    other = run_of([measured("move", None, 100.0, mutators=4)])
    other.experiment = WorkloadExperiment("trees", 100, 100, 500)
    picture = scaling.mutators([*runs, other], "x")
    assert picture is not None
    assert picture.data.rows == [("move", "500", "800")]


def test_the_page_says_what_two_processors_cannot_show() -> None:
    text = scaling.remark([run_of([measured("move", None, 1.0)])])
    assert "These runs had 2 processors." in text
    assert "can't show" in text
    assert "say nothing" in scaling.remark([run_of([measured("move", None, 1.0)], processors=8)])
    assert scaling.remark([run_of([measured("move", None, 1.0)], processors=0)]) == ""
