"""Cells of a grid: how auto is judged against the best fixed mode."""

import pytest

from gcproto.results.heaps.cells import HeapCell, compared, floors_of, judge
from gcproto.results.schema import (
    InvalidRound,
    Measurement,
    Mmu,
    ModeOptions,
    Noise,
    Outcome,
    Proof,
    WorkloadFigures,
    WorkloadScenario,
    with_fields,
)
from gcproto.results.statistics import summarise

TIMES = [1.0, 1.01, 0.99, 1.0, 1.02]


def mode(name: str, factor: float, share: float = 0.5, *, valid: bool = True, replica: int = 0) -> Measurement:
    scenario = WorkloadScenario(
        "trees", name, ModeOptions(), "", "small", 0, 48 << 20, 16 << 20, 1, "own", replica=replica
    )
    shares = [share + 0.001 * at for at in range(len(TIMES))]
    made = Measurement(
        scenario=scenario,
        unit="ns/operation",
        samples=[one * factor for one in TIMES],
        rounds=list(range(1, len(TIMES) + 1)),
        warmup=[],
        median=None,
        ci=None,
        ratio_to_copy=None,
        valid=valid,
        invalid_rounds=[] if valid else [InvalidRound(6, 0.0, "lost")],
        proof=Proof(level="state", rounds=5),
        outcome=Outcome(),
        figures=WorkloadFigures(wall_ms=factor, mmu=[Mmu(10, shares[2], shares[0], shares)]),
        notes=[],
    )
    summarise([made])
    return made


def judged(*modes: Measurement, noise: Noise | None = None) -> "tuple[tuple[str, ...], bool]":
    (one,) = judge(compared(modes), 0.05, {"small": noise} if noise else {})
    return one.objections, one.better


def test_auto_that_is_faster_than_all_is_better() -> None:
    assert judged(mode("copy", 1.0), mode("move", 1.2), mode("auto", 0.9)) == ((), True)


def test_auto_within_the_limit_is_good_and_not_better() -> None:
    assert judged(mode("copy", 1.0), mode("auto", 1.04)) == ((), False)


def test_auto_beyond_the_limit_is_named_with_the_best_mode() -> None:
    objections, better = judged(mode("copy", 1.1), mode("move", 1.0), mode("auto", 1.2))
    assert not better
    assert len(objections) == 1
    assert "time 1.20x move" in objections[0]


def test_noise_excuses_what_it_covers() -> None:
    assert judged(mode("copy", 1.0), mode("auto", 1.08), noise=Noise([], 0.1)) == ((), False)


def test_noise_of_large_folios_excuses_nothing_elsewhere() -> None:
    def pair(memory: str, factor: float) -> list[Measurement]:
        found = [mode("copy", 1.0), mode("copy", factor, replica=1)]
        for one in found:
            one.scenario = with_fields(one.scenario, memory=memory)
        return found

    modes = [*pair("small", 1.01), *pair("2m", 1.4), mode("auto", 1.08)]
    floors = floors_of(modes)
    assert {memory: round(noise.floor, 3) for memory, noise in floors.items()} == {"small": 0.01, "2m": 0.4}
    small, large = judge(compared(modes), 0.05, floors)
    assert (small.cell.cell.memory, large.cell.cell.memory) == ("small", "2m")
    assert any("time 1.08x copy" in text for text in small.objections)


@pytest.mark.parametrize(("share", "bad"), [(0.46, False), (0.40, True)])
def test_the_share_of_the_worst_10_ms_is_judged_too(share: float, bad: bool) -> None:
    objections, _ = judged(mode("copy", 1.0), mode("auto", 0.9, share))
    assert bool(objections) == bad
    assert all("MMU10" in one for one in objections)


def test_an_invalid_mode_is_an_objection() -> None:
    objections, _ = judged(mode("copy", 1.0), mode("move", 1.0, valid=False), mode("auto", 0.9))
    assert objections == ("move INVALID",)


def test_a_cell_without_auto_proves_nothing() -> None:
    objections, better = judged(mode("copy", 1.0), mode("move", 1.0))
    assert objections
    assert not better


def test_the_second_member_of_a_pair_is_no_mode() -> None:
    (one,) = compared([mode("copy", 1.0), mode("copy", 0.5, replica=1), mode("auto", 0.9)])
    assert one.cell == HeapCell("trees", 1, "own", "small")
    assert one.modes["copy"].median == 1.0
