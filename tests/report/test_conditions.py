"""Rows of one run that differ in a condition have different names, on a terminal and on a page."""

from gcproto.report.words.rows import mode_subject, starred
from gcproto.results import names
from gcproto.results.schema import Measurement, ModeOptions, Result, WorkloadExperiment
from gcproto.sizes import size
from tests.report.test_terminal_says import shown
from tests.support.every_kind import page_of
from tests.support.heap_results import heap_mode, heap_scenario
from tests.support.result_maker import result

PAGE = 4096


def mode(name: str, **conditions: object) -> Measurement:
    made = heap_mode(name, 15.0)
    made.scenario = heap_scenario(name, placement="own", **conditions)
    return made


def run_of(*found: Measurement) -> Result:
    return result(list(found), experiment=WorkloadExperiment("trees", 200_000, 100, 500), cpu={"allowed": 2})


def by_mutators() -> Result:
    return run_of(*(mode(name, mutators=number) for number in (1, 4, 16) for name in ("move", "copy")))


def test_each_row_of_the_page_names_the_number_of_mutators() -> None:
    run = by_mutators()
    subjects = [mode_subject(heap_scenario("move", mutators=number, placement="own"), run) for number in (1, 4, 16)]
    assert subjects == ["move, 1 mutator", "move, 4 mutators", "move, 16 mutators"]
    text = page_of([run])
    assert all(subject in text for subject in subjects)
    assert "if the collector has a processor of its own (1 mutator)" in text
    assert "move2" not in text, "another number of mutators is the same mode"


def test_a_stall_is_said_of_its_number_of_mutators() -> None:
    text = shown(by_mutators(), 200)
    for number in ("1 mutator", "4 mutators", "16 mutators"):
        assert f"move in {size(heap_scenario('move').heap_bytes)}, {number}: longest stall" in text


def test_threads_beyond_the_processors_are_said_once() -> None:
    text = shown(by_mutators(), 200)
    assert "up to 17 runnable threads (with 4 and 16 mutators) on 2 processors" in text
    assert "copy and move" not in text.split("runnable")[0].splitlines()[-1]


def test_every_condition_that_differs_is_named_and_no_other() -> None:
    one = heap_scenario("move")
    others = {
        "2M": heap_scenario("move", memory="2m", order=9),
        "7 mutators": heap_scenario("move", mutators=7),
        "lru": heap_scenario("move", workload="lru"),
        "64M": heap_scenario("move", heap_bytes=64 << 20),
        "32M live": heap_scenario("move", live_bytes=32 << 20),
    }
    for words, other in others.items():
        assert names.unlike(other, [one, other], PAGE) == [words]
        assert len(names.unlike(one, [one, other], PAGE)) == 1
    assert names.unlike(one, [one], PAGE) == []
    assert names.unlike(others["64M"], [one, others["64M"]], PAGE, heap_size=False) == []


def test_options_are_numbered_stars() -> None:
    every = [heap_scenario("move")] + [
        heap_scenario("move", options=ModeOptions(compactors=threads)) for threads in (2, 3, 4)
    ]
    assert list(starred(every).values()) == ["move", "move*2", "move*3", "move*4"], "the number is that of threads"
    other = [heap_scenario("move", options=one) for one in (ModeOptions(compactors=3), ModeOptions(fault_pages=2))]
    assert list(starred(other).values()) == ["move*", "move*2"], "two options have no common number"
    again = [heap_scenario("move", options=ModeOptions(compactors=2), mutators=number) for number in (1, 2)]
    assert set(starred(again).values()) == {"move*"}, "the same options in another condition"


def test_the_terminal_says_each_star() -> None:
    found = [mode("copy"), *(mode("move", options=ModeOptions(compactors=threads)) for threads in (2, 3))]
    text = shown(run_of(*found), 200)
    heap = size(heap_scenario("move").heap_bytes)
    assert f"move*2 in {heap}: with compactors=2" in text
    assert f"move*3 in {heap}: with compactors=3" in text
