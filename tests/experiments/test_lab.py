"""The worker process and its watchdog, the grid, and what the runner makes of rounds that go wrong."""

import os
import signal
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcproto._native import lib
from gcproto.accounts import ACCOUNT
from gcproto.experiments.frame import TRIES, Schedule
from gcproto.experiments.paths import grid
from gcproto.experiments.paths.grid import Choice, build, parse_source, source_text
from gcproto.experiments.paths.lab import Lab, WorkerDied
from gcproto.experiments.paths.round import (
    DISTURBED,
    INVALID,
    UNABLE,
    VALID,
    Request,
    Round,
    request_for,
)
from gcproto.experiments.paths.runner import Runner, Setup
from gcproto.experiments.paths.tally import PROVEN, SAID, SUMMED, Tally
from gcproto.host.machine import Machine, machine
from gcproto.record import Record
from gcproto.results.schema import Outcome, PathExperiment, PathFigures, PathScenario, Proof, Result, with_fields
from gcproto.sizes import parse_size, size_text

SMALL = PathScenario("small", 0, "move", 65536, "congruent", 1, 512)
X86 = Machine(4096, 2 << 20, 9, tuple(range(2, 10)), 2)
ARM_16K = Machine(16384, 32 << 20, 11, tuple(range(2, 12)), 8, 8 << 20)
ARM_64K = Machine(65536, 512 << 20, 13, tuple(range(2, 14)), 8, 8 << 20)
SETUP = Setup(Schedule(rounds=4, warmup=1, seed=1), cpu=-1, touch_cpu=-1)


def test_units_of_size() -> None:
    assert [parse_size(text) for text in ("4k", "64KiB", "2M", "4096", "1g")] == [4096, 65536, 2 << 20, 4096, 1 << 30]
    for bad in ("", "k", "-4k", "4x", "0", "1.5m"):
        with pytest.raises(ValueError, match="not a size"):
            parse_size(bad)


@given(st.integers(1, 1 << 40))
def test_size_text_is_parsed_back(size: int) -> None:
    assert parse_size(size_text(size)) == size


@pytest.mark.parametrize("text", ["small", "thp", "mthp-64k", "pinned-2m", "forked", "hole", "swapcache-64k"])
def test_source_names(text: str) -> None:
    assert source_text(*parse_source(text, X86), X86) == text


@pytest.mark.parametrize("text", ["mthp", "mthp-3k", "mthp-4m", "cheese"])
def test_source_names_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"unknown source|needs a size|not a folio size"):
        parse_source(text, X86)


@pytest.mark.parametrize("here", [X86, ARM_16K, ARM_64K, Machine(4096, 2 << 20, 9, (), 1)])
@pytest.mark.parametrize("choice", [Choice(), Choice(quick=True), Choice(swap=True)])
@pytest.mark.parametrize("memory", [None, 1 << 20, 40 << 20])
def test_grid_fits_the_machine(here: Machine, choice: Choice, memory: int | None) -> None:
    """Nothing is x86-only: granules are page multiples, ranges whole folios, orders those of the machine."""
    scenarios = build(replace(choice, memory=memory), here)
    assert len(scenarios) == len(set(scenarios))
    assert sum(scenario.arm == "canary" for scenario in scenarios) == 1
    for scenario in scenarios:
        size = scenario.pages * here.page_size
        assert scenario.granule_bytes % here.page_size == 0
        assert 0 < scenario.granule_bytes <= size
        assert scenario.pages % (1 << scenario.order) == 0
        assert here.pmd_size > grid.MOST_FOLIO or size % here.pmd_size == 0
        assert size <= max(grid.MOST_FOLIO, lib.GCP_MEMORY_MIN_PAGES * here.page_size), "bounded on each page size"
        assert scenario.order == 0 or scenario.order in here.anon_orders
    if not choice.quick:
        keys = {(scenario.source, scenario.order) for scenario in scenarios}
        sizes = {("mthp", order) for order in here.anon_orders if order < here.pmd_order}
        missing = {source_text(*one, here) for one in sizes - keys}
        assert missing == {what for what, _ in grid.omitted(here)} - {"thp", "thp beyond the cache"}


