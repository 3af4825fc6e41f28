"""Folios of the heap's memory and what evacuation policies do with them: choices, splits by counters, contents."""

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from click.testing import CliRunner

from gcproto._native import lib
from gcproto.cli.gc import command as gc_command
from gcproto.collector.costs import Costs, measure
from gcproto.collector.modes import COPY, MODES, MOVE
from gcproto.collector.policies import FLIP, MUTATORS, POLICIES, TOTAL, Choice
from gcproto.errors import GcprotoError
from gcproto.experiments.policies import run as evacuation
from gcproto.experiments.session.request import Session, SessionRequest
from gcproto.experiments.session.run import run
from gcproto.experiments.session.second_thread import second_thread
from gcproto.heap.folios import SMALL, FolioCensus, Memory, parse_memory
from gcproto.host.machine import machine
from gcproto.host.settings import Settings
from gcproto.results.folios import parts_of
from gcproto.results.page_map import decode, totals
from gcproto.results.schema import Collection, ModeOptions, Parts, PolicyChoice, PolicyFigures, PolicyScenario
from tests.support.heap_model import Bench
from tests.support.processes import run_gcproto as gcproto
from tests.support.result_maker import measurement
from tests.support.result_maker import result as made_result

pytestmark = [pytest.mark.needs("move"), pytest.mark.timeout(200)]

MIB = 1 << 20
THP = Memory("2m", machine().pmd_order)
MTHP = Memory("64k", 4)


@contextmanager
def folios(order: int) -> Iterator[None]:
    with Settings() as settings:
        settings.quiet_khugepaged()
        settings.mthp_only(order)
        yield


def chosen(name: str, memory: Memory, **costs: Any) -> Choice:
    plain = {"move": 800.0, "copy": 950.0, "split": 700.0, "move_split": 80.0, "folios_kept": False}
    return POLICIES[name].choose(memory, lambda: Costs(memory.order or 0, **(plain | costs)))


def test_memory_by_name() -> None:
    assert parse_memory("small").order == 0
    assert parse_memory("system").order is None
    with pytest.raises(GcprotoError, match="known: small, system"):
        parse_memory("3k")


def test_auto_splits_ahead_where_the_kernel_splits_and_keeps_whole_what_it_moves_whole() -> None:
    assert chosen("auto", SMALL) == Choice(why="the folios are small")
    assert chosen("auto", MTHP).split_ahead
    kept = chosen("auto", MTHP, move=5.0, folios_kept=True)
    assert (kept.whole, kept.granule, kept.split_ahead) == (16, 16, True)
    cheap_copy = chosen("auto", MTHP, copy=70.0)
    assert (cheap_copy.large_by, cheap_copy.split_ahead) == (COPY, False)
    assert chosen("auto", MTHP, split=None, move_split=None).large_by == MOVE
    assert chosen("auto", MTHP, split=None, move_split=None, copy=500.0).large_by == COPY
    assert chosen("auto", MTHP, move=None).why == "this kernel could not be calibrated"


def test_auto_weighs_interruptions_of_mutators_by_its_objective() -> None:
    """The costs of 64 KiB mTHPs on 6.18 beside a live thread: splitting ahead is quickest after the flip alone."""
    measured = {"move": 1929.0, "copy": 921.0, "split": 2411.0, "move_split": 113.0, "shoot_down": 5700.0}
    costs = Costs(4, folios_kept=False, **measured)

    def choice(objective: str) -> Choice:
        return POLICIES["auto"].choose(MTHP, lambda: costs, objective)

    assert choice(FLIP).split_ahead
    for objective in (MUTATORS, TOTAL):
        assert not choice(objective).split_ahead
        assert choice(objective).large_by == COPY
    # MOVE after splitting ahead is the least of the calibrated costs: the shoot-downs decide, so the reason has them.
    assert "MOVE after splitting ahead 113 + 1069 of shoot-downs" in choice(MUTATORS).why
    assert "MOVE 1929 + 712 of shoot-downs" in choice(MUTATORS).why
    assert "shoot-downs" not in choice(FLIP).why
    alone = POLICIES["auto"].choose(MTHP, lambda: replace(costs, shoot_down=0.0), MUTATORS)
    assert alone.split_ahead, "without mutators to interrupt it costs nothing"
    large = POLICIES["auto"].choose(THP, lambda: replace(costs, order=9), MUTATORS)
    assert large.split_ahead, "three interruptions for 512 pages cost less than copying them"


