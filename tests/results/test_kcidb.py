"""The document for KernelCI: paths by the type of what was measured, a status for each word, its schema obeyed."""

from typing import Any, get_args

import pytest

from gcproto.results.exports.kcidb import STATUS, document, path_of, subject_path
from gcproto.results.schema import (
    Console,
    ContractRow,
    Hazard,
    InvalidRound,
    ModeOptions,
    Result,
    SampleMode,
    Scenario,
    Skip,
    Subject,
    Verdict,
    Word,
)
from tests.support.heap_results import heap_scenario, window_scenario
from tests.support.kernel_results import STOCK, guest_result
from tests.support.policy_results import policy_scenario
from tests.support.result_maker import scenario

PMD = 2 << 20
K618 = "6.18.15+deb13-cloud-amd64"


@pytest.mark.parametrize(
    ("one", "path"),
    [
        (scenario("move", PMD, "mthp", order=4), "gcproto.paths.mthp_16.move.2M"),
        (scenario("move", 4096, replica=1), "gcproto.paths.small.move.4K.replica1"),
        (
            scenario("move", PMD, alignment="skewed", threads=2, working_set="memory", frames="shuffled"),
            "gcproto.paths.small.move.2M.skewed.2threads.memory.shuffled",
        ),
        (
            heap_scenario("move", options=ModeOptions(fault_pages=4), policy="auto", memory="64k", order=4),
            "gcproto.workloads.trees.64k.move.fault_pages_4.policy_auto.16M.2mutators",
        ),
        (policy_scenario("auto", order=4, ebusy="touch"), "gcproto.policies.trees.64k.auto.32M.touch"),
        (
            policy_scenario("move", swapped_permille=500, device="loop", threads=2, collections=3),
            "gcproto.policies.trees.small.move.32M.2threads.swapped_500_loop.collection_3",
        ),
        (window_scenario("move", placement="shared"), "gcproto.window.move.64M.2mutators.shared"),
        (window_scenario("copy", handler="thread"), "gcproto.window.copy.64M.2mutators.thread.own"),
    ],
)
def test_the_path_of_each_kind_of_scenario(one: Scenario, path: str) -> None:
    assert path_of(one) == path


@pytest.mark.parametrize(
    ("one", "path"),
    [
        (ContractRow("result-moved"), "gcproto.contract.result-moved"),
        (Hazard("ksm"), "gcproto.hazard.ksm"),
        (Hazard("stress", 2), "gcproto.hazard.stress.seed_2"),
        (Console(), "gcproto.console"),
    ],
)
def test_the_path_of_each_kind_of_subject(one: Subject, path: str) -> None:
    assert subject_path(one) == path


def exported(*results: Result) -> dict[str, dict[str, Any]]:
    """By path; the document is valid, or there would be none."""
    every = document(results, "gcproto")["tests"]
    found = {test["path"]: test for test in every}
    assert len(found) == len(every)
    return found


def test_every_word_has_a_status() -> None:
    assert set(STATUS) == set(get_args(Word))
    verdicts = [Verdict(Hazard(word), word, f"seen {word}") for word in get_args(Word)]
    found = exported(guest_result(K618, {}, verdicts=verdicts))
    assert {word: found[f"gcproto.hazard.{word}"]["status"] for word in STATUS} == STATUS
    assert found["gcproto.hazard.ebusy"]["comment"] == "ebusy: seen ebusy"


def test_what_was_measured_of_each_kind() -> None:
    result = guest_result(K618, {**STOCK[K618], policy_scenario("move", order=4): 80.0, heap_scenario("copy"): 9.0})
    result.skips = [Skip("job small", "never reached: panic")]
    moved, invalid, refused = result.measurements[2:5]
    moved.modes = [SampleMode(100.0, 90.0, 110.0, 0.7), SampleMode(200.0, 190.0, 210.0, 0.3)]
    invalid.valid, invalid.invalid_rounds = False, [InvalidRound(3, 1.0, "page 4 is elsewhere")]
    refused.outcome.left, refused.outcome.moved = 1024, 0
    found = exported(result)
    assert found["gcproto.guest"]["status"] == "PASS"
    assert found["gcproto.policies.trees.64k.move.32M"]["number"]["unit"] == "instructions/page"
    assert found["gcproto.workloads.trees.small.copy.16M.2mutators"]["status"] == "DONE"
    assert found["gcproto.skip.job_small"]["status"] == "SKIP"
    assert found[path_of(moved.scenario)]["misc"]["modes"] == [
        {"median": 100.0, "share": 0.7},
        {"median": 200.0, "share": 0.3},
    ]
    assert found[path_of(moved.scenario)]["misc"]["done_share"] == 1.0
    assert found[path_of(invalid.scenario)]["status"] == "ERROR"
    assert found[path_of(invalid.scenario)]["comment"] == "page 4 is elsewhere"
    assert "number" not in found[path_of(invalid.scenario)]
    assert found[path_of(refused.scenario)]["misc"]["done_share"] == 0.0
