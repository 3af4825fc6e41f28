"""The thread's claims: what the machine lacks is asked first, the rest is judged, and all of it is a result."""

import re
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gcproto.claims import needs
from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Claim, Finding, confirmed
from gcproto.claims.needs import asked_first, judge, why_not
from gcproto.claims.result import document
from gcproto.claims.rows import CLAIMS
from gcproto.claims.sound import Rows
from gcproto.errors import GcprotoError
from gcproto.experiments.paths import bench
from gcproto.experiments.paths.grid import build
from gcproto.host.machine import machine
from gcproto.known.bugs import State
from gcproto.record import Record
from gcproto.results.schema import (
    CONGRUENT,
    SKEWED,
    ClaimExperiment,
    Interval,
    Noise,
    Result,
    Skip,
    with_fields,
)
from gcproto.results.store import load
from tests.support.claim_maker import PMD, Made, made, survey
from tests.support.policy_results import policy_result, policy_scenario
from tests.support.processes import run_gcproto as gcproto
from tests.support.processes import run_unprivileged
from tests.support.result_maker import result, scenario


def test_every_row_of_the_thread_is_there() -> None:
    assert [claim.key for claim in CLAIMS] == [f"T{number}" for number in range(1, 17)]
    for claim in CLAIMS:
        assert claim.judge.__doc__ == f"{claim.key}."
        assert set(claim.needs) <= {*needs.CAPABILITIES, "folios", "thp"}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_the_command_that_shows_it_alone_is_one(claim: Claim) -> None:
    """Its options and values are those of today's commands; it is not run."""
    for text in claim.command.split("; "):
        program, *words = shlex.split(text)
        assert program == "gcproto"
        group: Any = cli_group()
        context = group.make_context("gcproto", words[:1], resilient_parsing=True)
        while True:
            command: Any = group.get_command(context, words.pop(0))
            assert command is not None, text
            if not hasattr(command, "list_commands") or not words or words[0].startswith("-"):
                break
            if command.get_command(context, words[0]) is None:
                break
            group = command
        command.make_context("x", words)


def cli_group() -> Any:
    from gcproto.cli.app import cli

    return cli


def test_what_is_missing_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "may_change", lambda: False)
    here = survey(State.FIXED, move=True, orders=False, zram=False, loop=False, pins=True)
    found = asked_first(CLAIMS, here)
    assert set(CLAIM_KEYS) - set(found) == {"T1", "T3", "T8", "T16"}
    assert found["T2"] == Skip("claim T2", "zram: no", "run as root")
    assert found["T5"] == Skip("claim T5", "loop device: no; this user may not choose folio sizes", "run as root")
    assert why_not(found["T2"]) == Finding("not testable here", "", "zram: no (what to do: run as root)")
    monkeypatch.setattr(needs, "may_change", lambda: True)
    assert asked_first(CLAIMS, survey(State.FIXED, **dict.fromkeys(needs.CAPABILITIES, True))) == {}
    assert set(asked_first(CLAIMS, survey(None))) == set(CLAIM_KEYS) - {"T3"}


CLAIM_KEYS = [claim.key for claim in CLAIMS]


def test_what_fails_in_the_middle_is_said_and_the_rest_goes_on() -> None:
    def fail(_evidence: Evidence) -> Finding:
        raise GcprotoError("heaps of 96 MiB do not fit", why="5 MiB are free", remedy="free some")

    finding, skip = judge(Claim("T9", "x", "gcproto", fail), Made())
    assert skip == Skip("claim T9", "heaps of 96 MiB do not fit: 5 MiB are free", "free some")
    assert finding.judgement == "not testable here"
    assert judge(CLAIMS[0], Made()) == (CLAIMS[0].judge(Made()), None)


def test_the_noise_of_policies_is_that_of_those_that_chose_the_same() -> None:
    """Policies have no replicas; their floor was taken for nothing, and any difference for one."""
    run = policy_result()
    move = next(one for one in run.measurements if one.scenario == policy_scenario("move", "trees", 0))
    move.samples[:] = [value * 1.06 for value in move.samples]
    evidence = Evidence(lambda _what: None)
    evidence.results.append(run)
    assert evidence.floor(move) == pytest.approx(0.06, abs=0.02)


def test_evidence_is_measured_once() -> None:
    said: list[str] = []
    evidence = Evidence(said.append)
    first, second = evidence.rows("result-moved"), evidence.rows("result-moved")
    assert first == second
    assert len(said) == 1
    assert re.match(r"rows of the contract, each tried .*: result-moved: .", Rows(evidence, "result-moved").text)