def test_moves_that_split_are_charged_for_their_interruptions() -> None:
    """MOVE is a little faster than COPY, and interrupts."""
    costs = Costs(4, 800.0, 900.0, None, None, folios_kept=False, shoot_down=5700.0)
    assert POLICIES["auto"].choose(MTHP, lambda: costs, MUTATORS).large_by == COPY
    assert POLICIES["auto"].choose(MTHP, lambda: costs, FLIP).large_by == MOVE


def test_fixed_policies() -> None:
    assert chosen("move", THP) == Choice()
    assert chosen("copy-large", MTHP) == Choice(large_by=COPY)
    assert chosen("whole", THP) == Choice(large_by=COPY, granule=512, whole=512)
    assert chosen("whole", MTHP) == Choice(large_by=COPY)
    assert chosen("collapse", THP) == Choice(large_by=COPY, granule=512, whole=512, restore=True)
    assert chosen("collapse", MTHP) == chosen("collapse", THP)
    assert not chosen("collapse", SMALL).restore
    assert chosen("populate", THP) == Choice(large_by=COPY, granule=512, whole=512, renew=True)
    assert chosen("split-ahead", THP).split_ahead
    assert not chosen("split-ahead", SMALL).split_ahead


def test_a_calibration_of_small_folios() -> None:
    found = measure(0)
    assert found.move
    assert found.copy
    assert 0 < found.move < found.copy
    assert found.split is None
    assert not found.folios_kept


@pytest.mark.needs("mthp", "pfn")
def test_a_calibration_of_large_ones() -> None:
    with folios(4):
        found = measure(4)
    assert found.move
    assert found.split
    assert found.move_split
    assert found.move_split < found.move
    with folios(machine().pmd_order):
        assert measure(machine().pmd_order).folios_kept


def standing(memory: str, policy: str, workload: str = "prefix", **options: Any) -> Session:
    done = run(
        SessionRequest(
            mode="move",
            options=ModeOptions(**options),
            workload=workload,
            capacity=48 * MIB,
            mutators=1,
            live_bytes=16 * MIB,
            operations=0,
            mutation=0,
            fragmentation=0 if workload == "prefix" else 500,
            seed=1,
            verify=True,
            memory=memory,
            policy=policy,
            standing=2,
            map=True,
        )
    )
    assert (done.failure, done.wrong, done.failures, done.verified) == ("", [], [], 2)
    return done


@pytest.mark.needs("mthp", "pfn")
@pytest.mark.parametrize("policy", ["whole", "auto"])
def test_thps_of_a_dense_prefix_move_whole_and_stay_whole(policy: str) -> None:
    with folios(machine().pmd_order):
        done = standing("2m", policy)
    first = done.collections[0]
    assert first.dense % 512 == 0
    assert first.collector.updated == first.dense + first.kept
    assert first.collector.whole >= 0.9 * first.collector.updated
    assert first.splits.get(9, 0) <= 1  # the prefix ends within one
    for cycle in done.collections:  # still there for the next collection
        assert cycle.folios.by_order[9] >= 0.9 * first.dense
    assert done.collections[1].splits.get(9, 0) <= 1


@pytest.mark.needs("mthp", "pfn")
def test_dense_stretches_are_made_thps_again_and_go_whole() -> None:
    with folios(4):
        done = standing("64k", "collapse")
    first, second = done.collections
    assert first.collector.copied >= 0.9 * first.dense  # folios of 64 KiB would be split
    assert first.collector.restored >= first.dense // 512 * 512
    assert first.collector.restore_refused == 0
    assert first.phases.restore > 0
    assert first.folios.by_order[9] >= 0.9 * first.dense
    assert second.collector.whole >= 0.9 * second.dense
    assert (second.splits.get(4, 0), second.splits.get(9, 0)) == (0, 0)
    assert second.collector.restored <= 512  # nothing is left to be restored but what was not moved whole


@pytest.mark.needs("mthp", "pfn")
def test_without_restoring_folios_stay_small() -> None:
    with folios(machine().pmd_order):
        done = standing("2m", "copy-large")
    assert all(set(cycle.folios.by_order) == {0} for cycle in done.collections)
    assert all(not cycle.collector.restored for cycle in done.collections)


