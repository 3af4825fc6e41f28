"""Results that version 1 of the format has: files that it wrote, with figures as they were measured (tests/data/v1).

The files are of real runs, made short: fewer measurements, collections and points of a series, another name of the
processor.  They never change.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from gcproto.results.json_schema import FROZEN
from gcproto.results.schema import (
    ClaimExperiment,
    CollectorAccount,
    Console,
    ContractRow,
    FaultAccount,
    Hazard,
    KernelCell,
    MadeLarge,
    Measurement,
    Mmu,
    ModeOptions,
    Parts,
    PathExperiment,
    PathFigures,
    PathScenario,
    PauseFigure,
    PolicyChoice,
    PolicyExperiment,
    PolicyFigures,
    PolicyScenario,
    Result,
    Stall,
    WindowExperiment,
    WindowFigures,
    WindowScenario,
    WorkloadExperiment,
    WorkloadFigures,
    WorkloadScenario,
)
from gcproto.results.store import load, save
from gcproto.results.upgrade import upgraded
from gcproto.results.upgrade.document import LATE, WRAPPED

DATA = Path(__file__).parents[1] / "data"
GOLDENS = sorted([*(DATA / "v1").glob("*.json"), DATA / "golden-result.json"])
Raw = dict[str, Any]


def raw(name: str) -> Raw:
    found: Raw = json.loads((DATA / "v1" / f"{name}.json").read_text())
    return found


def of(name: str) -> Result:
    return load(DATA / "v1" / f"{name}.json")


@pytest.fixture(params=GOLDENS, ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def pairs(path: Path) -> Iterator[tuple[Raw, Measurement]]:
    old = json.loads(path.read_text())["measurements"]
    yield from zip(old, load(path).measurements, strict=True)


def test_they_are_of_version_1(golden: Path) -> None:
    document = json.loads(golden.read_text())
    assert document["schema"] == "gcproto.result/1"
    jsonschema.validate(document, json.loads(FROZEN.read_text()))


def test_what_is_saved_again_is_equal(golden: Path, tmp_path: Path) -> None:
    result = load(golden)
    again = save(result, tmp_path)
    assert json.loads(again.read_text())["schema"] == "gcproto.result/2"
    assert load(again) == result


def test_samples_proofs_and_outcomes_stay(golden: Path) -> None:
    for old, new in pairs(golden):
        if any(bad.reason == WRAPPED for bad in new.invalid_rounds):
            continue
        assert [new.samples, new.rounds, new.median] == [old["samples"], old["rounds"], old["median"]]
        for name in ("proof", "outcome", "ci", "ratio_to_copy"):
            now = msgspec.to_builtins(getattr(new, name), str_keys=True)
            for field, value in (old[name] or {}).items():
                if field != "order_after":
                    assert now[field] == value, f"{name}.{field}"


def numbers(found: object) -> Iterator[float]:
    """All numbers of a document."""
    if isinstance(found, dict):
        for value in found.values():
            yield from numbers(value)
    elif isinstance(found, list | tuple):
        for value in found:
            yield from numbers(value)
    elif isinstance(found, int | float) and not isinstance(found, bool):
        yield float(found)


def test_no_figure_is_lost(golden: Path) -> None:
    """Every number stands somewhere in the new figures; the longest stall is ns now."""
    for old, new in pairs(golden):
        found = set(numbers(msgspec.to_builtins(new.figures)))
        for name, value in old.get("figures", {}).items():
            wanted = round(value * 1e6) if name == "stall max ms" else value
            assert value == 0 or float(wanted) in found, name
        assert not new.figures.extras, "all figures of these files are known"
        for one in [*old.get("latency", {}).values(), *old.get("series", {}).values()]:
            assert set(numbers(one)) <= found
        texts = json.dumps(msgspec.to_builtins(new))
        for note in old.get("notes", []):
            words = note.removeprefix("chosen by ").removeprefix("longest stall ").split(": ")[-1].split(" (mutator")[0]
            assert words in texts or words.split()[0] in texts, note


def test_no_count_of_a_collection_is_lost(golden: Path) -> None:
    for old, new in pairs(golden):
        before = [one for some in old.get("collections", []) for one in some]
        figures = new.figures
        after = (
            [one for some in figures.collections for one in some]
            if isinstance(figures, WorkloadFigures | PolicyFigures)
            else []
        )
        assert len(before) == len(after)
        for was, now in zip(before, after, strict=True):
            for name in ("phases", "collector", "faults"):
                given = {key: value for key, value in was[name].items() if value}
                kept = msgspec.to_builtins(getattr(now, name))
                assert {key: kept[key] for key in given} == given
            assert msgspec.to_builtins(now.pauses) == was["pauses"]
            assert msgspec.to_builtins(now.splits, str_keys=True) == was["splits"]
            orders = {key: value for key, value in was["folios"].items() if key.isdecimal()}
            assert msgspec.to_builtins(now.folios.by_order, str_keys=True) == orders
            assert (now.folios.swapped, now.folios.zero) == (
                was["folios"].get("swapped", 0),
                was["folios"].get("zero", 0),
            )
            for name in ("number", "objects", "live_bytes", "used_before", "used_after", "dense", "map", "resident"):
                assert getattr(now, name) == was[name]


def test_paths() -> None:
    result = of("paths")
    assert result.experiment == PathExperiment(quick=True)
    assert result.noise is not None
    assert len(result.noise.pairs) == 3
    one = next(one for one in result.measurements if one.scenario.replica)  # type: ignore[union-attr]
    assert one.scenario == PathScenario("small", 0, "move", 65536, "congruent", 1, 1024, "any", "any", 1)
    split = next(one for one in result.measurements if one.scenario == _path("mthp", 4, "split_move"))
    old = next(one for one in raw("paths")["measurements"] if one["scenario"]["arm"] == "split_move")
    assert isinstance(split.figures, PathFigures)
    assert split.figures.split_part == old["split_part"]
    assert split.figures.split_part is not None
    assert split.outcome.remapped == 0


def _path(source: str, order: int, arm: str) -> PathScenario:
    return PathScenario(source, order, arm, 65536, "congruent", 1, 1024)


def test_swapped_paths() -> None:
    result = of("paths-swapped")
    assert result.experiment == PathExperiment(swap=True)
    swapped = {one.scenario.arm: one for one in result.measurements if isinstance(one.scenario, PathScenario)}
    part = swapped["move_swapin"].figures
    assert isinstance(part, PathFigures)
    assert part.swapin_part is not None
    assert 1000 < part.swapin_part < 1e7
    assert swapped["move"].proof.swapped_before > 0


def test_heaps_with_options() -> None:
    result = of("heap-options")
    assert result.experiment == WorkloadExperiment("trees", 20_000, 100, 500, verify=True, map=True)
    base = WorkloadScenario("trees", "move", ModeOptions(fault_pages=4), "move", "small", 0, 4 << 20, 1 << 20, 2)
    move, art, copy, none = (one.scenario for one in result.measurements)
    assert move == base
    assert art == msgspec.structs.replace(base, mode="art")
    assert copy == msgspec.structs.replace(base, mode="copy", policy="")
    assert none == msgspec.structs.replace(base, mode="none", policy="", options=ModeOptions())
    old = raw("heap-options")["measurements"][0]
    figures = result.measurements[0].figures
    assert isinstance(figures, WorkloadFigures)
    assert figures.verified == 82
    assert figures.phases.mark == old["figures"]["mark ms"]
    assert figures.phases.split is None
    assert figures.pauses[1] == PauseFigure("flip", 6.515944, 22.206411)
    assert figures.collections_a_round == 41.0
    assert figures.lbo_wall == old["figures"]["lbo wall"]
    assert figures.resident[0] == (22780577, 267.5)
    assert figures.fault is not None
    assert figures.fault.n == 13357
    assert figures.histograms.runs == old["histograms"]["runs"]
    assert figures.histograms.fault == old["histograms"]["fault"]
    assert figures.collections[0][0].map.startswith("m233c24m1")
    assert figures.collections[0][0].collector == CollectorAccount(
        moved=271, move_calls=17, built=308, recycled=306, flushes=1, map_ns=278686, whole_large=0
    )
    assert figures.collections[0][0].faults == FaultAccount(copied=37, lost=5, copy_calls=42, faults=42, whole_large=0)
    assert result.measurements[0].notes == []


def test_heaps_with_fresh_memory_and_numbers_of_the_native_enum() -> None:
    result = of("heap-fresh")
    assert isinstance(result.experiment, WorkloadExperiment)
    assert result.experiment.disturb == "pins"
    assert not result.experiment.map
    wanted = ModeOptions(fault_by="copy", fresh="zeropage", cut_at_tables=True)
    scenarios = [one.scenario for one in result.measurements]
    assert [one.options for one in scenarios if isinstance(one, WorkloadScenario)] == [wanted] * 3
    figures = result.measurements[0].figures
    assert isinstance(figures, WorkloadFigures)
    assert figures.stall == Stall(27_917_769, "waiting for memory", 1)
    assert figures.mmu_of(500) == Mmu(500, 0.485703394, 0.45814846)
    assert [one.window_ms for one in figures.mmu] == [1, 2, 5, 10, 20, 50, 100, 200, 500]
    assert result.measurements[0].notes == []


@pytest.mark.parametrize(
    ("arm", "options"),
    [
        ("move[fresh_by_recycled=True,register_whole=True]", ModeOptions(fresh="recycled")),
        ("move[fresh_by_recycled=False,register_whole=True]", ModeOptions(fresh="zeropage")),
        ("move[register_whole=False]", ModeOptions(fresh="kernel")),
        ("move[early_by=0,fault_by=1,ready_by=0]", ModeOptions(fault_by="copy", ready_by="move", early_by="move")),
        (
            "move[dense_permille=1001,ebusy=mutators-copy,granule=16,regions=never,run_pages=0]",
            ModeOptions(ebusy="mutators-copy", run_pages=0, granule=16, dense_permille=1001, regions="never"),
        ),
    ],
)
@pytest.mark.parametrize(("suffix", "policy"), [("", "move"), (":auto", "auto"), (":split-ahead", "split-ahead")])
def test_every_option_of_a_mode(arm: str, options: ModeOptions, suffix: str, policy: str) -> None:
    document = raw("heap-options")
    document["measurements"] = document["measurements"][:1]
    document["measurements"][0]["scenario"]["arm"] = arm + suffix
    (found,) = upgraded(document).measurements
    assert isinstance(found.scenario, WorkloadScenario)
    assert found.scenario.options == options
    assert (found.scenario.mode, found.scenario.policy) == ("move", policy)


def test_heaps_on_large_folios() -> None:
    move, auto, copy = of("heap-folios").measurements
    assert isinstance(move.scenario, WorkloadScenario)
    assert isinstance(auto.scenario, WorkloadScenario)
    assert isinstance(copy.scenario, WorkloadScenario)
    assert (move.scenario.memory, move.scenario.order, move.scenario.policy) == ("64k", 4, "move")
    assert (auto.scenario.mode, auto.scenario.policy, copy.scenario.policy) == ("move", "auto", "")
    assert isinstance(move.figures, WorkloadFigures)
    assert isinstance(auto.figures, WorkloadFigures)
    assert auto.figures.choice == "move 754, copy and discard 962 ns/page, split 803 and then move 90"
    assert auto.notes == []
    folios = move.figures.folios
    assert folios is not None
    assert folios.could_go_whole == 0.06907406574627872
    assert folios.folios_split == 931
    assert folios.collector_parts == Parts(part_one=119, part_skewed=6872, part_edge=344)
    assert folios.fault_parts == Parts(part_one=9, part_skewed=514, part_edge=5)
    assert folios.restored is None
    first = move.figures.collections[0][0]
    assert first.folios.by_order == {0: 320, 4: 704}
    assert first.splits == {4: 12}


def test_policies() -> None:
    result = of("policies")
    assert result.experiment == PolicyExperiment()
    auto = result.measurements[-1]
    assert auto.scenario == PolicyScenario("sparse", "64k", 4, "auto", "copy", 0, "", 1, 1, 2 << 20)
    old = raw("policies")["measurements"][-1]["figures"]
    assert isinstance(auto.figures, PolicyFigures)
    assert auto.figures.map_ns_page == old["map ns/page"]
    assert auto.figures.split_ns_page == old["split ns/page"]
    assert auto.figures.choice.startswith("move 746, copy and discard 997")
    assert auto.figures.choices == [
        PolicyChoice(granule=1, large_by="moved", whole=0, split_ahead=True, restore=False, renew=False)
    ]
    small = result.measurements[0].figures
    assert isinstance(small, PolicyFigures)
    assert small.choices == [PolicyChoice(granule=1)]
    assert small.choice == ""


def test_policies_on_swapped_heaps() -> None:
    scenarios = [one.scenario for one in of("policies-swapped").measurements]
    wanted = PolicyScenario("sparse", "small", 0, "move", "copy", 500, "loop", 1, 1, 2 << 20)
    assert scenarios[0] == wanted
    assert [one.ebusy for one in scenarios if isinstance(one, PolicyScenario)] == ["copy", "touch"] * 2


def test_policies_beside_a_second_thread() -> None:
    result = of("policies-threads")
    assert result.measurements[1].scenario == PolicyScenario("prefix", "2m", 9, "whole", "copy", 0, "", 2, 2, 2 << 20)
    copy = result.measurements[2].figures
    assert isinstance(copy, PolicyFigures)
    assert copy.second_thread_sweeps == 44092.0
    assert copy.choices == []


def test_restored_and_renewed_pages() -> None:
    document = raw("policies")
    document["measurements"][0]["figures"] |= {"restored pages": 512.0, "restored ns/page": 900.0, "renewed pages": 3.0}
    figures = upgraded(document).measurements[0].figures
    assert isinstance(figures, PolicyFigures)
    assert figures.restored == MadeLarge(512.0, 900.0)
    assert figures.renewed is None


@pytest.mark.parametrize("rounds", [1, 4])
def test_pages_restored_in_workloads_were_sums_over_rounds(rounds: int) -> None:
    """Version 1 added up all rounds of a workload, and of a policy gave one heap; version 2 always means one heap."""
    document = raw("heap-folios")
    one = document["measurements"][0]
    one["samples"], one["rounds"] = one["samples"][:1] * rounds, list(range(rounds))
    added = {"restored pages": 512.0, "restored ns/page": 900.0, "renewed pages": 64.0, "renewed ns/page": 70.0}
    one["figures"] |= added
    figures = upgraded(document).measurements[0].figures
    assert isinstance(figures, WorkloadFigures)
    assert figures.folios is not None
    assert figures.folios.restored == MadeLarge(512.0 / rounds, 900.0)
    assert figures.folios.renewed == MadeLarge(64.0 / rounds, 70.0)


def test_windows() -> None:
    result = of("window-pinned")
    assert result.experiment == WindowExperiment()
    copy = result.measurements[0]
    assert copy.scenario == WindowScenario("copy", 8 << 20, 1, 0, 0, "sigbus", "own", 0)
    assert LATE in copy.notes
    move = result.measurements[1].figures
    assert isinstance(move, WindowFigures)
    assert (move.collector_ns_page, move.faults, move.pages_an_ioctl) == (258.2294921875, 485.5, 110.0)
    assert move.access is not None
    assert move.access.max == 6290762.0
    assert move.fault is not None
    free = of("window").measurements[0].scenario
    assert isinstance(free, WindowScenario)
    assert (free.mutators, free.placement) == (2, "unplaced")
    shared = raw("window-pinned")
    shared["environment"]["cpu"]["allowed"] = 1
    scenario = upgraded(shared).measurements[0].scenario
    assert isinstance(scenario, WindowScenario)
    assert scenario.placement == "shared"


def test_windows_that_wrapped_are_invalid_rounds() -> None:
    old = raw("window-wrapped")["measurements"]
    found = of("window-wrapped").measurements
    assert max(one["median"] for one in old) > 1e17
    for was, now in zip(old, found, strict=True):
        kept = [sample for sample in was["samples"] if sample < 1e9]
        assert now.samples == kept
        assert [bad.round for bad in now.invalid_rounds] == [
            number for sample, number in zip(was["samples"], was["rounds"], strict=True) if sample >= 1e9
        ]
        assert all(sample < 1e9 for sample in now.warmup)
        assert not now.valid
        assert now.median is None or now.median < 1e9
        assert now.ratio_to_copy is None


def test_ratios_to_a_window_that_wrapped_are_made_again() -> None:
    """One of many windows wrapped: that is a round, and what the others are held against is what is left."""
    document = raw("window")
    for one in document["measurements"]:
        one["samples"], one["rounds"] = [100.0 + number for number in range(20)], list(range(20))
    copy, move = document["measurements"][:2]
    copy["samples"][3] = 2.0**64 / 2048
    copy["ratio_to_copy"], move["ratio_to_copy"] = None, {"value": 1e-14, "low": 1e-14, "high": 1e-14}
    result = upgraded(document)
    assert result.measurements[0].valid
    assert len(result.measurements[0].samples) == 19
    ratio = result.measurements[1].ratio_to_copy
    assert ratio is not None
    assert ratio.value == pytest.approx(1.0, rel=0.02)


def test_claims() -> None:
    result = of("claims")
    assert result.experiment == ClaimExperiment(["T1", "T9", "T10", "T13"])
    assert result.verdicts == []
    assert [one.key for one in result.claims] == ["T1", "T9", "T10", "T13"]
    first = result.claims[0]
    assert first.claim.startswith("A present page is moved by rewriting")
    assert first.judgement == "confirmed"
    assert first.figures == "30720 of 30720 page frames kept; move 82.9, copy and discard 3853 ns/page"
    assert first.why == ""
    assert first.command == "gcproto bench --sources small --arms move,copy_discard --granules 2m"
    kinds = {type(one.scenario) for one in result.measurements}
    assert kinds == {PathScenario, PolicyScenario, WorkloadScenario}
    arrays = [one.scenario for one in result.measurements if getattr(one.scenario, "workload", "") == "arrays"]
    wanted = PolicyScenario("arrays", "64k", 4, "move", "copy", 500, "loop", 1, 1, 16 << 20)
    assert arrays == [wanted, msgspec.structs.replace(wanted, ebusy="touch"), arrays[2]]


def test_a_claim_that_is_not_testable() -> None:
    document = raw("claims")
    text = "It is faster\nno swap device can be added\n53 EBUSY\nalone: gcproto bench --swap"
    document["verdicts"] = [
        {"name": "claim/T5", "verdict": "not testable here", "text": text, "seconds": 0.0},
        {"name": "claim/T6", "verdict": "not testable here", "text": "It is\nno root\nalone: x", "seconds": 0.0},
        {"name": "claim/T7", "verdict": "refuted", "text": "It is", "seconds": 0.0},
    ]
    first, second, third = upgraded(document).claims
    assert (first.claim, first.why, first.figures) == ("It is faster", "no swap device can be added", "53 EBUSY")
    assert (second.why, second.figures, second.command) == ("no root", "", "x")
    assert (third.why, third.figures, third.command) == ("", "", "")


def test_guests() -> None:
    result = of("kernel-paths")
    assert result.experiment == KernelCell("quick", 5, 512, True, 1, 1024, "max,-erms,-fsrm,-la57")
    assert result.guest is not None
    assert result.guest.outcome == "done"
    assert {one.unit for one in result.measurements} == {"instructions/page"}
    heap = of("kernel-heap")
    assert isinstance(heap.experiment, KernelCell)
    assert heap.experiment.set == "heap"
    assert {type(one.scenario) for one in heap.measurements} == {PathScenario, WindowScenario, PolicyScenario}
    assert heap.guest is not None
    assert (heap.guest.outcome, heap.guest.boot) == ("hang", 1)


def test_verdicts_of_guests() -> None:
    result = of("kernel-check")
    assert isinstance(result.experiment, KernelCell)
    assert result.experiment.set == "check"
    subjects = [one.subject for one in result.verdicts]
    assert any(isinstance(one, ContractRow) for one in subjects)
    assert any(isinstance(one, Hazard) for one in subjects)
    assert not any(one.name.startswith(("contract", "hazard")) for one in subjects if not isinstance(one, Console))
    document = raw("kernel-check")
    document["verdicts"] = [
        {"name": name, "verdict": "panic", "text": "", "seconds": 0.0} for name in ("console", "stress", "hazard/ksm")
    ]
    found = [one.subject for one in upgraded(document).verdicts]
    assert found == [Console(), Hazard("stress"), Hazard("ksm")]


def test_figures_that_nobody_knows_go_to_the_extras() -> None:
    for name in ("paths", "heap-options", "policies", "window"):
        document = raw(name)
        document["measurements"][0].setdefault("figures", {})["invented per page"] = 4.25
        document["measurements"][0]["proof"]["order_after"] = {"0": 7, "swapped": 5, "zero": 2}
        found = upgraded(document).measurements[0]
        assert found.figures.extras == {
            "invented per page": 4.25,
            "swapped pages afterwards": 5,
            "zero pages afterwards": 2,
        }
        assert found.proof.order_after == {0: 7}
