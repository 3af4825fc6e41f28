"""The thread's claims: all have a judge, judges tell confirmed from refuted, and the command shows real figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from gcproto.claims import judges
from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Judgement
from gcproto.claims.rows import CLAIMS
from gcproto.results.schema import Measurement, Outcome, Proof, Scenario
from tests.processes import run_gcproto as gcproto
from tests.result_maker import measurement

SMALL = Scenario("small", 0, "move", 2 << 20, "congruent", 1, 512)


class Made:
    """Evidence that is given."""

    thp = 9

    def __init__(self, **paths: Measurement) -> None:
        self.paths = paths

    def path(self, source: str, arm: str, _granule: int, **_more: Any) -> Measurement | None:
        return self.paths.get(f"{source}_{arm}")


def made(scenario: Scenario, proof: Proof, median: float = 80.0, outcome: Outcome | None = None) -> Measurement:
    one = measurement(scenario, [median] * 3)
    one.median, one.proof, one.outcome = median, proof, outcome or Outcome()
    return one


def judgement(key: str, evidence: Made) -> Judgement:
    claim = next(one for one in CLAIMS if one.key == key)
    return claim.judge(evidence).judgement  # type: ignore[arg-type]


def test_every_row_of_the_thread_is_there() -> None:
    assert [claim.key for claim in CLAIMS] == [f"T{number}" for number in range(1, 17)]
    for claim in CLAIMS:
        assert claim.command.startswith("gcproto ")
        assert claim.judge.__doc__ == f"{claim.key}."


def test_a_frame_that_changed_refutes_that_nothing_is_copied() -> None:
    copy = made(SMALL, Proof(), 1000.0)
    kept = made(SMALL, Proof(rounds=2, pfn_kept=1024))
    lost = made(SMALL, Proof(rounds=2, pfn_kept=1023, pfn_changed=1))
    assert judgement("T1", Made(small_move=kept, small_copy_discard=copy)) is Judgement.CONFIRMED
    assert judgement("T1", Made(small_move=lost, small_copy_discard=copy)) is Judgement.REFUTED
    assert judgement("T1", Made(small_move=kept)) is Judgement.UNTESTABLE


def test_a_page_that_was_read_in_refutes_that_entries_are_copied() -> None:
    copy = made(SMALL, Proof(), 9000.0)
    for after, expected in ((512, Judgement.CONFIRMED), (511, Judgement.REFUTED)):
        move = made(SMALL, Proof(swapped_before=512, swapped_after=after))
        assert judgement("T2", Made(swapped_move=move, swapped_copy=copy)) is expected


def test_one_page_that_stays_refutes_always() -> None:
    for moved, expected in ((512, Judgement.CONFIRMED), (511, Judgement.REFUTED)):
        move = made(SMALL, Proof(), outcome=Outcome(asked=512, moved=moved))
        assert judgement("T4", Made(swapcache_move=move)) is expected


def test_a_kernel_that_moves_mthps_whole_confirms_that_it_could() -> None:
    whole, split = (made(SMALL, Proof(folios=32, folios_split=count)) for count in (0, 32))
    assert judgement("T11", Made(mthp_move=whole)) is Judgement.CONFIRMED
    assert judgement("T11", Made(mthp_move=split)) is Judgement.UNTESTABLE


def test_the_guess_about_tao_can_be_wrong() -> None:
    split = made(SMALL, Proof(), 800.0)
    for tao, expected in ((1500.0, Judgement.CONFIRMED), (700.0, Judgement.REFUTED)):
        evidence = Made(mthp_tao=made(SMALL, Proof(), tao), mthp_copy_discard=made(SMALL, Proof(), 950.0))
        evidence.paths["mthp_split_move"] = split
        assert judgement("T10", evidence) is expected


def test_evidence_is_measured_once() -> None:
    said: list[str] = []
    evidence = Evidence(said.append)
    first, second = evidence.rows("result-moved"), evidence.rows("result-moved")
    assert first == second
    assert len(said) == 1
    assert judges._rows(evidence, "result-moved") == (True, "rows of the contract: result-moved: ok")


@pytest.mark.needs("move", "mthp", "pfn", "zram", "loop")
@pytest.mark.timeout(200)
def test_the_command_judges(tmp_path: Path) -> None:
    done = gcproto("claims", "T1", "t6", "T5", "T16", "--json", "--out", str(tmp_path), timeout=180)
    result = json.loads(done.stdout)
    found = {one["name"]: one for one in result["verdicts"]}
    assert list(found) == ["claim/T1", "claim/T5", "claim/T6", "claim/T16"]
    assert {one["verdict"] for one in found.values()} == {"confirmed"}
    assert "page frames kept" in found["claim/T1"]["text"]
    assert "64K" in found["claim/T6"]["text"]
    assert result["measurements"]
    shown = gcproto("show", str(next(tmp_path.glob("*.json")))).stdout
    assert "The thread's claims" in shown
    assert "alone: gcproto doctor" in shown


def test_what_is_no_claim_is_usage(tmp_path: Path) -> None:
    done = gcproto("claims", "T17", "--out", str(tmp_path))
    assert done.returncode == 2
    assert "there is no claim 'T17'" in done.stderr
