"""The cost model: finds costs that made the data, checks itself on heaps it did not see, applies proposals as data."""

import json
import random
from pathlib import Path

import pytest

from gcproto.errors import GcprotoError
from gcproto.experiments.paths.grid import Choice, build
from gcproto.host.machine import machine
from gcproto.model.dispositions import dispositions, left_out, objection
from gcproto.model.fit import Costs, fit, row_of
from gcproto.model.kinds import (
    COPIED,
    COPY_CALL,
    DISCARDED,
    EBUSY,
    GROUPS,
    MOVE_CALL,
    NEIGHBOURS,
    SCATTERED,
    SHOOT_DOWN,
    Kind,
    What,
)
from gcproto.model.prediction import Heap, predict
from gcproto.model.proposals import PROPOSALS, load
from gcproto.results import names
from gcproto.results.documents import schema_of
from gcproto.results.schema import (
    CONGRUENT,
    MEMORY,
    SHUFFLED,
    SKEWED,
    Collection,
    CollectorAccount,
    Measurement,
    Outcome,
    PathScenario,
    Phases,
    PolicyFigures,
    PolicyScenario,
    Result,
    WorkloadFigures,
    with_fields,
)
from gcproto.results.store import save
from tests.support.heap_results import heap_scenario
from tests.support.policy_results import policy_scenario
from tests.support.processes import run_gcproto as gcproto
from tests.support.result_maker import measurement, result, scenario

SPLIT_64K = Kind(What.SPLIT, 4)
FRESH_PAGE, FRESH_COPIED = Kind(What.NEIGHBOURS, fresh=True), Kind(What.COPIED, fresh=True)
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
    did = CollectorAccount(
        move_calls=calls,
        moved=moved,
        whole=whole,
        copied=copied,
        map_ns=round(ns * (1 + noise * rng.uniform(-1, 1))),
        updated=pages,
    )
    return Collection(
        1,
        collector=did,
        splits={order: split} if split else {},
        phases=Phases(compact=round(ns) + 400 * pages, split=700 * pages if ahead else 0),
    )


def heap(asked: PolicyScenario, cycles: list[Collection]) -> Measurement:
    """A heap that was evacuated so often."""
    return measurement(asked, [100.0] * 3, PolicyFigures(collections=[[one] for one in cycles]))


def cycles_of(document: Result) -> list[Collection]:
    """All collections of all heaps."""
    figures = [one.figures for one in document.measurements]
    return [cycle for one in figures if isinstance(one, PolicyFigures) for some in one.collections for cycle in some]


def made(noise: float = 0.02, seed: int = 1, threads: tuple[int, ...] = (1,), more: str = "split-ahead") -> Result:
    rng = random.Random(seed)
    found = []
    for workload in ("prefix", "sparse", "trees"):
        for order in (0, 4, 9):
            for policy in ("move", "copy-large", *([more] if order == 4 else [])):
                for live in threads:
                    asked = policy_scenario(policy, workload, order, threads=live)
                    found.append(heap(asked, [cycle(rng, order, policy, noise, live) for _ in range(6)]))
    return result(found)


def ns_of(costs: Costs) -> dict[Kind, float]:
    return dict(zip(costs.kinds, costs.ns, strict=True))


def test_costs_come_back() -> None:
    found = ns_of(fit(list(dispositions([made(noise=0.0)]))))
    assert found[MOVE_CALL] == pytest.approx(CALL, rel=0.02)
    assert found[SCATTERED] == pytest.approx(PAGE, rel=0.01)
    assert found[COPIED] == pytest.approx(COPY, rel=0.01)
    assert found[Kind(What.WHOLE, 9)] == pytest.approx(THP, rel=0.05)
    # Folios that were split ahead tell the cost of a split from that of moving its pages.
    assert found[NEIGHBOURS] == pytest.approx(NEIGHBOUR, rel=0.02)
    assert found[SPLIT_64K] == pytest.approx(SPLIT, rel=0.02)


