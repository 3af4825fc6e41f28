"""The cost model: finds costs that made the data, checks itself on heaps it did not see, applies proposals as data."""

import json
import random
from pathlib import Path

import pytest

from gcproto.errors import GcprotoError
from gcproto.model.dispositions import dispositions
from gcproto.model.fit import (
    COPIED,
    COPY_CALL,
    DISCARDED,
    EBUSY,
    FRESH,
    MOVE_CALL,
    NEIGHBOURS,
    SCATTERED,
    SHOOT_DOWN,
    fit,
    row_of,
)
from gcproto.model.prediction import Heap, predict
from gcproto.model.proposals import PROPOSALS, load
from gcproto.results.schema import Collection, Measurement, Outcome, Result, Scenario
from gcproto.results.store import save
from tests.processes import run_gcproto as gcproto
from tests.result_maker import measurement, result

CALL, PAGE, NEIGHBOUR, SPLIT, COPY, THP, SHOT = 9000, 150, 80, 11000, 1000, 2500, 10_000


def cycle(rng: random.Random, order: int, policy: str, noise: float, threads: int = 1) -> Collection:
    """A collection whose time is the sum of what its dispositions cost."""
    pages = rng.randrange(4000, 9000) // 512 * 512
    copied = pages if policy == "copy-large" and order else 0
    moved = pages - copied
    whole = moved if order and policy not in {"split-ahead", "auto"} else 0
    ahead = policy in {"split-ahead", "auto"}
    split = whole >> order if order and order < 9 and not ahead else 0
    calls = rng.randrange(3, 30)
    ns = calls * CALL + copied * COPY + split * SPLIT
    ns += (moved >> 9) * THP if order == 9 else moved * (NEIGHBOUR if order else PAGE)
    if threads > 1:  # a batch for each call and page table, one for each folio that is split, and one at the split
        ns += SHOT * (2 * split or (moved >> 9 if order == 9 else calls + (moved >> 9) if moved else 0))
    did = {"move_calls": calls, "moved": moved, "whole": whole, "copied": copied, "copy_calls": 0, "ebusy": 0}
    did |= {"map_ns": round(ns * (1 + noise * rng.uniform(-1, 1))), "updated": pages, "built": 0, "slid": 0}
    return Collection(
        1,
        collector=did,
        splits={str(order): split} if split else {},
        phases={"compact": round(ns) + 400 * pages, "drain": 0, **({"split": 700 * pages} if ahead else {})},
    )


def made(noise: float = 0.02, seed: int = 1, threads: tuple[int, ...] = (1,), more: str = "split-ahead") -> Result:
    rng = random.Random(seed)
    found = []
    for workload in ("prefix", "sparse", "trees"):
        for order in (0, 4, 9):
            for policy in ("move", "copy-large", *([more] if order == 4 else [])):
                for live in threads:
                    scenario = Scenario(f"evacuate-{workload}", order, policy, 4096, "congruent", live, 8192)
                    one = measurement(scenario, [100.0] * 3)
                    one.collections = [[cycle(rng, order, policy, noise, live)] for _ in range(6)]
                    found.append(one)
    return result(found)


def test_costs_come_back() -> None:
    costs = fit(list(dispositions([made(noise=0.0)])))
    by_name = dict(zip(costs.names, costs.ns, strict=True))
    assert by_name["move call"] == pytest.approx(CALL, rel=0.02)
    assert by_name[SCATTERED] == pytest.approx(PAGE, rel=0.01)
    assert by_name["page copied"] == pytest.approx(COPY, rel=0.01)
    assert by_name["folio of order 9 moved"] == pytest.approx(THP, rel=0.05)
    # Folios that were split ahead tell the cost of a split from that of moving its pages.
    assert by_name[NEIGHBOURS] == pytest.approx(NEIGHBOUR, rel=0.02)
    assert by_name["split of order 4"] == pytest.approx(SPLIT, rel=0.02)


def test_the_cost_of_a_shoot_down_comes_back() -> None:
    found = predict([made(noise=0.0, threads=(1, 2))])
    assert found.costs[SHOOT_DOWN][0] == pytest.approx(SHOT, rel=0.02)
    assert found.costs["split of order 4"][0] == pytest.approx(SPLIT, rel=0.02)
    assert found.good == 1.0
    assert SHOOT_DOWN not in predict([made(noise=0.0)]).costs


