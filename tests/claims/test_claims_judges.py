"""The judges of the thread's claims: what confirms, what holds in part, what refutes, what can't be told."""

from dataclasses import replace
from typing import Any

import pytest

from gcproto import contract
from gcproto.claims.evidence import EBUSY_ANSWERS
from gcproto.claims.finding import Finding
from gcproto.claims.rows import CLAIMS
from gcproto.claims.sound import Rows
from gcproto.contract import RowResult
from gcproto.known.bugs import State
from gcproto.results.schema import (
    CONGRUENT,
    SKEWED,
    Collection,
    CollectorAccount,
    InvalidRound,
    Judgement,
    Measurement,
    ModeOptions,
    PathFigures,
    PolicyFigures,
    WorkloadFigures,
)
from tests.support.claim_maker import PMD, ROUNDS, Made, found_of, invalid, judgement, made, survey
from tests.support.heap_results import heap_scenario
from tests.support.policy_results import policy_scenario
from tests.support.result_maker import scenario


def present(**move: Any) -> Made:
    """Small folios and 64 KiB mTHPs that are moved, one of which may be otherwise."""
    counts: dict[str, Any] = {"pfn_kept": 1024 * ROUNDS, "moved": 1024 * ROUNDS, "asked": 1024 * ROUNDS}
    other = {name: value for name, value in move.items() if name != "median"}
    return Made(
        present=[
            made(scenario("move", PMD), 80.0, **counts),
            made(scenario("move", PMD, "mthp", order=4), move.get("median", 800.0), **(counts | other)),
            made(scenario("copy", PMD), 700.0, copied=1024),
        ]
    )


def test_a_frame_that_changed_refutes_that_nothing_is_copied() -> None:
    assert judgement("T1", present()) == "confirmed"
    assert judgement("T1", present(pfn_kept=1024 * ROUNDS - 1, pfn_changed=1)) == "refuted"
    assert judgement("T1", Made()) == "not testable here"


def test_without_page_frame_numbers_only_the_cost_speaks() -> None:
    evidence = present()
    for one in evidence.given["present"]:
        one.proof.level, one.proof.pfn_kept = "state", 0
    assert found_of("T1", evidence).why == "page frame numbers can't be read here, so only the cost supports it"
    assert judgement("T1", evidence) == "in part"
    evidence.given["present"][2] = made(scenario("copy", PMD), 80.0, copied=1024)
    assert judgement("T1", evidence) == "not testable here"


def test_an_invalid_measurement_never_confirms() -> None:
    evidence = present()
    invalid(evidence.given["present"][1])
    assert judgement("T1", evidence) == "in part", "one of the sizes"
    invalid(evidence.given["present"][0])
    assert found_of("T1", evidence) == Finding(
        "not testable here", "", "INVALID: too many rounds prove nothing: page 3 is elsewhere"
    )


@pytest.mark.parametrize(
    ("after", "lost", "expected"), [(512, 0, "confirmed"), (511, 0, "refuted"), (512, 1, "in part")]
)
def test_a_page_that_was_read_in_refutes_that_entries_are_copied(after: int, lost: int, expected: str) -> None:
    move = made(scenario("move", source="swapped"), 320.0, swapped_before=512, swapped_after=after, asked=512)
    move.invalid_rounds = [InvalidRound(1, 0.0, "x")] * lost
    copy = made(scenario("copy", source="swapped"), 9000.0, copied=512)
    assert judgement("T2", Made(swapped=[move, copy])) == expected
    large = made(scenario("move", source="swapped", order=4), 320.0, swapped_before=512, swapped_after=100, asked=512)
    assert judgement("T2", Made(swapped=[move, copy, large])) == "refuted"


@pytest.mark.parametrize(
    ("moved", "cached", "expected"),
    [(512, 512, "confirmed"), (511, 512, "refuted"), (512, 100, "not testable here"), (512, 0, "not testable here")],
)
def test_one_page_that_stays_refutes_always(moved: int, cached: int, expected: str) -> None:
    """Only pages that were in the swap cache count."""
    move = made(scenario("move", source="swapcache"), asked=512, moved=moved, cached_before=cached)
    assert judgement("T4", Made(swapped=[move])) == expected
    assert judgement("T4", Made(swapped=[invalid(move)])) == "not testable here"


def test_what_small_folios_do_is_said_of_the_rounds_tried() -> None:
    """Rounds with one thread are not "always"."""
    move = made(scenario("move", source="swapcache"), asked=512, moved=512, cached_before=512)
    move.proof.rounds = 9
    assert found_of("T4", Made(swapped=[move])).figures == (
        "512 of 512 pages that were in the swap cache moved, EBUSY 0, in the 9 rounds tried, with one thread"
    )
    (text,) = (one.text for one in CLAIMS if one.key == "T4")
    assert text.endswith("in the rounds tried, with one thread")


