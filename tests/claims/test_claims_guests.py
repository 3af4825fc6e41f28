"""Claims that need a changed kernel: judged from results of guests, also of earlier ones that serve."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from gcproto.claims import pairs
from gcproto.claims.judge_guests import unfixed_kernels_corrupt, unmapped_split_would_save, whole_mthp_could_move
from gcproto.claims.needs import asked_first, judge
from gcproto.claims.pairs import BUG, SPLIT, WHOLE, Guests, Pair
from gcproto.claims.rows import CLAIMS
from gcproto.cli.app import cli
from gcproto.errors import GcprotoError
from gcproto.kernels.guest import programs
from gcproto.kernels.run.cell import CHECK, Cell
from gcproto.known.bugs import State
from gcproto.results.schema import Hazard, Measurement, PathScenario, Result, Skip, Verdict, Word, with_fields
from gcproto.results.store import load, save
from tests.support.claim_maker import Made, made, survey
from tests.support.kernel_results import CANARY, guest_result
from tests.support.result_maker import scenario

PMD, FOLIO, PAGE = 2 << 20, 65536, 4096
ROUNDS = 21
PAGES = 512
ALL = PAGES * ROUNDS
STOCK, SERIES = "7.3.4-stock", "7.3.4-series"


class Given(Guests):
    """Guests whose results are given."""

    def __init__(self, **given: tuple[Result, Result]) -> None:
        super().__init__(lambda _what: pytest.fail("nothing is built here"), Path("nowhere"))
        self.given = given

    def pair(self, pair: Pair) -> tuple[Result, Result]:
        return self.given[pair.patches.replace("-", "_")]


def path(source: str, arm: str, granule: int, order: int = 0) -> PathScenario:
    return scenario(arm, granule, source=source, order=order, pages=PAGES)


def result(release: str, some: Sequence[Measurement], scenarios: str = "quick") -> Result:
    one = guest_result(release, {CANARY: 3221.0}, noise=0, options={"set": scenarios})
    for measurement in some:
        measurement.proof.level, measurement.proof.rounds = "pfn", ROUNDS
    one.measurements += some
    return one


def whole(split: int = 0, kept: int = ALL, cost: float = 82.33) -> Given:
    """Instructions a page of docs/results/patch.md: stock, and the series."""
    stock = [
        made(path("small", "move", PMD), 189.2, asked=ALL),
        made(path("small", "copy", PMD), 2136.0, asked=ALL),
        made(path("mthp", "move", PMD, 4), 2222.0, asked=ALL, folios=672, folios_split=672, pfn_kept=ALL),
    ]
    changed = [
        made(path("small", "move", PMD), 177.2, asked=ALL),
        made(path("small", "copy", PMD), 2136.0, asked=ALL),
        made(path("mthp", "move", PMD, 4), cost, asked=ALL, folios=672, folios_split=split, pfn_kept=kept),
    ]
    return Given(series=(result(STOCK, stock), result(SERIES, changed)))


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (whole(), "confirmed"),
        (whole(split=672, cost=2222.0), "refuted"),
        (whole(split=1), "in part"),
        (whole(kept=ALL - 1), "in part"),
        (whole(cost=2300.0), "in part"),
    ],
)
def test_whole_folios(evidence: Given, expected: str) -> None:
    finding = whole_mthp_could_move(evidence)
    assert finding.judgement == expected
    assert "672 of 672 split" in finding.figures


def test_the_prediction_of_whole_folios_stands_beside_the_figure() -> None:
    """A page costs 0.4 to 1.0 of one that moves in a batch of small ones, and no folio is split."""
    finding = whole_mthp_could_move(whole())
    assert "7.3.4-series 82.3, 0 of 672 split" in finding.figures
    assert "whole-folio says 75.7 to 189" in finding.figures


def test_a_canary_that_moved_voids_the_comparison() -> None:
    evidence = whole()
    canary = evidence.given["series"][1].measurements[0]
    assert canary.scenario == CANARY
    canary.median = 3300.0
    assert whole_mthp_could_move(evidence).why == "the canary differs by +2.5%"
    del evidence.given["series"][1].measurements[0]
    assert whole_mthp_could_move(evidence).why == "the canary was not measured"


def test_without_a_scenario_nothing_is_said() -> None:
    evidence = whole()
    del evidence.given["series"][0].measurements[1]
    assert whole_mthp_could_move(evidence).judgement == "not testable here"


def cached(
    left: int = 0, swapped: int = ALL, cost: float = 900.0, stock_left: int = ALL, *, present: bool = True
) -> Given:
    """Folios in the swap cache, by what is left after EBUSY."""

    def side(cost: float, left: int, swapped: int) -> list[Measurement]:
        counts: dict[str, Any] = {"asked": ALL, "left": left, "moved": ALL - left, "ebusy": left}
        return [
            made(path("small", "move", PMD), 189.2, asked=ALL),
            made(path("swapcache", "move", PMD), 612.9, asked=ALL),
            *([made(path("mthp", "move", PMD, 4), 2222.0, asked=ALL)] if present else []),
            made(path("swapcache", "move", PAGE, 4), cost, **counts),
            made(path("swapcache", "move", FOLIO, 4), cost, swapped_before=ALL, swapped_after=swapped, **counts),
            made(path("swapcache", "move_fallback", FOLIO, 4), 5500.0, asked=ALL, copied_after_ebusy=ALL),
            made(path("swapcache", "copy", FOLIO, 4), 4000.0, asked=ALL, copied=ALL),
        ]

    stock = result(STOCK, side(1714.0, stock_left, 0), "swapcache")
    return Given(split_swapcache=(stock, result("7.3.4-split", side(cost, left, swapped), "swapcache")))


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (cached(), "confirmed"),
        (cached(left=ALL), "refuted"),
        (cached(left=16), "in part"),
        (cached(swapped=0), "in part"),
        (cached(cost=4100.0), "in part"),
        (cached(stock_left=0), "not testable here"),
    ],
)
def test_folios_in_the_swap_cache(evidence: Given, expected: str) -> None:
    finding = unmapped_split_would_save(evidence)
    assert finding.judgement == expected
    assert "64K mTHPs in the swap cache, EBUSY without and with the change: " in finding.figures


def test_shares_and_the_alternatives_are_in_the_figures() -> None:
    figures = unmapped_split_would_save(cached()).figures
    assert "100% and 0% of single pages, 100% and 0% of whole folios. Of 10752 moved pages 10752 stay" in figures
    assert "moved 900, with COPY after EBUSY 5,500, copied at once 4,000" in figures
    # Small folios in the swap cache alone; a fifth refused and copied, and the others with a split of a mapped folio.
    assert "unmapped-split says 613 to 3,217." in figures
    assert (
        "unmapped-split says 613 to 1,590, without the split"
        in unmapped_split_would_save(cached(present=False)).figures
    )


def checked(undone: Word, fixed: Word = "fine") -> Given:
    def side(release: str, word: Word) -> Result:
        verdicts = [Verdict(Hazard(name), word, f"what {name} saw") for name in BUG.hazards]
        return guest_result(release, {}, verdicts=verdicts, options={"set": CHECK})

    return Given(undo=(side("7.3.4-no-ksm-copy", fixed), side("7.3.4-undo", undone)))


@pytest.mark.parametrize(
    ("undone", "fixed", "expected"),
    [
        ("panic", "fine", "confirmed"),
        ("corruption", "fine", "confirmed"),
        ("fine", "fine", "refuted"),
        ("unavailable", "fine", "not testable here"),
        ("panic", "panic", "not testable here"),
    ],
)
def test_the_bug_on_a_kernel_without_the_fix(undone: Word, fixed: Word, expected: str) -> None:
    finding = unfixed_kernels_corrupt(checked(undone, fixed))
    assert finding.judgement == expected
    assert f"7.3.4-undo, without the handling of the swap cache: swapcache-rmap {undone}" in finding.figures
    assert "(what swapcache-rmap saw)" in finding.figures


def test_with_kernels_no_claim_needs_more_of_this_machine_than_to_build_and_boot() -> None:
    class Able(Given):
        def lacking(self) -> Skip | None:
            return None

    class Unable(Given):
        def lacking(self) -> Skip | None:
            return Skip("kernels", "qemu is not installed", "apt-get install qemu")

    here = survey(State.FIXED, move=False, orders=False, zram=False, loop=False, pins=False)
    some = {"T3", "T11", "T15"}
    assert {claim.key for claim in CLAIMS if claim.pair} == some
    assert not some & asked_first(CLAIMS, here, Able()).keys()
    found = asked_first(CLAIMS, here, Unable())
    assert {found[key].reason for key in some} == {"qemu is not installed"}


def test_judges_ask_guests_where_there_are_any() -> None:
    evidence = Made()
    evidence.guests = Given(**whole().given, **cached().given, **checked("panic").given)
    verdicts = {claim.key: judge(claim, evidence)[0].judgement for claim in CLAIMS if claim.pair}
    assert verdicts == dict.fromkeys(("T3", "T11", "T15"), "confirmed")


INPUTS = {"stock": "0123456789abcdef", "series": "fedcba9876543210"}


class Lab(Guests):
    """Guests without a compiler: their kernels have inputs of the test, and cells are counted and not booted."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(lambda _what: None, folder)
        self.run: list[str] = []

        def run_cell(cell: Cell) -> Result:
            self.run.append(cell.kernel.release)
            side = "stock" if "stock" in cell.kernel.release else "series"
            return of_inputs(INPUTS[side], cell.kernel.release, cell.scenarios)

        monkeypatch.setattr(pairs, "run_cell", run_cell)
        monkeypatch.setattr(programs, "build", lambda: folder)

    def _sides(self, pair: Pair) -> "tuple[pairs._Side, pairs._Side]":
        stock, changed = pair.names
        return (
            pairs._Side(stock, INPUTS["stock"], ()),
            pairs._Side(changed, INPUTS["series"], (Path("patches"),)),
        )

    def _kernel(self, side: "pairs._Side") -> Any:
        from gcproto.kernels.get.fetch import LocalKernel

        return LocalKernel(f"7.3.4-{side.name}", "/vmlinuz", (), "built", inputs=side.inputs)