def test_the_parts_are_what_is_predicted_and_say_why_auto_is_faster() -> None:
    found = predict([made(threads=(1, 2), more="auto")])
    for heap in found.heaps:
        assert sum(heap.parts.values()) == pytest.approx(heap.predicted)
        assert ("shoot-downs" in heap.parts) == (heap.threads > 1 and moves(heap))
    assert {(one.workload, one.memory_order, one.threads) for one in found.reasons} == {
        (workload, 4, threads) for workload in ("prefix", "sparse", "trees") for threads in (1, 2)
    }
    alone, beside = (one for one in found.reasons if one.workload == "trees")
    assert alone.parts["splits"][0] == pytest.approx(SPLIT / 16, rel=0.05)
    assert alone.parts["splits"][1] == 0
    assert beside.parts["shoot-downs"][0] == pytest.approx(2 * SHOT / 16, rel=0.05)
    assert beside.parts["shoot-downs"][0] > 10 * beside.parts["shoot-downs"][1] > 0
    assert beside.evacuation[0] / beside.evacuation[1] > alone.evacuation[0] / alone.evacuation[1] > 1.3
    assert alone.ahead == pytest.approx(700)


def moves(heap: Heap) -> bool:
    """Of small folios nothing is copied, whatever the policy."""
    return heap.policy != "copy-large" or heap.memory_order == 0


def test_one_collection_that_others_drew_out_changes_little() -> None:
    document = made()
    for one in document.measurements:
        one.collections[2][0].collector["map_ns"] *= 5
    found = predict([document])
    assert found.costs["split of order 4"][0] == pytest.approx(SPLIT, rel=0.1)
    assert found.costs[COPIED][0] == pytest.approx(COPY, rel=0.05)


def path(arm: str, median: float, *, source: str = "small", **counts: int) -> Measurement:
    """Ten rounds of 2048 pages in calls of 64 KiB; counts are of one of them."""
    scenario = Scenario(source, 0, arm, 64 << 10, "congruent", 1, 2048)
    one = measurement(scenario, [median] * 10)
    one.outcome = Outcome(**{name: 10 * count for name, count in counts.items()})
    return one


def test_copies_discards_and_refusals_of_paths() -> None:
    paths = [
        path("move", 150, moved=2048, calls=128),
        path("copy", 1000, copied=2048, calls=128),
        path("copy_discard", 1250, copied=2048, calls=129),
        path("move", 900, source="pinned", ebusy=2048, left=2048, calls=2048),
        path("move_fallback", 1900, source="pinned", ebusy=2048, copied_after_ebusy=2048, calls=4096),
    ]
    found = list(dispositions([result(paths)]))
    rows = [row_of(one) for one in found[::10]]
    assert rows[0] == {MOVE_CALL: 128, FRESH + NEIGHBOURS: 2048}
    assert rows[1] == {COPY_CALL: 128, FRESH + COPIED: 2048}
    assert rows[2] == {COPY_CALL: 128, FRESH + COPIED: 2048, DISCARDED: 2048}
    assert rows[3] == {EBUSY: 2048}
    assert rows[4] == {EBUSY: 2048, COPY_CALL: 2048, FRESH + COPIED: 2048}
    costs = fit(found)
    by_name = dict(zip(costs.names, costs.ns, strict=True))
    assert by_name[DISCARDED] == pytest.approx(250, rel=0.05)
    assert by_name[EBUSY] == pytest.approx(900, rel=0.05)


def test_heaps_that_were_not_fitted_on_are_predicted() -> None:
    found = predict([made()])
    assert found.good == 1.0
    assert {heap.workload for heap in found.heaps if not heap.fitted} == {"trees"}
    assert all(low <= middle <= high for middle, low, high in found.costs.values())


def test_a_heap_that_costs_otherwise_is_no_success() -> None:
    document = made()
    for one in document.measurements:
        if "trees" in one.scenario.source:
            for some in one.collections:
                some[0].collector["map_ns"] *= 2
    assert predict([document]).good == 0.0