def test_what_a_page_size_omits_is_said() -> None:
    def said(here: Machine) -> list[str]:
        return [what for what, _ in grid.omitted(here)]

    assert said(X86) == []
    assert said(ARM_16K) == ["thp beyond the cache"]
    assert said(ARM_64K) == ["mthp-128m", "mthp-256m", "thp"]
    assert {one.source for one in build(Choice(sources=["thp"]), ARM_64K)} == {"thp", "none"}, "by name there is more"


@pytest.mark.parametrize("here", [ARM_16K, ARM_64K])
def test_small_pages_move_by_page_and_a_thp_whole(here: Machine) -> None:
    found = build(Choice(quick=True), here)
    moves = {(one.source, one.granule_bytes) for one in found if one.arm == "move"}
    assert {("small", here.page_size), ("small", 2 << 20)} <= moves
    assert (("thp", here.pmd_size) in moves) == (here is ARM_16K)


@pytest.mark.parametrize("here", [X86, ARM_16K, ARM_64K])
def test_each_scenario_but_one_has_a_copy_to_compare_with(here: Machine) -> None:
    scenarios = set(build(Choice(quick=True), here))
    lonely = [one for one in scenarios if replace_arm(one) not in scenarios and one.arm not in {"canary"}]
    assert lonely == []


def test_what_is_compared_alone_is_compared_beside_a_live_thread() -> None:
    """The verdict leads with a second live thread: the baseline and each main source must be there with two."""
    for quick in (False, True):
        scenarios = [one for one in build(Choice(quick=quick), X86) if one.alignment == "congruent" and not one.replica]
        for source in ("small", "mthp", "thp"):
            order = {"small": 0, "mthp": 4, "thp": 9}[source]
            for arm in ("move", "copy", "copy_discard"):
                mine = [one for one in scenarios if (one.source, one.order, one.arm) == (source, order, arm)]
                alone, beside = ({one.granule_bytes for one in mine if one.threads == threads} for threads in (1, 2))
                assert beside <= alone
                assert beside >= ({2 << 20} if quick else {4096, 65536, 2 << 20})


def replace_arm(scenario: PathScenario) -> PathScenario:
    return with_fields(scenario, arm="copy", replica=0)


def test_choice_restricts_and_extends() -> None:
    chosen = build(Choice(sources=["mthp-32k"], arms=["tao"], granules=["64k"]), X86)
    assert {(one.source, one.order, one.arm) for one in chosen} >= {("mthp", 3, "tao"), ("mthp", 3, "copy")}
    assert {one.source for one in chosen} == {"mthp", "none"}


@pytest.mark.parametrize(
    "choice", [Choice(sources=["x"]), Choice(arms=["x"]), Choice(granules=["5k"]), Choice(sources=["swapped"])]
)
def test_wrong_choices(choice: Choice) -> None:
    with pytest.raises(ValueError, match=r"unknown|not a multiple|add --swap"):
        build(choice, X86)


@pytest.mark.needs("move")
def test_round_in_the_worker() -> None:
    with Lab() as lab:
        done = lab.run(request_for(SMALL, -1, -1, seed=1))
    assert done.status == VALID, done.reason
    assert (done.path, done.account["moved"], done.contents) == ("moved", 512, 512)


@pytest.mark.needs("move", "two_cpus")
def test_a_second_thread_that_does_not_run_makes_the_round_invalid() -> None:
    """Where it has to share a processor with the work, nothing is flushed on another one."""
    cpu, touch_cpu = sorted(os.sched_getaffinity(0))[-1], min(os.sched_getaffinity(0))
    beside = with_fields(SMALL, threads=2, granule_bytes=4096)
    with Lab() as lab:
        found = [lab.run(request_for(beside, cpu, touch_cpu, seed=1)) for _ in range(TRIES)]
    assert any(one.status == VALID for one in found), found[-1].reason
    alone = request_for(beside, cpu, cpu, seed=1)  # both on one processor: the work has it all to itself
    with Lab() as lab:
        done = [lab.run(alone) for _ in range(5)]
    assert any("was not live beside the work" in one.reason for one in done if one.status == DISTURBED)


