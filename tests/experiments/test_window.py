"""The window after the flip: in every way, the first thread that reaches a page maps it once, with its contents."""

import errno
import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcproto._native import lib
from gcproto.collector.counts import Counts
from gcproto.experiments.placement import Placement
from gcproto.experiments.window.round import Request, Window, WindowLab, request_for
from gcproto.experiments.window.round import run as run_here
from gcproto.experiments.window.run import WindowParameters, invalid_reason, run
from gcproto.experiments.window.ways import COPY, MOVE, Handler, ways
from gcproto.host.child import WorkerDied
from gcproto.host.machine import machine
from gcproto.results.schema import WindowExperiment, WindowFigures, WindowScenario
from gcproto.results.store import load
from tests.support.processes import run_gcproto, run_unprivileged

PAGES = 2048


def bucket_of(value: int) -> int:
    """By the definition in the header: the last bucket that begins at or below the value."""
    last = lib.GCP_HISTOGRAM_BUCKETS - 1
    return max(i for i in range(last + 1) if lib.gcp_histogram_low(i) <= value)


class TestHistogram:
    def test_buckets_are_in_order_and_fine(self) -> None:
        lows = [lib.gcp_histogram_low(i) for i in range(lib.GCP_HISTOGRAM_BUCKETS)]
        assert lows[:33] == list(range(33))
        assert all(0 < after - before <= max(1, before / 32) for before, after in pairwise(lows))
        assert lows[-1] > 10**10, "half a minute has a bucket"

    @settings(deadline=None, max_examples=100)
    @given(st.lists(st.integers(0, 10**10), min_size=1, max_size=200), st.integers(1, 1000))
    def test_quantiles_are_those_of_the_values(self, values: list[int], permille: int) -> None:
        counts = Counts(len(values), max(values))
        for value in values:
            bucket = bucket_of(value)
            counts.buckets[bucket] = counts.buckets.get(bucket, 0) + 1
        exact = int(np.percentile(values, permille / 10, method="inverted_cdf"))
        found = counts.quantile(permille)
        assert exact <= found <= max(exact, exact * 33 // 32 + 1)

    def test_empty(self) -> None:
        assert Counts().quantile(500) == 0

    def test_histograms_add_up(self) -> None:
        one, two = Counts(2, 9, {3: 1, 9: 1}), Counts(1, 20, {9: 1})
        one.add(two)
        assert (one.n, one.max, one.buckets) == (3, 20, {3: 1, 9: 2})


def mapped(account: dict[str, int]) -> int:
    return sum(account[name] for name in ("moved", "copied", "copied_after_ebusy", "zeroed"))


@pytest.mark.needs("move")
class TestWindow:
    @pytest.mark.parametrize("name", sorted(ways()))
    @pytest.mark.parametrize("mutators", [1, 2, 5])
    def test_every_page_is_mapped_once_with_its_contents(self, name: str, mutators: int) -> None:
        way = ways()[name]
        for seed in range(5):
            done = run_here(request_for(way, PAGES, mutators, seed))
            assert invalid_reason(done, PAGES) == ""
            lost = done.collector["lost"] + done.faults["lost"]
            assert 0 <= PAGES - mapped(done.collector) - mapped(done.faults) <= lost
            assert done.access.n == PAGES, "each page is touched once"
            assert done.fault.n <= PAGES
            copied = done.collector["copied"] + done.faults["copied"]
            if way.collector_by == way.fault_by == MOVE:
                assert copied == 0
                assert done.collector["moved"] + done.faults["moved"] + lost >= PAGES
                assert done.left == 0, "what was moved is gone from from-space"
            if way.collector_by == way.fault_by == COPY:
                assert copied == PAGES
                assert done.left == PAGES
            if way.handler is Handler.THREAD:
                assert all(thread.fault_ns == 0 for thread in done.threads), "mutators serve nothing themselves"
                assert done.handler_cpu_ns > 0 or not done.fault.n
            else:
                assert done.wakes == done.handler_cpu_ns == 0
                assert sum(thread.fault_ns for thread in done.threads) == done.fault.sum
            assert sum(thread.access_ns for thread in done.threads) == done.access.sum
            if not way.states:
                assert lost >= done.fault.n - mapped(done.faults), "a fault that mapped nothing was told EEXIST"

    @pytest.mark.parametrize("by", [MOVE, COPY])
    def test_without_states_the_kernel_is_asked_for_every_page(self, by: int) -> None:
        """Mutators are through before the sweep begins: each of its pages is there, and only EEXIST can say so."""
        way = ways()["move-no-states" if by == MOVE else "copy-no-states"]
        done = run_here(msgspec.structs.replace(request_for(way, 64, 2, 1), late_ns=200_000_000))
        assert invalid_reason(done, 64) == ""
        calls = done.collector["move_calls"] + done.collector["copy_calls"]
        assert calls == done.collector["lost"] == 64 - mapped(done.collector)
        seen = run_here(msgspec.structs.replace(request_for(ways()["move"], 64, 2, 1), late_ns=200_000_000))
        assert seen.collector["move_calls"] == 0, "with states no thread asks for what is mapped"

    def test_tiny_windows_have_spans_that_can_be(self) -> None:
        """256 KiB, where mutators are through before a collector that is woken by the barrier gets a processor."""
        for seed in range(200):
            way = ways()[("copy", "move", "copy-thread", "move-thread")[seed % 4]]
            before = time.monotonic_ns()
            done = run_here(request_for(way, 64, 2, seed))
            outer = time.monotonic_ns() - before
            assert invalid_reason(done, 64) == ""
            assert 0 < done.mutator_ns < outer
            assert 0 < done.collector_ns < outer
            assert done.mutator_ns == max(thread.ns for thread in done.threads)
            for thread in done.threads:
                assert thread.late_ns + thread.access_ns <= thread.ns

    def test_a_collector_that_is_scheduled_late_does_not_shorten_the_window(self) -> None:
        late = 30_000_000
        done = run_here(msgspec.structs.replace(request_for(ways()["copy"], 64, 2, 1), late_ns=late))
        assert invalid_reason(done, 64) == ""
        assert done.collector_ns >= late
        assert done.mutator_ns >= done.access.sum / 2

    def test_a_clock_that_runs_backwards_makes_a_window_invalid(self) -> None:
        done = run_here(msgspec.structs.replace(request_for(ways()["copy"], 64, 2, 1), skew_ns=3600 * 10**9))
        assert "before the start of the window" in invalid_reason(done, 64)
        assert done.mutator_ns == done.collector_ns == 0

    @pytest.mark.parametrize("by", [MOVE, COPY])
    @pytest.mark.parametrize("batch", [0, 512])
    def test_an_error_on_the_handler_thread_ends_the_window(self, by: int, batch: int) -> None:
        way = ways()["move-thread" if by == MOVE else "copy-thread"]
        call = lib.GCP_VERB_MOVE if by == MOVE else lib.GCP_VERB_COPY
        lib.gcp_inject(call, 2, 1 << 40, errno.EFAULT)
        try:
            done = run_here(msgspec.structs.replace(request_for(way, PAGES, 2, 1), collector_pages=batch))
        finally:
            lib.gcp_inject(call, 0, 0, 0)
        assert done.err == errno.EFAULT
        assert "Bad address" in invalid_reason(done, PAGES)

    @settings(deadline=None, max_examples=40)
    @given(
        pages=st.integers(1, 700),
        mutators=st.integers(1, 4),
        collector_by=st.sampled_from([MOVE, COPY]),
        collector_pages=st.sampled_from([0, 1, 3, 16, 600]),
        fault_by=st.sampled_from([MOVE, COPY]),
        fault_pages=st.sampled_from([1, 2, 7, 64, 1024]),
        region_pages=st.sampled_from([0, 5, 64]),
        handler=st.sampled_from([lib.GCP_HANDLER_SIGBUS, lib.GCP_HANDLER_THREAD]),
        no_states=st.sampled_from([0, 1]),
        seed=st.integers(0, 2**32),
    )
    def test_any_mixture(self, **config: Any) -> None:
        """Also without a collector, with groups that end beyond the space, and with batches longer than a region."""
        done = run_here(Request(**config))
        assert invalid_reason(done, config["pages"]) == ""

    def test_what_can_not_be_is_refused(self) -> None:
        good = request_for(ways()["move"], PAGES, 2, 1)
        for bad in ({"pages": 0}, {"mutators": 0}, {"mutators": 65}, {"fault_pages": 0}, {"fault_by": 7}):
            assert run_here(msgspec.structs.replace(good, **bad)).err != 0

    def test_a_window_that_hangs_is_killed(self) -> None:
        with WindowLab(timeout=0.001) as lab, pytest.raises(WorkerDied, match="no answer"):
            lab.run(request_for(ways()["move-plain"], 65536, 2, 1))


def test_windows_that_prove_nothing() -> None:
    good = {"moved": 8, "copied": 0, "copied_after_ebusy": 0, "zeroed": 0}
    good["lost"] = 0
    none = dict.fromkeys(good, 0)

    def window(**other: object) -> Window:
        empty = Counts()
        fields = {"err": 0, "reason": "", "mutator_ns": 1, "collector_ns": 1, "access": empty, "fault": empty}
        fields |= {"runs": empty, "collector": good, "faults": none, "wrong": 0, "unmapped": 0, "left": 0}
        return Window(**fields | other)  # type: ignore[arg-type]

    assert invalid_reason(window(), 8) == ""
    assert "wrong words or pages: 1;" in invalid_reason(window(wrong=1), 8)
    assert "pages of to-space not present: 2" in invalid_reason(window(unmapped=2), 8)
    assert "pages mapped by the accounts: 8" in invalid_reason(window(), 9)
    assert invalid_reason(window(faults=none | {"lost": 1}), 9) == "", (
        "moved, and EEXIST for all who asked: a kernel bug"
    )
    assert "pages mapped by the accounts: 8" in invalid_reason(window(), 7)
    assert "holes" in invalid_reason(window(collector=good | {"moved": 7, "zeroed": 1}), 8)
    assert invalid_reason(window(err=22, reason="the sweep: Invalid argument"), 8) == "the sweep: Invalid argument"


@pytest.mark.needs("move")
def test_a_run_in_all_ways() -> None:
    known = ways()
    order = WindowParameters(
        list(known.values()), [Placement.UNPLACED], pages=1024, batch=512, group=16, mutators=2, rounds=3
    )
    seen: list[int] = []
    result = run(order, lambda done, _total: seen.append(done))
    assert seen == list(range(1, 4 * len(known) + 1))
    assert [one.scenario.way for one in result.measurements if isinstance(one.scenario, WindowScenario)] == list(known)
    for one in result.measurements:
        assert one.valid
        assert isinstance(one.scenario, WindowScenario)
        assert isinstance(one.figures, WindowFigures)
        assert one.figures.access
        assert len(one.samples) == 3
        assert len(one.warmup) == 1
        assert one.proof.contents == 3 * 1024
        assert one.figures.access.n == 3 * 1024
        assert (one.ratio_to_copy is None) == (one.scenario.way == "copy")


@pytest.mark.needs("move")
class TestCommand:
    def test_table_and_file(self, tmp_path: Path) -> None:
        done = run_gcproto("gc", "window", "--size", "8m", "--rounds", "3", "--out", str(tmp_path))
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("kernel ")
        assert "The window after the flip: 8M" in done.stdout
        for name in ("copy", "move", "move-group", "move-plain"):
            assert f"\n{name} " in done.stdout
        (path,) = tmp_path.glob("window-*.json")
        assert isinstance(load(path).experiment, WindowExperiment)
        assert run_gcproto("show", str(path)).stdout == done.stdout
        assert run_gcproto("show", "--wide", str(path)).returncode == 0

    def test_json(self, tmp_path: Path) -> None:
        done = run_gcproto(
            "gc",
            "window",
            "--size",
            "4m",
            "--rounds",
            "3",
            "--ways",
            "copy,move",
            "--json",
            *("--placement", "unplaced", "--out", str(tmp_path)),
        )
        assert [one["scenario"]["way"] for one in json.loads(done.stdout)["measurements"]] == ["copy", "move"]

    @pytest.mark.needs("two_cpus")
    @pytest.mark.parametrize(
        ("words", "placements"),
        [
            (("--placement", "own,shared,unplaced"), ["own", "shared", "unplaced"]),
            (("--pin",), ["own"]),
            ((), ["own", "shared"]),
        ],
    )
    def test_each_way_in_each_placement(self, tmp_path: Path, words: tuple[str, ...], placements: list[str]) -> None:
        done = run_gcproto(
            "gc", "window", "--size", "1m", "--rounds", "3", "--ways", "copy", *words, "--json", "--out", str(tmp_path)
        )
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert [one["scenario"]["placement"] for one in said["measurements"]] == placements
        assert all(one["scenario"]["mutators"] == len(os.sched_getaffinity(0)) - 1 for one in said["measurements"])
        places = said["environment"]["placements"]
        assert places["own"]["collector"] not in places["own"]["mutators"]

    def test_a_processor_of_its_own_needs_two(self, tmp_path: Path) -> None:
        command = ["taskset", "-c", str(min(os.sched_getaffinity(0))), sys.executable, "-m", "gcproto.cli.main"]
        words = ["gc", "window", "--size", "1m", "--rounds", "3", "--ways", "copy", "--out", str(tmp_path)]
        own = subprocess.run([*command, *words, "--placement", "own"], capture_output=True, text=True, check=False)
        assert own.returncode == 3
        assert "may run on one processor" in own.stderr
        assert "--placement shared" in own.stderr
        shared = subprocess.run(
            [*command, *words, "--placement", "shared"], capture_output=True, text=True, check=False
        )
        assert shared.returncode == 0, shared.stderr

    @pytest.mark.parametrize(
        ("args", "code", "said"),
        [
            (("--ways", "cheese"), 2, "unknown way 'cheese'"),
            (("--size", "cheese"), 2, "is not a size"),
            (("--size", "1"), 2, "not a whole number of pages"),
            (("--mutators", "0"), 2, "--mutators"),
            (("--ways", "copy,copy"), 2, "twice"),
            (("--placement", "cheese"), 2, "unknown placement 'cheese'"),
            (("--placement", ""), 2, "--placement"),
            (("--placement", "own,own"), 2, "twice"),
            (("--pin", "--placement", "own"), 2, "exclude each other"),
            (("--size", "60g"), 3, "does not fit"),
        ],
    )
    def test_mistakes(self, tmp_path: Path, args: tuple[str, ...], code: int, said: str) -> None:
        if machine().page_size != 4096 and code == 3:
            pytest.skip("60 GiB are fewer pages here")
        done = run_gcproto("gc", "window", *args, "--out", str(tmp_path))
        assert done.returncode == code, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.needs("nobody")
    def test_unprivileged(self, tmp_path: Path) -> None:
        out = tmp_path / "results"
        out.mkdir()
        for folder in (out, tmp_path, *tmp_path.parents[:2]):
            folder.chmod(folder.stat().st_mode | 0o5)
        out.chmod(0o777)
        done = run_unprivileged("gc", "window", "--size", "4m", "--rounds", "3", "--out", str(out), cwd=Path("/"))
        assert done.returncode == 0, done.stderr