def test_what_was_split_ahead_is_not_in_the_ioctls() -> None:
    document = made()
    for one in document.measurements:
        for some in one.collections:
            some[0].phases["split"] = 1
    assert all(not one.split for one in dispositions([document]))


def test_whole_folios_cost_no_split() -> None:
    found = predict([made()], PROPOSALS["whole-folio"])
    heaps = {(heap.workload, heap.memory_order, heap.policy): heap for heap in found.heaps}
    mthp, small = heaps["trees", 4, "move"], heaps["trees", 0, "move"]
    assert mthp.proposed is not None
    assert mthp.low is not None
    assert mthp.high is not None
    assert mthp.low <= mthp.proposed <= mthp.high
    assert mthp.proposed < mthp.predicted / 4
    assert small.proposed == pytest.approx(small.predicted)


def test_a_split_that_is_spared_spares_its_shoot_downs() -> None:
    row = {"split of order 4": 100.0, NEIGHBOURS: 1600.0, MOVE_CALL: 3.0, SHOOT_DOWN: 200.0}
    assert PROPOSALS["whole-folio"].applied(row, 0)[SHOOT_DOWN] == 3.0
    assert PROPOSALS["batch-across-folios"].applied(row, 0)[SHOOT_DOWN] == 200.0


def test_proposals_are_data(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"name": "mine", "text": "half the splits", "splits_kept": [0.5, 0.5]}))
    mine = load(str(file))
    row = {"split of order 4": 10.0, NEIGHBOURS: 400.0, "move call": 1.0}
    assert mine.applied(row, 0) == {"split of order 4": 5.0, NEIGHBOURS: 400.0, "move call": 1.0}
    busy = PROPOSALS["unmapped-split"].applied({"EBUSY call": 10.0, "page copied": 10.0, "copy call": 10.0}, 0)
    assert busy == {"EBUSY call": 0.0, "page copied": 0.0, "copy call": 0.0, NEIGHBOURS: 10.0}
    file.write_text('{"name": "mine", "text": "x", "splits": 3}')
    for text in (str(file), "nothing"):
        with pytest.raises(GcprotoError, match="no proposal"):
            load(text)


def test_too_little_is_said() -> None:
    document = made()
    for one in document.measurements:
        one.collections = one.collections[:1]
    with pytest.raises(GcprotoError, match="too few"):
        predict([document])
    with pytest.raises(GcprotoError, match="no collections"):
        predict([result([])])


def test_rows_leave_out_what_did_not_happen() -> None:
    one = next(dispositions([made()]))
    assert set(row_of(one)) == {"move call", SCATTERED}


def test_the_command(tmp_path: Path) -> None:
    path = save(made(), tmp_path)
    done = gcproto("predict", str(path), "--proposal", "whole-folio", "--fail-below", "0.9")
    assert done.returncode == 0, done.stderr
    assert "100% of the heaps" in done.stdout
    assert "split of order 4" in done.stdout
    assert "Where the predicted time goes" in done.stdout
    answer = json.loads(gcproto("predict", str(path), "--json").stdout)
    assert answer["good"] == 1.0
    assert sum(answer["heaps"][0]["parts"].values()) == pytest.approx(answer["heaps"][0]["predicted"])
    assert gcproto("predict", str(path), "--proposal", "x").returncode == 2


@pytest.mark.needs("move", "mthp", "pfn")
@pytest.mark.timeout(200)
def test_real_collections_are_fitted(tmp_path: Path) -> None:
    gcproto(
        *(
            "gc",
            "policies",
            "--live",
            "8m",
            "--runs",
            "6",
            "--workloads",
            "prefix,sparse,trees",
            "--memory",
            "small,64k",
        ),
        *("--policies", "move,copy-large,split-ahead", "--out", str(tmp_path)),
        timeout=180,
    )
    answer = json.loads(gcproto("predict", str(next(tmp_path.glob("*.json"))), "--json").stdout)
    assert answer["costs"]["split of order 4"][0] > answer["costs"][SCATTERED][0]
    assert answer["good"] is not None