def of_inputs(inputs: str, release: str, scenarios: str = "quick", **changed: Any) -> Result:
    one = guest_result(release, {CANARY: 3221.0}, options={"set": scenarios} | changed)
    assert one.guest
    one.guest.inputs = inputs
    one.producer.benchmark = pairs._program()
    return one


def test_earlier_results_of_the_same_inputs_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, inputs in INPUTS.items():
        save(of_inputs(inputs, f"7.3.4-{name}", "folios"), tmp_path)
    lab = Lab(tmp_path, monkeypatch)
    assert lab.missing_work([WHOLE]) == "nothing is built or booted: earlier results are of the same kernels"
    found = lab.pair(WHOLE)
    assert lab.run == []
    assert lab.reused == [one.run_id for one in found]
    assert [one.guest.inputs for one in found if one.guest] == list(INPUTS.values())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: setattr(one.guest, "inputs", "another"),
        lambda one: setattr(one.producer, "benchmark", "of another version"),
        lambda one: setattr(one.producer, "complete", False),
        lambda one: setattr(one.guest, "outcome", "timeout"),
        lambda one: setattr(one, "experiment", with_fields(one.experiment, set="paths")),
        lambda one: setattr(one, "experiment", with_fields(one.experiment, icount=False)),
        lambda one: setattr(one, "experiment", with_fields(one.experiment, pages=1024)),
    ],
    ids=["inputs", "program", "complete", "outcome", "set", "icount", "pages"],
)
def test_results_that_differ_are_not(spoil: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(of_inputs(INPUTS["stock"], "7.3.4-stock"), tmp_path)
    other = of_inputs(INPUTS["series"], "7.3.4-series")
    spoil(other)
    save(other, tmp_path)
    lab = Lab(tmp_path, monkeypatch)
    lab.pair(WHOLE)
    assert lab.run == ["7.3.4-stock", "7.3.4-series"]
    assert lab.reused == []
    assert lab.pair(WHOLE) == lab.pair(WHOLE)
    assert len(lab.run) == 2, "measured once"
    assert Lab(tmp_path, monkeypatch)._kept(WHOLE), "what was measured is kept for the next time"


def test_verdicts_are_used_if_the_same_hazards_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, hazards in enumerate((("ksm",), BUG.hazards)):
        for name, inputs in INPUTS.items():
            one = of_inputs(inputs, f"7.3.4-{name}", CHECK, icount=False, cpus=2)
            one.run_id = f"{number}{name:0>11}"[:12]
            one.verdicts = [Verdict(Hazard(hazard), "fine", "x") for hazard in hazards]
            save(one, tmp_path)
        assert bool(Lab(tmp_path, monkeypatch)._kept(BUG)) is bool(number)


def test_the_time_is_said_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "_is_built", lambda _side: False)
    monkeypatch.setattr(pairs, "_has_tree", lambda: True)
    text = Lab(tmp_path, monkeypatch).missing_work([WHOLE, SPLIT])
    assert text.startswith("2 kernels are built and 4 guests booted: about "), "of the test both pairs have one series"
    monkeypatch.setattr(pairs, "_has_tree", lambda: False)
    longer = Lab(tmp_path, monkeypatch).missing_work([WHOLE])
    assert int(longer.split()[-2]) > int(text.split()[-2])