def test_the_cost_of_a_shoot_down_comes_back() -> None:
    found = predict([made(noise=0.0, threads=(1, 2))])
    assert found.costs[SHOOT_DOWN.name][0] == pytest.approx(SHOT, rel=0.02)
    assert found.costs[SPLIT_64K.name][0] == pytest.approx(SPLIT, rel=0.02)
    assert found.good == 1.0
    assert SHOOT_DOWN.name not in predict([made(noise=0.0)]).costs


def test_the_parts_are_what_is_predicted_and_say_why_auto_is_faster() -> None:
    found = predict([made(threads=(1, 2), more="auto")])
    for one in found.heaps:
        assert sum(one.parts.values()) == pytest.approx(one.predicted)
        assert ("shoot-downs" in one.parts) == (one.threads > 1 and moves(one))
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


def moves(one: Heap) -> bool:
    """Of small folios nothing is copied, whatever the policy."""
    return one.policy != "copy-large" or one.memory_order == 0


def test_one_collection_that_others_drew_out_changes_little() -> None:
    document = made()
    for one in cycles_of(document)[2::6]:
        one.collector.map_ns *= 5
    found = predict([document])
    assert found.costs[SPLIT_64K.name][0] == pytest.approx(SPLIT, rel=0.1)
    assert found.costs[COPIED.name][0] == pytest.approx(COPY, rel=0.05)


def path(arm: str, median: float, *, source: str = "small", **counts: int) -> Measurement:
    """Ten rounds of 2048 pages in calls of 64 KiB; counts are of one of them."""
    one = measurement(scenario(arm, 64 << 10, source, pages=2048), [median] * 10)
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
    assert rows[0] == {MOVE_CALL: 128, FRESH_PAGE: 2048}
    assert rows[1] == {COPY_CALL: 128, FRESH_COPIED: 2048}
    assert rows[2] == {COPY_CALL: 128, FRESH_COPIED: 2048, DISCARDED: 2048}
    assert rows[3] == {EBUSY: 2048}
    assert rows[4] == {EBUSY: 2048, COPY_CALL: 2048, FRESH_COPIED: 2048}
    costs = ns_of(fit(found))
    assert costs[DISCARDED] == pytest.approx(250, rel=0.05)
    assert costs[EBUSY] == pytest.approx(900, rel=0.05)


@pytest.mark.needs("mthp")
def test_the_model_has_the_paths_that_are_measured_for_it() -> None:
    """What ``gcproto predict`` asks of the path lab is not omitted, whatever the grid says of its memory."""
    choice = Choice(
        sources=["small", "mthp-64k", "thp"], arms=["move", "copy", "copy_discard"], granules=["64k"], threads=[1, 2]
    )
    asked = [one for one in build(choice, machine()) if one.alignment == CONGRUENT and one.arm != "canary"]
    assert len(asked) > 10
    assert {objection(measurement(one, [100.0] * 5)) for one in asked} == {""}


def test_an_aa_pair_is_one_path() -> None:
    """The second member has no weight of its own in the fit."""
    first = path("move", 150, moved=2048, calls=128)
    second = path("move", 150, moved=2048, calls=128)
    second.scenario = with_fields(first.scenario, replica=1)
    assert {one.scenario for one in dispositions([result([first, second])])} == {first.scenario}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"working_set": MEMORY}, "were just written"),
        ({"frames": SHUFFLED}, "page frames in any order"),
        ({"alignment": SKEWED}, "aligned ranges"),
        ({"source": "pinned", "order": 9}, "before it refuses it is unknown"),
        ({"source": "swapped"}, "no such arm or source"),
        ({"arm": "mremap"}, "no such arm or source"),
    ],
)
def test_a_path_that_the_model_does_not_have_is_left_out_and_said(fields: dict[str, object], why: str) -> None:
    one = path("move", 150, moved=2048, calls=128)
    assert isinstance(one.scenario, PathScenario)
    assert left_out([result([one])]) == []
    one.scenario = with_fields(one.scenario, **fields)
    document = result([one])
    assert list(dispositions([document])) == []
    (skip,) = left_out([document])
    assert why in skip.reason
    assert skip.what == names.scenario(one.scenario, 4096)