@pytest.mark.needs("move")
def test_a_round_that_hangs_is_killed_and_the_next_one_runs() -> None:
    """The test aid draws 1 ms of work out to minutes: a hang, as far as the watchdog can tell."""
    with Lab(timeout=1.0) as lab:
        with pytest.raises(WorkerDied, match="killed"):
            lab.run(request_for(SMALL, -1, -1, seed=1, slow_permille=2**31))
        assert lab.run(request_for(SMALL, -1, -1, seed=1)).status == VALID


@pytest.mark.needs("move")
def test_a_worker_that_dies_is_said() -> None:
    with Lab() as lab:
        lab.run(request_for(SMALL, -1, -1, seed=1))
        assert lab._process
        os.kill(lab._process.pid, signal.SIGKILL)
        lab._process.wait()
        with pytest.raises(WorkerDied):
            lab.run(request_for(SMALL, -1, -1, seed=1))


def a_round(status: int = VALID, ns: int = 512_000, reason: str = "", err: int = 0) -> Round:
    account = dict.fromkeys(
        ("asked", "moved", "copied", "copied_after_ebusy", "zeroed", "already", "left", "ebusy", "eagain", "eexist",
         "enoent", "short_results"), 0
    )  # fmt: skip
    return Round(status, err, ns, 0, 0, 8, account, 31, 0, 0, 0, 0, 0, 0, 0, [512], 0, 0, 0, "moved", reason)


class ScriptedLab(Lab):
    """Answers from a list instead of a kernel, for what no kernel does on demand."""

    def __init__(self, answers: list[Round | WorkerDied]) -> None:
        super().__init__()
        self.answers = answers

    def run(self, request: Request) -> Round:
        answer = self.answers.pop(0)
        if isinstance(answer, WorkerDied):
            raise answer
        return answer


def outcome_of(scenario: PathScenario, lab: Lab) -> Result:
    """A whole run of one scenario."""
    runner = Runner([scenario], SETUP, X86, None, lab)
    runner.run()
    return runner.frame.result(Record(), PathExperiment(), skips=runner.skips())


def test_invalid_rounds_are_kept_counted_and_not_used() -> None:
    lab = ScriptedLab([a_round(), a_round(), a_round(INVALID, 1, "a story that does not fit"), a_round(), a_round()])
    (measured,) = outcome_of(SMALL, lab).measurements
    assert measured.samples == [1000.0] * 3
    assert measured.warmup == [1000.0]
    assert [(bad.round, bad.reason) for bad in measured.invalid_rounds] == [(2, "a story that does not fit")]
    assert measured.valid, "one of four may go wrong"


def test_too_many_invalid_rounds() -> None:
    lab = ScriptedLab([a_round(), a_round(), a_round(), *[a_round(INVALID, 1, "wrong")] * 2])
    (measured,) = outcome_of(SMALL, lab).measurements
    assert not measured.valid


def test_a_disturbed_round_is_done_again_and_counted() -> None:
    """The proof held, and another process had taken the second thread's processor: no fault, and no figure either."""
    away = a_round(DISTURBED, 1, "the second thread ran for 0 of 9 ns: it was not live beside the work")
    lab = ScriptedLab([a_round(), away, a_round(), away, away, a_round(), a_round(), a_round()])
    (measured,) = outcome_of(SMALL, lab).measurements
    assert (measured.samples, measured.invalid_rounds, measured.valid) == ([1000.0] * 4, [], True)
    assert isinstance(measured.figures, PathFigures)
    assert measured.figures.disturbed == 3


def test_a_round_that_stays_disturbed_is_invalid() -> None:
    away = a_round(DISTURBED, 1, "it was not live beside the work")
    lab = ScriptedLab([a_round(), *([away] * TRIES), *([a_round()] * 3)])
    (measured,) = outcome_of(SMALL, lab).measurements
    assert measured.samples == [1000.0] * 3
    assert [(bad.round, bad.reason) for bad in measured.invalid_rounds] == [(1, "it was not live beside the work")]