@pytest.mark.needs("mthp", "pfn")
def test_pages_are_built_in_folios_that_are_populated_anew() -> None:
    """A heap of small folios, half of it garbage, in memory that THPs are asked for: compacted it lies in THPs."""
    mode = chosen("populate", THP).applied_to(MODES["move"])
    with folios(machine().pmd_order):
        heap = Bench(48 * MIB, mode, memory=THP)
        census = FolioCensus(heap.heap.pages)
        try:
            lib.gcp_region_small(heap.heap.to, heap.heap.capacity)
            for number in range(20_000):
                heap.allocate(64, 1, number % 2)
                heap.allocate(64, 1, 2)
                if number:
                    heap.link(number % 2, 0, (number + 1) % 2)
            lib.gcp_region_large(heap.heap.to, heap.heap.capacity)
            heap.collector.folios.orders[:] = 0
            swept: list[tuple[int, int]] = []
            heap.failures.swept = lambda done, _faults: swept.append((int(done.renewed), int(done.renew_ns)))  # type: ignore[method-assign, assignment]
            heap.collect()
            found = census.count(heap.heap.to, heap.heap.used // machine().page_size).by_order
        finally:
            census.close()
            heap.close()
    ((renewed, took),) = swept
    assert renewed >= 1024
    assert renewed % 512 == 0
    assert took > 0
    assert found[9] >= 0.8 * renewed


def parts(cycles: Iterable[Collection], who: Literal["collector", "faults"]) -> dict[str, int]:
    found = parts_of(cycles, who)
    return {name: getattr(found, name) for name in Parts.__struct_fields__ if getattr(found, name)}


@pytest.mark.needs("mthp", "pfn")
def test_moves_of_parts_of_folios_are_counted_by_cause() -> None:
    with folios(4):
        moved, copied = standing("64k", "move", "sparse"), standing("64k", "copy-large", "sparse")
        aligned = standing("64k", "move", "sparse", granule=16)
    (first, _) = moved.collections
    found = parts([first], "collector")
    large = first.collector.moved - first.collector.whole
    assert sum(found.values()) == pytest.approx(large, abs=16)
    assert found["part_skewed"] > 0.5 * large
    assert parts(copied.collections[:1], "collector") == {}
    assert sum(parts(aligned.collections[:1], "collector").values()) < 0.2 * large


@pytest.mark.needs("mthp", "pfn", "two_cpus")
def test_faults_move_parts_of_folios() -> None:
    done = gcproto(
        *("gc", "--workload", "sparse", "--live", "8m", "--heap", "3x", "--rounds", "1", "--operations", "4"),
        *("--memory", "64k", "--modes", "art", "--policies", "move"),
    )
    assert "Folios of the heap" in done.stdout
    assert "Moves of parts of folios" in done.stdout


@pytest.mark.needs("mthp", "pfn")
def test_plain_moves_split_every_mthp_and_copies_leave_small_folios() -> None:
    with folios(4):
        moved, copied = standing("64k", "move"), standing("64k", "copy-large")
        ahead = standing("64k", "split-ahead")
    assert moved.collections[0].splits[4] >= 16 * MIB // (64 << 10) * 0.9
    assert set(moved.collections[0].folios.by_order) == {0}
    assert copied.collections[0].splits.get(4, 0) == 0
    assert copied.collections[0].collector.copied >= 0.9 * copied.collections[0].dense
    assert set(copied.collections[0].folios.by_order) == {0}
    # What was evacuated once lies in small folios: the second collection moves it and splits nothing.
    assert copied.collections[1].collector.copied == 0
    assert copied.collections[1].collector.moved >= 0.9 * copied.collections[1].dense
    assert ahead.collections[0].splits[4] >= 16 * MIB // (64 << 10) * 0.9
    assert ahead.collections[0].phases.split > 0


@pytest.mark.needs("mthp", "pfn")
def test_the_map_says_what_became_of_each_page() -> None:
    with folios(machine().pmd_order):
        whole = standing("2m", "whole").collections[0]
    with folios(4):
        split, copied = (standing("64k", policy).collections[0] for policy in ("move", "copy-large"))
    small = standing("small", "move", "sparse").collections[0]
    for cycle in (whole, split, copied, small):
        letters = totals(decode(cycle.map))
        assert sum(letters.values()) == cycle.dense + cycle.kept + cycle.compacted + cycle.slid
        assert letters.get("c", 0) + letters.get("e", 0) == cycle.collector.copied
        assert letters.get(".", 0) == cycle.collector.empty
    assert totals(decode(whole.map))["W"] == whole.collector.whole
    assert totals(decode(split.map))["s"] == split.collector.whole
    assert "W" not in totals(decode(split.map))
    assert decode(copied.map)[0] == ("c", copied.dense + copied.kept)
    assert totals(decode(small.map))["u"] == small.dense + small.kept


@pytest.mark.needs("mthp", "pfn", "zram", "loop")
def test_what_is_swapped_out_stays_swapped_out_or_says_ebusy(tmp_path: Path) -> None:
    """Pages that need no update move as swap entries; mTHPs in the swap cache give EBUSY, a touch brings them back."""
    common = ("gc", "policies", "--workloads", "arrays", "--policies", "move", "--swapped", "50", "--live", "8m")
    more = ("--rounds", "3", "--verify", "--json", "--out", str(tmp_path))
    done = gcproto(*common, *more, "--memory", "small", "--device", "zram")
    (small,) = json.loads(done.stdout)["measurements"]
    assert small["valid"]
    assert small["figures"]["swapped_before"] > 400
    assert small["figures"]["swapped_after"] > 0.9 * small["figures"]["swapped_before"]
    done = gcproto(*common, *more, "--memory", "64k", "--device", "loop", "--ebusy", "copy,touch")
    copied, touched = json.loads(done.stdout)["measurements"]
    assert copied["valid"]
    assert touched["valid"]
    assert copied["figures"]["fallback"] == copied["figures"]["ebusy"] > 0
    assert touched["figures"]["ebusy"] > 0
    assert touched["figures"]["fallback"] == 0


@pytest.mark.parametrize("granule", [4, 16, 256])
@pytest.mark.parametrize("workload", ["prefix", "sparse"])
def test_granules_are_evacuated_as_one(granule: int, workload: str) -> None:
    done = standing("small", "move", workload, granule=granule)
    for cycle in done.collections:
        assert cycle.dense % granule == 0
        assert cycle.collector.whole >= 0.9 * cycle.dense
    if workload == "sparse":  # built pages went out of congruent recycled ones, once there were some
        assert done.collections[0].collector.whole >= 0.5 * done.collections[0].compacted


@pytest.mark.needs("mthp", "pfn", "two_cpus")
@pytest.mark.parametrize("memory", ["64k", "2m"])
@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_mutators_beside_every_policy(memory: str, policy: str) -> None:
    order = parse_memory(memory).order
    assert order
    with folios(order):
        for workload, operations in (("prefix", 3000), ("lru", 20_000)):
            done = run(
                SessionRequest(
                    mode="move",
                    options=ModeOptions(),
                    workload=workload,
                    capacity=32 * MIB,
                    mutators=3,
                    live_bytes=3 * MIB,
                    operations=operations,
                    mutation=100,
                    fragmentation=500,
                    seed=7,
                    verify=True,
                    memory=memory,
                    policy=policy,
                )
            )
            assert (done.failure, done.wrong, done.failures) == ("", [], [])
            assert done.verified > 0


@pytest.mark.needs("mthp", "pfn")
def test_the_command_compares_policies(tmp_path: Path) -> None:
    done = gcproto(
        *("gc", "policies", "--live", "4m", "--rounds", "3", "--workloads", "prefix", "--memory", "small,64k"),
        *("--policies", "move,whole,auto", "--verify", "--json", "--fail-above", "5", "--out", str(tmp_path)),
    )
    assert done.returncode == 0, done.stderr
    assert "auto was not tested on " in done.stderr, "small folios leave no choice"
    result = json.loads(done.stdout)
    assert {(m["scenario"]["kind"], m["scenario"]["workload"]) for m in result["measurements"]} == {
        ("policy", "prefix")
    }
    assert all(m["valid"] for m in result["measurements"])
    by_name = {(m["scenario"]["order"], m["scenario"]["policy"]): m for m in result["measurements"]}
    assert by_name[4, "move"]["figures"]["folios_split"] > 0
    assert by_name[4, "auto"]["figures"]["choice"].startswith("calibrated ns/page MOVE ")
    assert by_name[0, "move"]["figures"]["map_ns_page"] > 0
    small = [by_name[0, policy]["figures"]["choices"] for policy in ("move", "whole", "auto")]
    assert small == [[{}]] * 3, "a granule of one page, and nothing else to choose"
    assert by_name[4, "whole"]["figures"]["choices"][0]["large_by"] == "copied"
    shown = gcproto("show", str(next(tmp_path.glob("*.json")))).stdout
    assert "Evacuating small and large folios" in shown
    assert "to best" in shown
    assert "not tested" in shown, "small folios leave no choice"


def test_fail_above_names_the_heap_where_auto_is_worse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for policy, sample, large in (("move", 100.0, "moved"), ("auto", 120.0, "copied")):
        scenario = PolicyScenario("trees", "64k", 4, policy, "copy", 0, "", 1, 1, 16 * MIB)
        figures = PolicyFigures(choices=[PolicyChoice(large_by=large)])
        made.append(measurement(scenario, [sample, sample + 1, sample + 2, sample + 3], figures))
    monkeypatch.setattr(evacuation, "run", lambda _order, _progress: made_result(made))
    words = ["policies", "--memory", "64k", "--policies", "move,auto", "--out", str(tmp_path), "--fail-above"]
    worse = CliRunner().invoke(gc_command, [*words, "5"])
    assert worse.exit_code == 1
    assert "trees 64K: auto takes 1.20 times" in worse.stderr
    assert CliRunner().invoke(gc_command, [*words, "25"]).exit_code == 0


def test_fail_above_needs_auto_and_another() -> None:
    for policies in ("auto", "move,whole"):
        assert gcproto("gc", "policies", "--policies", policies, "--fail-above", "5").returncode == 2


@pytest.mark.needs("mthp", "two_cpus")
def test_a_second_live_thread_is_beside_the_heap_and_costs(tmp_path: Path) -> None:
    """Each mTHP that is split has the other processor's TLB flushed, twice; the time says so."""
    found = {}
    for threads in ("1", "2"):
        done = gcproto(
            *("gc", "policies", "--live", "8m", "--rounds", "3", "--workloads", "prefix", "--memory", "64k"),
            *("--policies", "move", "--threads", threads, "--json", "--out", str(tmp_path)),
        )
        (found[threads],) = json.loads(done.stdout)["measurements"]
        assert found[threads]["valid"]
        assert found[threads]["scenario"]["threads"] == int(threads)
    assert found["1"]["figures"].get("second_thread_sweeps") is None
    assert found["2"]["figures"]["second_thread_sweeps"] > 100
    assert found["2"]["figures"]["map_ns_page"] > 1.2 * found["1"]["figures"]["map_ns_page"]


def test_a_second_thread_ends_and_gives_the_processors_back() -> None:
    before = os.sched_getaffinity(0)
    if len(before) > 1:
        with second_thread(2) as beside:
            assert len(os.sched_getaffinity(0)) == 1
            first = beside.sweeps()
            time.sleep(0.01)
            beside.await_it()
            assert beside.sweeps() > first > 0
        assert os.sched_getaffinity(0) == before
    os.sched_setaffinity(0, {min(before)})
    try:
        with pytest.raises(GcprotoError, match="second processor"), second_thread(2):
            pass
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.needs("mthp")
def test_a_workload_on_large_folios(tmp_path: Path) -> None:
    done = gcproto(
        *(
            "gc",
            "--workload",
            "prefix",
            "--live",
            "4m",
            "--rounds",
            "1",
            "--operations",
            "3000",
            "--modes",
            "move,copy",
        ),
        *("--memory", "64k,small", "--policies", "move,auto", "--map", "--json", "--out", str(tmp_path)),
    )
    assert gcproto("report", str(tmp_path), "-o", str(tmp_path / "page.html")).returncode == 0
    assert 'class="heapmap"' in (tmp_path / "page.html").read_text()
    asked = [m["scenario"] for m in json.loads(done.stdout)["measurements"]]
    found = {(one["order"], one["mode"], one["policy"]) for one in asked}
    assert found == {(order, *mode) for order in (0, 4) for mode in (("move", "move"), ("move", "auto"), ("copy", ""))}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--memory", "5k"],
        ["--policies", "best"],
        ["--policies", ""],
        ["--granule", "12k"],
        ["--granule", "4m"],
        ["--granule", "x"],
    ],
)
def test_what_can_not_be_meant_is_usage(arguments: list[str]) -> None:
    done = gcproto("gc", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_granules_are_only_for_modes_that_move() -> None:
    assert MODES["copy"].with_options(ModeOptions(granule=16)).granule == 1
    assert MODES["move"].with_options(ModeOptions(granule=16)).granule == 16