def folios(**split: int) -> Made:
    """Moves of large folios; how many of 32 are split, by source and granule."""
    some = []
    for source, order in (("mthp", 4), ("thp", 9)):
        for granule, name in ((65536, "64k"), (PMD, "2m")):
            counts: dict[str, Any] = {"folios": 32, "folios_split": split.get(f"{source}_{name}", 32), "moved": 512}
            some.append(made(scenario("move", granule, source, order=order), **counts))
    return Made(present=some)


def test_whatever_was_asked_for_means_whole_folios_too() -> None:
    """The old judge asked for 64 KiB only, and never saw the THP that moves whole."""
    assert judgement("T6", folios()) == "confirmed"
    finding = found_of("T6", folios(thp_2m=0))
    assert finding.judgement == "in part"
    assert finding.why == "not 2M THP, 2M a call, which moves whole"
    assert judgement("T6", folios(mthp_64k=0, mthp_2m=0, thp_64k=0, thp_2m=0)) == "refuted"
    assert judgement("T6", Made(present=[made(scenario("move", PMD), moved=512)])) == "not testable here"


def test_sizes_are_written_one_way() -> None:
    """The folios of a line were 1M, and the cost of splitting them stood behind 1024K."""
    evidence = folios()
    split = made(scenario("split_move", PMD, "mthp", order=8), 800.0, PathFigures(split_part=640.0))
    evidence.given["present"].append(split)
    assert found_of("T6", evidence).figures.endswith("; the split alone, ns/page: 1M 640")


def test_rows_that_can_not_be_had_are_named_and_the_others_judged() -> None:
    skip, differs = contract.Verdict.SKIP, contract.Verdict.DIFFERS
    assert judgement("T7", Made()) == "confirmed"
    finding = found_of("T7", Made(rows={"swapcache-mthp": skip}))
    assert finding.judgement == "in part"
    assert "swapcache-mthp: seen" in finding.why
    assert judgement("T7", Made(rows={"swapcache-mthp": skip, "mthp-forked": differs})) == "refuted"
    every = dict.fromkeys((row.name for row in contract.rows()), skip)
    assert judgement("T7", Made(rows=every)) == "not testable here"
    assert Rows(Made(rows=every), "swapcache-mthp").none