def test_what_is_no_time_no_standing_heap_or_unsound_is_left_out_and_said() -> None:
    rng = random.Random(1)
    counted, invalid, system, remapped = (
        heap(policy_scenario("move", "trees", order), [cycle(rng, 0, "move", 0.0)]) for order in (0, 4, None, 9)
    )
    counted.unit = "instructions/page"
    invalid.valid = False
    cycles_of(result([remapped]))[0].collector.remapped = 5
    beside = measurement(heap_scenario("move"), [1.0] * 3, WorkloadFigures(), "ns/operation")
    document = result([counted, invalid, system, remapped, beside])
    assert list(dispositions([document])) == []
    reasons = [skip.reason for skip in left_out([document])]
    assert [word in reason for word, reason in zip(
        ("instructions/page", "invalid", "orders of its folios", "no mremap", "without mutators"), reasons, strict=True
    )] == [True] * 5  # fmt: skip
    found = predict([made(), document])
    assert len(found.heaps) == len(predict([made()]).heaps)
    assert [one.reason for one in found.left_out] == reasons


def test_heaps_that_differ_in_anything_are_predicted_apart() -> None:
    """Half of a heap swapped out, or another answer to EBUSY, is another heap."""
    rng = random.Random(3)
    document = made()
    others = [
        policy_scenario("move", order=4, swapped_permille=500, device="loop"),
        policy_scenario("move", order=4, swapped_permille=500, device="loop", ebusy="touch"),
        policy_scenario("move", order=4, collections=3),
    ]
    document.measurements += [heap(asked, [cycle(rng, 4, "move", 0.0) for _ in range(3)]) for asked in others]
    heaps = {one.scenario: one for one in predict([document]).heaps}
    assert {policy_scenario("move", order=4), *others} <= heaps.keys()
    assert len(heaps[policy_scenario("move", order=4)].errors) == 6


def test_one_model_is_of_one_kernel_on_one_machine() -> None:
    other = made(seed=2)
    predict([made(), other])
    other.environment["kernel"] = {"release": "7.3.4"}
    with pytest.raises(GcprotoError, match="several kernels"):
        predict([made(), other])
    other.environment |= {"kernel": {"release": "6.18.44"}, "cpu": {"model": "another"}}
    with pytest.raises(GcprotoError, match="several processors"):
        predict([made(), other])
    other.measurements = []
    predict([made(), other])


def test_heaps_that_were_not_fitted_on_are_predicted() -> None:
    found = predict([made()])
    assert found.good == 1.0
    assert {one.workload for one in found.heaps if not one.fitted} == {"trees"}
    assert all(low <= middle <= high for middle, low, high in found.costs.values())


def test_a_heap_that_costs_otherwise_is_no_success() -> None:
    document = made()
    trees = [one for one in document.measurements if one.scenario == with_fields(one.scenario, workload="trees")]
    for one in cycles_of(result(trees)):
        one.collector.map_ns *= 2
    assert predict([document]).good == 0.0


def test_what_was_split_ahead_is_not_in_the_ioctls() -> None:
    document = made()
    for one in cycles_of(document):
        one.phases.split = 1
    assert all(not one.split for one in dispositions([document]))


def test_whole_folios_cost_no_split() -> None:
    found = predict([made()], PROPOSALS["whole-folio"])
    heaps = {one.scenario: one for one in found.heaps}
    mthp, small = (heaps[policy_scenario("move", order=order)] for order in (4, 0))
    assert mthp.proposed is not None
    assert mthp.low is not None
    assert mthp.high is not None
    assert mthp.low <= mthp.proposed <= mthp.high
    assert mthp.proposed < mthp.predicted / 4
    assert small.proposed == pytest.approx(small.predicted)


def test_a_split_that_is_spared_spares_its_shoot_downs() -> None:
    row = {SPLIT_64K: 100.0, NEIGHBOURS: 1600.0, MOVE_CALL: 3.0, SHOOT_DOWN: 200.0}
    assert PROPOSALS["whole-folio"].applied(row, 0)[SHOOT_DOWN] == 3.0
    assert PROPOSALS["batch-across-folios"].applied(row, 0)[SHOOT_DOWN] == 200.0