def test_a_hang_is_a_result_and_two_end_the_scenario() -> None:
    died = WorkerDied("no answer within 20 s")
    outcome = outcome_of(SMALL, ScriptedLab([died, died]))
    (lost,) = outcome.measurements
    assert [bad.reason for bad in lost.invalid_rounds] == ["no answer within 20 s"] * 2, "both hangs are in the result"
    assert (lost.valid, lost.median) == (False, None)
    assert "no answer within 20 s" in outcome.skips[0].reason


def test_what_cannot_be_made_is_a_skip_with_its_reason() -> None:
    outcome = outcome_of(SMALL, ScriptedLab([a_round(UNABLE, 0, "source: not here", 95)]))
    assert outcome.measurements == []
    assert [(skip.what, skip.reason) for skip in outcome.skips] == [("small: move", "source: not here")]


def test_a_source_that_comes_out_otherwise_is_made_again() -> None:
    again = a_round(UNABLE, 0, "source: fragmented", 11)
    lab = ScriptedLab([again, again, *[a_round()] * 5])
    (measured,) = outcome_of(SMALL, lab).measurements
    assert (len(measured.samples), measured.invalid_rounds) == (4, [])


def test_two_threads_need_two_processors() -> None:
    two = PathScenario("small", 0, "move", 65536, "congruent", 2, 512)
    outcome = outcome_of(two, ScriptedLab([]))
    assert "one processor" in outcome.skips[0].reason


def test_interrupt_keeps_what_there_is() -> None:
    class Interrupted(ScriptedLab):
        def run(self, request: Request) -> Round:
            if len(self.answers) == 1:
                raise KeyboardInterrupt
            return super().run(request)

    outcome = outcome_of(SMALL, Interrupted([a_round()] * 4))
    assert not outcome.producer.complete
    assert len(outcome.measurements[0].samples) == 2


def test_what_is_summed_up_has_the_same_name_on_both_sides() -> None:
    assert set(PROVEN) <= set(Round.__struct_fields__) & set(Proof.__struct_fields__)
    assert {*SUMMED, *SAID} <= set(ACCOUNT) & set(Outcome.__struct_fields__)


def test_tally_sums_the_proof() -> None:
    tally = Tally(SMALL)
    for number in range(3):
        tally.add(number, a_round(), warmup=False)
    assert tally.proof.order_after == {0: 3 * 512}
    assert tally.measurement().proof.path == "moved"


def test_default_grid_is_for_this_machine() -> None:
    assert build(Choice(), machine())
    assert grid.GRANULES[0] == grid.PAGE


def test_what_is_asked_by_name_is_measured_or_refused() -> None:
    both = build(Choice(sources=["small"], alignments=["skewed"], threads=[2]), X86)
    assert {(one.alignment, one.threads) for one in both if one.source == "small"} == {("skewed", 2)}
    for choice in (
        Choice(sources=["small"], arms=["zeropage"]),
        Choice(sources=["hole"], arms=["tao"]),
        Choice(sources=["zero"], arms=["split_move"]),
    ):
        with pytest.raises(ValueError, match="no meaning"):
            build(choice, X86)
    assert {one.arm for one in build(Choice(arms=["canary"], sources=["small"]), X86)} == {"canary", "copy"}


def test_by_name_a_source_has_one_size_of_memory_and_each_arm_a_copy_beside_it() -> None:
    choice = Choice(
        sources=["small", "swapped-64k", "swapped-1m"], arms=["move"], granules=["2m"], alignments=["skewed"], swap=True
    )
    for one in (choice, replace(choice, alignments=[]), replace(choice, quick=True)):
        found = [scenario for scenario in build(one, X86) if scenario.arm != "canary"]
        assert {replace_arm(scenario) for scenario in found} <= set(found)
        sizes = {(scenario.source, scenario.order, scenario.pages) for scenario in found}
        assert len(sizes) == 3, "what grids have at two sizes is two scenarios"