@pytest.mark.needs("thp", "mthp")
def test_evidence_finds_what_it_asks_the_path_lab_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The grid says what a choice is; judges look for paths by their fields, and must find them."""

    def run(order: bench.PathParameters, _progress: object) -> Result:
        return result([made(one) for one in build(order.choice, machine())])

    monkeypatch.setattr(bench, "run", run)
    evidence = Evidence(lambda _what: None)
    for arm in ("move", "copy"):
        assert evidence.present("small", arm, PMD)
        assert evidence.swapped("swapped", arm, 65536)
    assert evidence.present("mthp", "move", 65536, 4)
    assert evidence.present("mthp", "split_move", PMD, 8)
    assert evidence.present("thp", "move", PMD, evidence.thp)
    assert len({one.scenario for one in evidence.moves()}) >= 10
    assert evidence.swapped("swapped", "move", 65536, 4)
    assert evidence.swapped("swapcache", "move_fallback", 65536, 4)
    for alignment in (CONGRUENT, SKEWED):
        assert evidence.skewed("mthp", PMD, 4, alignment)
        assert evidence.skewed("thp", PMD, evidence.thp, alignment)
    for threads in (1, 2):
        for arm in ("tao", "copy", "copy_discard", "split_move"):
            found = evidence.migrated(arm, PMD, threads)
            assert found
            assert found.scenario == with_fields(found.scenario, threads=threads, alignment=CONGRUENT)
    assert evidence.refused("move", 65536)
    assert evidence.refused("move_fallback", 65536)


def pools(*some: Result) -> Evidence:
    evidence = Evidence(lambda _what: None)
    evidence.results = list(some)
    return evidence


def test_the_noise_of_a_run_is_that_of_its_claims() -> None:
    quiet, loud = result([made(scenario("move"))]), result([made(scenario("copy"))])
    quiet.noise, loud.noise = (Noise([Interval(1.0 + floor, 1.0, 1.5)], floor) for floor in (0.01, 0.2))
    evidence = pools(quiet, loud)
    assert evidence.floor(quiet.measurements[0]) == 0.01
    assert evidence.floor(quiet.measurements[0], loud.measurements[0]) == 0.2
    found = document(Record(), [], [], evidence, 1, complete=True)
    assert found.noise == Noise([Interval(1.01, 1.0, 1.5), Interval(1.2, 1.0, 1.5)], 0.2)


def test_a_result_of_claims() -> None:
    canary = scenario("canary", source="none")
    first, second = result([made(canary), made(scenario("move"))]), result([made(canary), made(scenario("copy"))])
    second.skips = [Skip("mthp", "no such folios")]
    findings = [(CLAIMS[0], confirmed("figures")), (CLAIMS[8], Finding("in part", "f", "why"))]
    one = document(Record(), findings, [Skip("claim T5", "no swap")], pools(first, second), 7, complete=True)
    assert one.experiment == ClaimExperiment(["T1", "T9"])
    assert one.verdicts == []
    assert [(claim.key, claim.judgement, claim.why) for claim in one.claims] == [
        ("T1", "confirmed", ""),
        ("T9", "in part", "why"),
    ]
    assert one.claims[0].claim == CLAIMS[0].text
    assert one.claims[0].command == CLAIMS[0].command
    assert [made.scenario for made in one.measurements] == [canary, scenario("move"), scenario("copy")]
    assert one.skips == [Skip("claim T5", "no swap"), Skip("mthp", "no such folios")]
    assert msgspec.json.decode(msgspec.json.encode(one), type=Result) == one


def test_a_run_that_a_signal_cut_short_ends_the_judging() -> None:
    cut = result([made(scenario("move"))])
    cut.producer.complete = False
    evidence = Evidence(lambda _what: None)
    with pytest.raises(KeyboardInterrupt):
        evidence._taken(cut)
    assert evidence.results == [cut]


@pytest.mark.needs("move", "mthp", "pfn", "zram", "loop")
@pytest.mark.timeout(400)
def test_the_command_judges(tmp_path: Path) -> None:
    done = gcproto("claims", "T1", "t6", "T5", "T9", "T16", "--json", "--out", str(tmp_path), timeout=380)
    found = msgspec.json.decode(done.stdout, type=Result)
    claims = {one.key: one for one in found.claims}
    assert list(claims) == ["T1", "T5", "T6", "T9", "T16"]
    assert isinstance(found.experiment, ClaimExperiment)
    assert claims["T16"].judgement == "in part"
    assert "page frames kept" in claims["T1"].figures
    assert "64K" in claims["T6"].figures
    assert claims["T6"].judgement != "confirmed", "a THP that is asked for whole moves whole"
    assert claims["T9"].judgement in {"in part", "refuted", "confirmed"}
    assert "copies nothing" in claims["T9"].figures
    assert found.measurements
    assert found.noise
    assert load(next(tmp_path.glob("*.json"))) == found
    shown = gcproto("show", str(next(tmp_path.glob("*.json")))).stdout
    assert "The thread's claims" in shown
    assert "alone: gcproto doctor" in shown


@pytest.mark.needs("nobody", "move")
@pytest.mark.timeout(200)
def test_without_root_what_can_be_judged_is_and_the_rest_says_what_is_missing_first(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    for _ in range(3):  # a machine that is disturbed leaves T1 without rounds: that says nothing about rights
        done = run_unprivileged("claims", "T1", "T5", "--json", "--out", str(out), cwd=tmp_path, timeout=60)
        if "INVALID: too many rounds prove nothing" not in done.stdout:
            break
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()
    missing = next(number for number, line in enumerate(said) if "claim T5 can't be judged here" in line)
    assert missing < next(number for number, line in enumerate(said) if "measuring" in line)
    assert "run as root" in said[missing]
    assert not any("contract" in line for line in said), "nothing is measured for it"
    found = msgspec.json.decode(done.stdout, type=Result)
    claims = {one.key: one for one in found.claims}
    assert claims["T1"].judgement == "in part"
    assert claims["T1"].why.startswith("page frame numbers can't be read")
    assert claims["T5"].judgement == "not testable here"
    assert "loop device" in claims["T5"].why
    assert [skip.what for skip in found.skips if skip.what.startswith("claim")] == ["claim T5"]
    nothing = run_unprivileged("claims", "T5", "--out", str(out), cwd=tmp_path)
    assert nothing.returncode == 3
    assert "no claim could be judged here" in nothing.stderr


def test_what_is_no_claim_is_usage(tmp_path: Path) -> None:
    done = gcproto("claims", "T17", "--out", str(tmp_path))
    assert done.returncode == 2
    assert "there is no claim 'T17'" in done.stderr
