"""The cost model: finds costs that made the data, checks itself on heaps it did not see, applies proposals as data."""

import json
import random
from pathlib import Path

import pytest

from gcproto.errors import GcprotoError
from gcproto.model.dispositions import dispositions
from gcproto.model.fit import NEIGHBOURS, SCATTERED, fit, row_of
from gcproto.model.prediction import predict
from gcproto.model.proposals import PROPOSALS, load
from gcproto.results.schema import Collection, Result, Scenario
from gcproto.results.store import save
from tests.processes import run_gcproto as gcproto
from tests.result_maker import measurement, result

CALL, PAGE, NEIGHBOUR, SPLIT, COPY, THP = 9000, 150, 80, 11000, 1000, 2500


def cycle(rng: random.Random, order: int, policy: str, noise: float) -> Collection:
    """A collection whose time is the sum of what its dispositions cost."""
    pages = rng.randrange(4000, 9000) // 512 * 512
    copied = pages if policy == "copy-large" and order else 0
    moved = pages - copied
    whole = moved if order and policy != "split-ahead" else 0
    ahead = policy == "split-ahead"
    split = whole >> order if order and order < 9 and not ahead else 0
    calls = rng.randrange(3, 30)
    ns = calls * CALL + copied * COPY + split * SPLIT
    ns += (moved >> 9) * THP if order == 9 else moved * (NEIGHBOUR if order else PAGE)
    did = {"move_calls": calls, "moved": moved, "whole": whole, "copied": copied, "copy_calls": 0, "ebusy": 0}
    did |= {"map_ns": round(ns * (1 + noise * rng.uniform(-1, 1))), "updated": pages, "built": 0, "slid": 0}
    return Collection(
        1,
        collector=did,
        splits={str(order): split} if split else {},
        phases={"compact": ns, **({"split": 1} if ahead else {})},
    )


def made(noise: float = 0.02, seed: int = 1) -> Result:
    rng = random.Random(seed)
    found = []
    for workload in ("prefix", "sparse", "trees"):
        for order in (0, 4, 9):
            for policy in ("move", "copy-large", *(["split-ahead"] if order == 4 else [])):
                scenario = Scenario(f"evacuate-{workload}", order, policy, 4096, "congruent", 1, 8192)
                one = measurement(scenario, [100.0] * 3)
                one.collections = [[cycle(rng, order, policy, noise)] for _ in range(6)]
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
    answer = json.loads(gcproto("predict", str(path), "--json").stdout)
    assert answer["good"] == 1.0
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