def test_what_a_folio_that_is_held_answers_is_said_with_the_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract takes spinning until killed for a known bug, and its row for good; it is not EBUSY."""
    evidence = Made()
    assert "each tried once: mthp-pinned-page: seen; " in found_of("T7", evidence).figures
    rows = Made().rows

    def spinning(*names: str) -> list[RowResult]:
        spun = {"mthp-referenced": {"seconds": 10.0, "text": "MOVE spins", "attempts": 2}}
        return [replace(one, **spun.get(one.row.name, {})) for one in rows(*names)]  # type: ignore[arg-type]

    monkeypatch.setattr(evidence, "rows", spinning)
    finding = found_of("T7", evidence)
    assert (finding.judgement, finding.why) == ("in part", "no EBUSY, MOVE spins until it is killed: mthp-referenced")
    assert "each tried at most 2 times" in finding.figures


def cached(copy: float, touch: float, backoff: float, *, noise: float = 0.02, still_busy: int = 50) -> Made:
    """Heaps with half of their mTHPs in the swap cache, by what follows on EBUSY; ns a page."""
    some = []
    for answer, median in zip(EBUSY_ANSWERS, (copy, touch, backoff), strict=True):
        fallback = {"copy": 50, "touch": 0, "backoff": still_busy}[answer]
        figures = PolicyFigures(ebusy=50.0, fallback=float(fallback), swapped_before=1000.0, swapped_after=0.0)
        asked = policy_scenario("move", "arrays", 4, ebusy=answer, swapped_permille=500, device="loop")
        busy = 550 if answer == "backoff" else 50
        some.append(
            made(asked, median, figures, noise, asked=2050, moved=2000, copied_after_ebusy=fallback, ebusy=busy)
        )
    return Made(cached=some)


@pytest.mark.parametrize(
    ("copy", "touch", "backoff", "noise", "expected"),
    [
        (1081, 1007, 390_000, 0.01, "in part"),  # as it was published: better than waiting, worse than touching
        (1081, 1007, 390_000, 0.5, "in part"),  # the rounds can't tell it from touching
        (1000, 1300, 390_000, 0.02, "confirmed"),
        (1500, 1000, 1200, 0.02, "refuted"),
        (1000, 1001, 1000, 0.005, "refuted"),  # no difference at all is not an advantage
        (1000, 1010, 1020, 0.5, "not testable here"),
    ],
)
def test_early_ebusy_against_the_best_alternative(
    copy: float, touch: float, backoff: float, noise: float, expected: Judgement
) -> None:
    finding = found_of("T9", cached(copy, touch, backoff, noise=noise))
    assert finding.judgement == expected
    assert "touch" in finding.figures
    if expected == "in part":
        assert "waiting" in finding.why
        assert "copies nothing" in finding.why


def test_waiting_is_measured_where_it_is_claimed() -> None:
    assert judgement("T5", cached(1000, 1000, 390_000)) == "confirmed"
    finding = found_of("T5", cached(1000, 1000, 390_000, still_busy=20))
    assert (finding.judgement, finding.why) == ("in part", "waiting made 30 of 50 busy pages movable")
    assert judgement("T5", Made()) == "in part", "rows, and no heaps"
    evidence = cached(1000, 1000, 390_000)
    paths = [
        made(scenario(arm, source="swapcache", order=4), median, noise=0.3, copied_after_ebusy=0)
        for arm, median in (("move_fallback", 1010.0), ("copy", 1000.0))
    ]
    evidence.given["swapped"] = paths
    figures = found_of("T5", evidence).figures
    assert "Heaps, half of a heap of 64 KiB mTHPs in the swap cache: 50 pages in 15 rounds copied" in figures
    assert ". Paths, mTHPs of 64K in the swap cache, 64K a call, 15 rounds: trying MOVE first" in figures
    assert "no clear difference) the cost of copying at once" in figures
    evidence = cached(1000, 1000, 390_000)
    evidence.given["rows"] = {"swapcache-mthp": contract.Verdict.DIFFERS}
    assert judgement("T5", evidence) == "refuted"
    evidence.given["rows"] = dict.fromkeys((row.name for row in contract.rows()), contract.Verdict.SKIP)
    assert judgement("T5", evidence) == "not testable here"


def pins(left: int, copied: int, verified: int = 20) -> Made:
    bare = made(scenario("move", source="pinned"), 680.0, asked=512, left=left, ebusy=left, moved=512 - left)
    fallback = made(scenario("move_fallback", source="pinned"), 1900.0, asked=512, copied_after_ebusy=copied)
    heap = made(heap_scenario("move", options=ModeOptions(ebusy="copy")), 1.0, WorkloadFigures(verified=verified))
    return Made(refused=[bare, fallback], pinned=[heap])


def test_what_becomes_of_busy_pages_without_an_answer() -> None:
    """That user space must answer shows in the pages that stay, and not in a heap that does answer."""
    assert judgement("T8", pins(512, 512)) == "confirmed"
    assert judgement("T8", pins(0, 0)) == "refuted"
    assert judgement("T8", pins(512, 100)) == "refuted"
    assert judgement("T8", pins(512, 512, verified=0)) == "refuted"
    evidence = pins(512, 512)
    del evidence.given["pinned"]
    assert judgement("T8", evidence) == "in part"


def migrated(tao: float, copy: float, discard: float, noise: float = 0.02) -> Made:
    arms = {"tao": tao, "copy": copy, "copy_discard": discard, "split_move": 800.0}
    return Made(
        migrated=[
            made(scenario(arm, PMD, "mthp", order=4, threads=threads), median, noise=noise, moved=1024)
            for arm, median in arms.items()
            for threads in (1, 2)
        ]
    )


def test_the_guess_about_tao_can_be_wrong() -> None:
    """What is emulated confirms nothing, and the copy that costs more is not the alternative."""
    assert judgement("T10", migrated(1500, 700, 950)) == "in part"
    assert "emulated" in found_of("T10", migrated(1500, 700, 950)).why
    between = found_of("T10", migrated(800, 700, 950))
    assert between.judgement == "in part"
    assert "not against UFFDIO_COPY with the source discarded" in between.why
    assert judgement("T10", migrated(600, 700, 950)) == "refuted"
    assert judgement("T10", migrated(1000, 990, 1010, noise=0.5)) == "not testable here"


def test_splitting_first_has_its_figure_beside_a_second_thread() -> None:
    """It was omitted where migrating beside a second thread could not be compared."""
    evidence = migrated(1500, 700, 950)
    assert "split and move 800 beside a live thread" in found_of("T10", evidence).figures
    for one in evidence.given["migrated"]:
        if (one.scenario.arm, one.scenario.threads) == ("tao", 2):
            invalid(one)
        if (one.scenario.arm, one.scenario.threads) == ("split_move", 2):
            one.median = 2946.0
    figures = found_of("T10", evidence).figures
    assert "split and move 800; split and move 2946 beside a live thread" in figures


@pytest.mark.parametrize(("split", "expected"), [(0, "confirmed"), (10, "in part"), (32, "not testable here")])
def test_a_kernel_that_moves_mthps_whole_confirms_that_it_could(split: int, expected: str) -> None:
    assert judgement("T11", folios(mthp_64k=split)) == expected


def crossing(aligned: int, skewed: int) -> Made:
    """Of 1,920 mTHPs those that are split; 60 come to lie across two tables."""
    counts: dict[str, Any] = {"asked": 1920 * 16, "moved": 1920 * 16}
    return Made(
        skewed=[
            made(scenario("move", PMD, "mthp", order=4, alignment=one), folios=1920, folios_split=split, **counts)
            for one, split in ((CONGRUENT, aligned), (SKEWED, skewed))
        ]
        + [
            made(scenario("move", PMD, "thp", order=9, alignment=one), folios=60, folios_split=split, **counts)
            for one, split in ((CONGRUENT, 0), (SKEWED, 60))
        ]
    )


@pytest.mark.parametrize(
    ("aligned", "skewed", "expected"),
    [(1920, 1920, "in part"), (0, 60, "confirmed"), (0, 1920, "refuted")],
)
def test_a_corner_case_is_one_beside_what_is_aligned(aligned: int, skewed: int, expected: str) -> None:
    """A kernel that splits everything says nothing of folios that cross, though the old judge took it for a yes."""
    finding = found_of("T12", crossing(aligned, skewed))
    assert finding.judgement == expected
    assert "60 of 1920" in finding.figures


def parts(by_page: int, by_folio: int, move: float, copy: float, noise: float = 0.02) -> Made:
    def running(options: ModeOptions, count: int) -> Measurement:
        cycle = Collection(1, collector=CollectorAccount(moved=1000, part_skewed=count))
        return made(heap_scenario("art", options=options), 1.0, WorkloadFigures(collections=[[cycle]]))

    heaps = [
        made(policy_scenario(policy, "sparse", 4), median, PolicyFigures(), noise, moved=1000)
        for policy, median in (("move", move), ("copy-large", copy))
    ]
    return Made(running=[running(ModeOptions(), by_page), running(ModeOptions(granule=16), by_folio)], heaps=heaps)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (parts(900, 400, 700, 900), "confirmed"),
        (parts(900, 0, 700, 900), "in part"),
        (parts(900, 400, 900, 700), "in part"),
        (parts(900, 400, 700, 720, noise=0.4), "in part"),
        (parts(0, 0, 700, 900), "refuted"),
    ],
)
def test_parts_have_to_be_moved_if_neither_granules_nor_copies_do_without(evidence: Made, expected: str) -> None:
    assert judgement("T13", evidence) == expected


def granules(thp: float, mthp: float, could: float = 0.999) -> Made:
    def heap(workload: str, order: int, policy: str, went: float, median: float = 500.0) -> Measurement:
        figures = PolicyFigures(went_whole=went, could_go_whole=could, split_ns_page=900.0)
        return made(policy_scenario(policy, workload, order), median, figures, moved=1000)

    heaps = [heap("prefix", 9, "whole", thp), heap("sparse", 9, "whole", 0.68), heap("prefix", 4, "move", mthp)]
    return Made(heaps=[*heaps, heap("prefix", 0, "move", 0.0), heap("prefix", 4, "auto", 0.0, 300.0)])


@pytest.mark.parametrize(
    ("thp", "mthp", "expected"), [(0.996, 0.0, "in part"), (0.996, 0.95, "confirmed"), (0.4, 0.0, "refuted")]
)
def test_folios_are_not_thps_alone(thp: float, mthp: float, expected: str) -> None:
    finding = found_of("T14", granules(thp, mthp))
    assert finding.judgement == expected
    assert "99.6%" in finding.figures or thp != 0.996
    assert finding.figures.startswith("dense heap of THPs, 32M live, ")
    assert "900 ns/page of splitting before the flip" in finding.figures, "what auto does not count"


@pytest.mark.parametrize("key", ["T3", "T16"])
def test_what_an_unfixed_kernel_does_is_not_confirmed_by_a_fixed_one(key: str) -> None:
    expected = {"T3": ("not testable here",) * 3, "T16": ("in part", "not testable here", "not testable here")}
    for state, judged in zip((State.FIXED, State.BY_VERSION, None), expected[key], strict=True):
        evidence = Made()
        evidence.__dict__["survey"] = survey(state)
        finding = found_of(key, evidence)
        assert finding.judgement == judged
        assert finding.why