def test_proposals_are_data(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"name": "mine", "text": "half the splits", "splits_kept": [0.5, 0.5]}))
    mine = load(str(file))
    row = {SPLIT_64K: 10.0, NEIGHBOURS: 400.0, MOVE_CALL: 1.0}
    assert mine.applied(row, 0) == {SPLIT_64K: 5.0, NEIGHBOURS: 400.0, MOVE_CALL: 1.0}
    freed = PROPOSALS["whole-folio"].applied({SPLIT_64K: 10.0, NEIGHBOURS: 400.0}, 0)
    assert freed == {SPLIT_64K: 0.0, NEIGHBOURS: pytest.approx(400 - 0.6 * 160)}
    busy = PROPOSALS["unmapped-split"].applied({EBUSY: 10.0, COPIED: 10.0, COPY_CALL: 10.0}, 0)
    assert busy == {EBUSY: 0.0, COPIED: 0.0, COPY_CALL: 0.0, NEIGHBOURS: 10.0}
    busy = PROPOSALS["unmapped-split"].applied({EBUSY: 20.0, COPIED: 20.0, COPY_CALL: 20.0, SPLIT_64K: 3.0}, 1)
    assert busy[SPLIT_64K] == 4.0, "sixteen pages that were refused are a folio that is split"
    file.write_text('{"name": "mine", "text": "x", "splits": 3}')
    for text in (str(file), "nothing"):
        with pytest.raises(GcprotoError, match=r"is neither a known proposal nor a file|is not a usable proposal"):
            load(text)


def test_too_little_is_said() -> None:
    document = made()
    for one in document.measurements:
        assert isinstance(one.figures, PolicyFigures)
        one.figures.collections = one.figures.collections[:1]
    with pytest.raises(GcprotoError, match="too few"):
        predict([document])
    with pytest.raises(GcprotoError, match="no collections"):
        predict([result([])])


def test_rows_leave_out_what_did_not_happen() -> None:
    one = next(dispositions([made()]))
    assert set(row_of(one)) == {MOVE_CALL, SCATTERED}


def test_every_kind_has_a_name_and_a_group() -> None:
    kinds = [Kind(what, order) for what in What for order in ((4, 9) if what in {What.WHOLE, What.SPLIT} else (0,))]
    assert len({kind.name for kind in kinds} | {Kind(What.SPLIT, 4, fresh=True).name}) == len(kinds) + 1
    assert {kind.group for kind in kinds} == set(GROUPS)
    assert Kind(What.SPLIT, 4, fresh=True).name == "fresh split of order 4"


def test_the_command(tmp_path: Path) -> None:
    path = save(made(), tmp_path)
    done = gcproto("predict", str(path), "--proposal", "whole-folio", "--fail-below", "0.9")
    assert done.returncode == 0, done.stderr
    assert "of 7 rows that the costs were not fitted on, 7 agree to 15%" in " ".join(done.stdout.split())
    assert "split of order 4" in done.stdout
    assert "Where the predicted time goes" in done.stdout
    answer = json.loads(gcproto("predict", str(path), "--json").stdout)
    assert answer["schema"] == schema_of("predict")
    assert answer["good"] == 1.0
    assert answer["left_out"] == []
    assert answer["heaps"][0]["scenario"]["kind"] == "policy"
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
            "--rounds",
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
    assert answer["costs"][SPLIT_64K.name][0] > answer["costs"][SCATTERED.name][0]
    assert answer["good"] is not None


@pytest.mark.parametrize(
    "fields",
    [
        '"splits_kept":[0.5,1e308]',
        '"page_cost":[-3,-3]',
        '"split_cost":[9,0.1]',
        '"ebusy_kept":[0,2]',
        '"ebusy_split":[0,1]',
        '"name":" "',
    ],
)
def test_proposals_that_can_not_be_meant(fields: str, tmp_path: Path) -> None:
    file = tmp_path / "proposal.json"
    named = "" if '"name"' in fields else '"name":"x",'
    file.write_text(f'{{{named}"text":"t",{fields}}}')
    with pytest.raises(GcprotoError, match="is not a usable proposal"):
        load(str(file))
