"""Young collections beside running mutators: nothing is lost under pins and errors; figures; the write barrier."""

import json
from pathlib import Path

import pytest

from gcproto._native import lib
from gcproto.collector.modes import MODES
from gcproto.experiments.session.request import Session, SessionLab, SessionRequest
from gcproto.experiments.session.run import run
from gcproto.experiments.workloads.kinds import kinds_of
from gcproto.results.schema import Collection, CollectorAccount, FaultAccount, ModeOptions, Pause, Phases
from tests.experiments.test_gc import assert_right, request
from tests.support.processes import run_gcproto as gcproto

pytestmark = [pytest.mark.needs("move"), pytest.mark.timeout(300)]

YOUNG = [name for name, mode in MODES.items() if mode.young]
MIB = 1 << 20


def of_young(done: Session) -> list[Collection]:
    return [one for one in done.collections if one.young]


def young_request(mode: str, **changes: object) -> SessionRequest:
    fields = {"workload": "prefix", "capacity": 16 * MIB, "options": ModeOptions(full_after=6), "operations": 20_000}
    return request(mode=mode, **(fields | changes))


@pytest.mark.parametrize("mode", YOUNG)
def test_old_pages_keep_their_place_and_the_graph_is_that_of_full_collections(mode: str) -> None:
    done = run(young_request(mode))
    assert_right(done)
    young = of_young(done)
    assert len(young) > len(done.collections) / 2
    assert any(one.promoted for one in young)
    assert any(one.old_cards for one in young)
    assert all(one.phases.cards for one in young)
    full = run(young_request("move", options=ModeOptions()))
    assert_right(full)
    assert done.digests == full.digests


@pytest.mark.needs("io_uring")
@pytest.mark.parametrize("mode", YOUNG)
@pytest.mark.parametrize("name", ["trees", "graph"])
def test_pins_all_the_time(mode: str, name: str) -> None:
    done = run(young_request(mode, workload=name, disturb="pins", mutation=300, operations=8000))
    assert_right(done)


@pytest.mark.parametrize("mode", YOUNG)
@pytest.mark.parametrize("call", [lib.GCP_VERB_MOVE, lib.GCP_VERB_COPY, lib.GCP_VERB_ZEROPAGE, lib.GCP_VERB_UNREGISTER])
@pytest.mark.parametrize("after", [0, 3, 40])
def test_an_error_beside_running_mutators_is_survived(mode: str, call: int, after: int) -> None:
    after = 0 if call == lib.GCP_VERB_UNREGISTER else after
    options = ModeOptions(full_after=100)
    done = run(young_request(mode, options=options, operations=6000, inject=[(call, after, 1, 14)]))
    assert not done.failure
    assert not done.wrong
    assert all("014" in text for text in done.failures)
    assert of_young(done)


@pytest.mark.parametrize("mode", YOUNG)
@pytest.mark.parametrize("options", [ModeOptions(), ModeOptions(full_after=1 << 30)])
def test_out_of_memory_is_said_after_a_full_collection(mode: str, options: ModeOptions) -> None:
    """However few full collections were asked for: a young one does not decide that there is no memory."""
    done = run(young_request(mode, workload="trees", live_bytes=16 * MIB, capacity=32 * MIB, options=options))
    assert done.out_of_memory
    assert not done.wrong
    assert not done.collections[-1].young


@pytest.mark.parametrize("mode", YOUNG)
def test_large_arrays_find_memory_though_none_asks_for_a_full_collection(mode: str) -> None:
    options = ModeOptions(full_after=1 << 30)
    sizes = {"live_bytes": 4 * MIB, "capacity": 22 * MIB, "operations": 300}
    done = run(young_request(mode, workload="arrays", options=options, **sizes))
    assert_right(done)


def made(*, young: bool, freed: int, **fields: object) -> Collection:
    return Collection(
        1,
        young=young,
        freed=freed,
        collector=CollectorAccount(moved=80, copied=10, updated=70, built=20),
        faults=FaultAccount(copied=14, fresh=4, built=6, slid=4),
        phases=Phases(cards=5000, mark=2_000_000, compact=3_000_000),
        pauses=[Pause("flip", 1_000_000, 500_000), Pause("verification", 1, 9_000_000)],
        old_cards=7,
        **fields,  # type: ignore[arg-type]
    )


def test_figures_of_each_kind() -> None:
    """90 + 14 - 4 pages are mapped for those that are freed; 20 + 6 + 4 are built, 10 + 14 copied."""
    heaps = [[made(young=True, freed=40), made(young=False, freed=0)], [made(young=True, freed=60)]]
    young, full = kinds_of(heaps)
    assert (young.young, full.young) == (True, False)
    assert (young.collections, full.collections) == (1.0, 0.5)
    assert young.evacuated == 2.0
    assert young.copied == pytest.approx(2 * 54 / 100)
    assert young.old_share == 0.7
    assert (full.evacuated, full.copied) == (None, None)
    assert (young.cards, young.cards_us, young.mark_ms, young.compact_ms, young.pause_ms) == (7, 5.0, 2.0, 3.0, 1.5)
    assert kinds_of([[], []]) == []


def test_mutators_with_a_barrier_refuse_to_be_without_one() -> None:
    done = run(request(mode="bare", verify=False))
    assert "write barrier" in done.failure


def test_the_barrier_is_left_out_in_a_worker_of_its_own() -> None:
    with SessionLab(200) as lab:
        none, bare = (
            lab.run(request(mode=mode, capacity=256 * MIB, verify=False, mutators=1, live_bytes=4 * MIB))
            for mode in ("none", "bare")
        )
        assert not none.failure
        assert not bare.failure
        assert none.digests == bare.digests
        assert "write barrier" in lab._bare.run(request(mode="move", verify=False)).failure


def test_the_command_shows_both_kinds(tmp_path: Path) -> None:
    arguments = [
        "gc",
        "--workload",
        "prefix",
        "--modes",
        "young-move,young-copy,none,bare",
        "--live",
        "8m",
        "--heap",
        "2x",
    ]
    arguments += ["--operations", "12000", "--rounds", "3", "--full-after", "5", "--out", str(tmp_path)]
    done = gcproto(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    by_mode = {one["scenario"]["mode"]: one for one in json.loads(done.stdout)["measurements"]}
    assert set(by_mode) == {"young-move", "young-copy", "none", "bare"}
    for mode in YOUNG:
        kinds = by_mode[mode]["figures"]["kinds"]
        assert [one["young"] for one in kinds] == [True, False]
        assert kinds[0]["evacuated"] > 0
        assert by_mode[mode]["scenario"]["options"] == {"full_after": 5}
    assert "kinds" not in by_mode["none"]["figures"] or by_mode["none"]["figures"]["kinds"] == []
    shown = gcproto("show", str(next(tmp_path.glob("workloads-*.json"))))
    assert shown.returncode == 0
    assert "Young and full collections" in shown.stdout
    assert "the write barrier: none against bare" in " ".join(shown.stdout.split())
    assert "old pages moved or copied: young-move" in " ".join(shown.stdout.split())
