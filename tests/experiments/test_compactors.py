"""Several compacting threads: the heap stays whole, the accounts add up, and they are found where they were put."""

import errno
import json
from pathlib import Path

import pytest

from gcproto._native import lib
from gcproto.collector.modes import MODES
from gcproto.experiments.placement import Placement
from gcproto.experiments.session.request import Session
from gcproto.experiments.session.run import run
from gcproto.results.schema import ModeOptions, with_fields
from tests.experiments.test_gc import request
from tests.support.processes import run_gcproto as gcproto

pytestmark = [pytest.mark.needs("move"), pytest.mark.timeout(300)]

BESIDE = [name for name, mode in MODES.items() if mode.moves_pages]


def assert_right(done: Session) -> None:
    assert not done.failure
    assert not done.wrong
    assert not done.failures
    assert done.verified == len(done.collections)


def helped(done: Session) -> int:
    """Pages that threads beside the collector's produced."""
    return sum(one.collector.helped for one in done.collections)


@pytest.mark.parametrize("compactors", [2, 4])
@pytest.mark.parametrize("mode", BESIDE)
@pytest.mark.parametrize("name", ["trees", "sparse", "prefix"])
def test_the_heap_stays_whole_in_every_mode(name: str, mode: str, compactors: int) -> None:
    # Whether they get anything to do is the scheduler's choice where processors are few: several runs may be needed.
    options, did = ModeOptions(compactors=compactors), 0
    for seed in range(1, 7):
        done = run(request(workload=name, mode=mode, options=options, seed=seed, mutators=2, trigger_share=0.5))
        assert_right(done)
        assert done.collections
        # Of what the collector is said to have produced, theirs is a part.
        assert all(one.collector.helped <= one.collector.produced for one in done.collections)
        did += helped(done)
        if did:
            break
    assert did > 0


@pytest.mark.parametrize("options", [ModeOptions(granule=16), ModeOptions(regions="always"), ModeOptions(run_pages=3)])
def test_with_granules_and_regions(options: ModeOptions) -> None:
    for name in ("prefix", "sparse"):
        done = run(request(workload=name, options=with_fields(options, compactors=4), trigger_share=0.5))
        assert_right(done)


@pytest.mark.parametrize("memory", ["64k", "2m"])
@pytest.mark.needs("mthp", "root")
def test_with_large_folios(memory: str, tmp_path: Path) -> None:
    words = ("gc", "--workload", "prefix", "--live", "4m", "--heap", "6x", "--modes", "move", "--compactors", "3")
    more = ("--memory", memory, "--policies", "move,whole", "--operations", "4000", "--rounds", "1", "--verify")
    done = gcproto(*words, *more, "--json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert all(one["valid"] for one in json.loads(done.stdout)["measurements"])


def test_one_thread_is_what_it_was() -> None:
    done = run(request())
    assert_right(done)
    assert helped(done) == 0


@pytest.mark.needs("io_uring", "zram")
@pytest.mark.parametrize("mode", ["move", "art", "copy", "auto"])
def test_pins_and_swap_all_the_time(mode: str, tmp_path: Path) -> None:
    words = ("gc", "--mutators", "4", "--live", "8m", "--operations", "40000", "--disturb", "pins,pageout", "--verify")
    done = gcproto(*words, "--modes", mode, "--compactors", "4", "--rounds", "2", "--json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["measurements"]
    assert one["valid"]
    assert not one["invalid_rounds"]
    assert one["scenario"]["options"] == {"compactors": 4}
    assert one["figures"]["verified"] > 0


@pytest.mark.parametrize(
    ("call", "number"),
    [
        (lib.GCP_VERB_MOVE, errno.EINVAL),
        (lib.GCP_VERB_MOVE, errno.EFAULT),
        (lib.GCP_VERB_COPY, errno.ENOMEM),
        (lib.GCP_VERB_COPY, errno.EFAULT),
        (lib.GCP_VERB_ZEROPAGE, errno.ENOMEM),
        (lib.GCP_VERB_UNREGISTER, errno.EINVAL),
        (lib.GCP_VERB_REGISTER, errno.ENOMEM),
        (lib.GCP_VERB_REMAP, errno.ENOMEM),
        (lib.GCP_VERB_MADVISE, errno.ENOMEM),
    ],
)
@pytest.mark.parametrize("mode", ["move", "copy", "remap", "auto"])
@pytest.mark.parametrize("after", [0, 1, 7, 50])
def test_an_error_in_any_thread_is_survived(mode: str, call: int, number: int, after: int) -> None:
    done = run(
        request(
            mode=mode,
            workload="sparse",
            options=ModeOptions(compactors=4, dense_permille=1001),
            inject=[(call, after, 1, number)],
            trigger_share=0.5,
        )
    )
    assert not done.failure
    assert not done.wrong
    assert all(f"{number:03}" in text for text in done.failures)


@pytest.mark.parametrize(
    ("mode", "call", "number"),
    [
        ("art", lib.GCP_VERB_MOVE, errno.EAGAIN),
        ("art", lib.GCP_VERB_MOVE, errno.EBUSY),
        ("copy", lib.GCP_VERB_COPY, errno.EAGAIN),
    ],
)
def test_what_is_answered_is_answered_in_any_thread(mode: str, call: int, number: int) -> None:
    options = ModeOptions(compactors=4, dense_permille=1001)
    done = run(request(mode=mode, workload="sparse", options=options, inject=[(call, 3, 40, number)]))
    assert_right(done)


@pytest.mark.needs("two_cpus")
def test_their_time_is_the_collectors() -> None:
    """CPU time of the other threads counts; they run where the placement says."""
    options = ModeOptions(compactors=4)
    done = run(request(workload="sparse", options=options, mutators=1, verify=False, placement=Placement.OWN))
    assert not done.failure
    assert done.collector_cpu_ns > 0


def test_a_mode_without_a_choice_runs_once(tmp_path: Path) -> None:
    words = ("gc", "--live", "2m", "--operations", "2000", "--rounds", "1", "--modes", "move,memmove,none")
    done = gcproto(*words, "--compactors", "1,3", "--json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = [(one["scenario"]["mode"], one["scenario"]["options"]) for one in json.loads(done.stdout)["measurements"]]
    assert sorted(found, key=str) == [("memmove", {}), ("move", {"compactors": 3}), ("move", {}), ("none", {})]


@pytest.mark.parametrize("words", [["0"], ["5"], ["1,1"], ["two"], ["1,"]])
def test_numbers_that_are_none_are_refused(words: list[str], tmp_path: Path) -> None:
    done = gcproto("gc", "--compactors", *words, "--out", str(tmp_path))
    assert done.returncode == 2
    assert "--compactors" in done.stderr