def test_a_guest_that_did_not_end_is_no_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(tmp_path, monkeypatch)

    def panics(cell: Cell) -> Result:
        return guest_result(cell.kernel.release, {}, outcome="panic", why="Kernel panic", options={"set": "quick"})

    monkeypatch.setattr(pairs, "run_cell", panics)
    with pytest.raises(GcprotoError, match=r"the guest of 7\.3\.4-stock ended: panic"):
        lab.pair(WHOLE)


def test_the_command_says_the_time_first_and_keeps_what_it_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = whole()
    monkeypatch.setattr(Guests, "lacking", lambda _self: None)
    monkeypatch.setattr(Guests, "missing_work", lambda _self, asked: f"{len(list(asked))} pairs")
    monkeypatch.setattr(Guests, "pair", lambda _self, pair: given.pair(pair))
    words = ["claims", "T11", "--kernels", "--json", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert "gcproto: for --kernels, 1 pairs" in done.stderr
    (claim,) = msgspec.json.decode(done.stdout, type=Result).claims
    assert (claim.key, claim.judgement) == ("T11", "confirmed")
    assert load(next(tmp_path.glob("claims-*.json"))).claims == [claim]


@pytest.mark.needs("qemu", "kernel_tools", "kernel_source", "static")
def test_the_command_judges_from_kernels_with_the_inputs_of_this_machine(tmp_path: Path) -> None:
    """The whole command, with this machine's compiler and source and our patches. Only the guests ran before."""
    guests = Guests(lambda _what: None, tmp_path)
    for side, one in zip(guests._sides(WHOLE), whole().given["series"], strict=True):
        known = of_inputs(side.inputs, f"7.3.4-{side.name}")
        known.measurements += one.measurements[1:]
        save(known, tmp_path)
    command = [sys.executable, "-m", "gcproto", "claims", "T11", "--kernels", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "for --kernels, nothing is built or booted: earlier results are of the same kernels" in done.stderr
    assert re.search(r"T11 +confirmed", done.stdout)
    assert "672 of 672 split" in " ".join(done.stdout.split())
    (claim,) = load(next(tmp_path.glob("claims-*.json"))).claims
    assert (claim.key, claim.judgement) == ("T11", "confirmed")


def test_without_qemu_the_three_are_skipped_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Guests, "lacking", lambda _self: Skip("kernels", "no QEMU", "apt-get install qemu-system-x86"))
    words = ["claims", "T3", "T11", "T15", "--kernels", "--json", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert done.exit_code == 3
    assert "claim T3 can't be judged here: no QEMU (what to do: apt-get install qemu-system-x86)" in done.stderr
    found = msgspec.json.decode(done.stdout, type=Result)
    assert {claim.judgement for claim in found.claims} == {"not testable here"}
    assert [skip.reason for skip in found.skips] == ["no QEMU"] * 3


def test_the_folders_of_patches_are_there() -> None:
    for pair in (BUG, WHOLE, SPLIT):
        without, changed = pair.folders
        assert changed[: len(without)] == without
        assert all(list(folder.glob("*.patch")) for folder in changed)
        assert len(set(pair.names)) == 2
        assert pair.sets[0] in pairs.GUEST
