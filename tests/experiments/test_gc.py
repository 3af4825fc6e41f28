"""Workloads on heaps: mutator threads and the collector together, in this process and through the command."""

import errno
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gcproto._native import lib
from gcproto.collector.modes import MODES
from gcproto.errors import GcprotoError
from gcproto.experiments.session.request import Session, SessionRequest
from gcproto.experiments.session.run import run
from gcproto.heap.workloads import NAMES, workload
from gcproto.heap.workloads.recording import load
from gcproto.results.schema import ModeOptions, with_fields
from tests.support.processes import run_gcproto as gcproto

pytestmark = [pytest.mark.needs("move"), pytest.mark.timeout(300)]

MIB = 1 << 20
OPERATIONS = {"trees": 6000, "lru": 30_000, "graph": 120_000, "arrays": 300, "sparse": 3, "prefix": 5000, "replay": 40}
MUTATION = {"graph": 20}
TRACE = """gcproto-trace 1
a list 64 4
a x 24 0
w list 0 x
f x
a big 70000 9
w list 3 big
w big 8 list
f big
a y 4096 0
f y
w list 3 -
"""


def request(**changes: Any) -> SessionRequest:
    name = changes.get("workload", "trees")
    plain = {
        "mode": "move",
        "options": ModeOptions(),
        "workload": name,
        "capacity": 32 * MIB,
        "mutators": 4,
        "live_bytes": 2 * MIB,
        "operations": OPERATIONS[name],
        "mutation": MUTATION.get(name, 100),
        "fragmentation": 500,
        "seed": 1,
        "verify": True,
    }
    return SessionRequest(**{**plain, **changes})


def recorded(tmp_path: Path) -> str:
    path = tmp_path / "trace"
    path.write_text(TRACE + "".join(f"a g{i} {2000 + i} 1\nw g{i} 0 list\nf g{i}\n" for i in range(400)))
    return str(path)


def assert_right(done: Session) -> None:
    assert not done.failure
    assert not done.wrong
    assert not done.failures
    assert done.verified == len(done.collections)


@pytest.mark.parametrize("mode", [name for name, mode in MODES.items() if mode.collects])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "dump"])  # tests/dumps collects dumps
def test_every_workload_in_every_mode(name: str, mode: str, tmp_path: Path) -> None:
    recording = recorded(tmp_path) if name == "replay" else ""
    done = run(request(workload=name, mode=mode, recording=recording, trigger_share=0.5))
    assert_right(done)
    assert done.collections, "nothing was collected: this proves nothing"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("replay", "dump")])
def test_a_seed_says_what_is_allocated(name: str) -> None:
    one = run(request(workload=name, verify=False))
    other = run(request(workload=name, verify=False, mode="memmove", capacity=40 * MIB))
    third = run(request(workload=name, verify=False, seed=2))
    assert one.digests == other.digests
    assert one.digests != third.digests
    assert one.allocated_objects == other.allocated_objects


def test_without_collection_nothing_is_collected() -> None:
    done = run(request(mode="none", capacity=256 * MIB, verify=False))
    assert not done.failure
    assert not done.collections


def test_without_collection_there_is_no_map() -> None:
    done = run(request(mode="none", capacity=256 * MIB, verify=False, map=True))
    assert not done.failure


def test_without_collection_memory_runs_out_and_that_is_said() -> None:
    done = run(request(mode="none", capacity=64 * MIB, verify=False))
    assert done.out_of_memory
    assert "out of memory" in done.failure


def test_out_of_memory_is_said_and_nothing_is_corrupted() -> None:
    done = run(request(live_bytes=16 * MIB))
    assert done.out_of_memory
    assert "out of memory" in done.failure
    assert not done.wrong


@pytest.mark.needs("io_uring")
@pytest.mark.parametrize("ebusy", ["copy", "touch", "backoff", "mutators-copy"])
def test_pinned_pages_all_the_time(ebusy: str) -> None:
    # Dense pages are moved out of the page frames that are pinned.  Whether a pin meets a page that is being moved is
    # the scheduler's choice, so several runs may be needed; each of them must be right.
    refused = 0
    for seed in range(1, 31):
        done = run(
            request(
                workload="prefix",
                disturb="pins",
                options=ModeOptions(ebusy=ebusy),
                operations=20_000,
                fragmentation=10,
                seed=seed,
            )
        )
        assert_right(done)
        refused += sum(one.collector.ebusy + one.faults.ebusy for one in done.collections)
        if refused:
            break
    assert refused > 0


@pytest.mark.parametrize(
    "options", [ModeOptions(fault_by="copy"), ModeOptions(ready_by="move"), ModeOptions(early_by="move")]
)
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("pages", [1, 3, 64])
def test_choices_within_a_mode(options: ModeOptions, whole: bool, pages: int) -> None:
    fresh = "recycled" if whole else "kernel"
    choices = with_fields(options, fresh=fresh, fault_pages=pages, flush_bytes=65536, reserve_pages=2)
    assert_right(run(request(workload="sparse", options=choices)))


@pytest.mark.parametrize("call", [lib.GCP_VERB_MOVE, lib.GCP_VERB_COPY, lib.GCP_VERB_ZEROPAGE, lib.GCP_VERB_UNREGISTER])
@pytest.mark.parametrize("after", [0, 3, 40])
def test_an_error_beside_running_mutators_is_survived(call: int, after: int) -> None:
    """EFAULT of some call in the middle of things: mutators, handlers and the collector come through."""
    done = run(request(mode="art", inject=[(call, after if call != lib.GCP_VERB_UNREGISTER else 0, 1, 14)]))
    assert not done.failure
    assert not done.wrong
    assert all("014" in text for text in done.failures)


ERRORS = {
    lib.GCP_VERB_REGISTER: (errno.ENOMEM,),
    lib.GCP_VERB_UNREGISTER: (errno.EINVAL,),
    lib.GCP_VERB_REMAP: (errno.ENOMEM,),
    lib.GCP_VERB_MADVISE: (errno.ENOMEM,),
    lib.GCP_VERB_ZEROPAGE: (errno.ENOMEM,),
    lib.GCP_VERB_MOVE: (errno.EINVAL, errno.ENOMEM, errno.ESRCH, errno.EFAULT, errno.EAGAIN, errno.EBUSY),
    lib.GCP_VERB_COPY: (errno.EINVAL, errno.ENOMEM, errno.ESRCH, errno.EFAULT, errno.EAGAIN, errno.EBUSY, errno.ENOENT),
}
"""What each call may be told to fail with."""
ONCE = {lib.GCP_VERB_REGISTER, lib.GCP_VERB_UNREGISTER, lib.GCP_VERB_REMAP, lib.GCP_VERB_MADVISE}
"""Called once a collection, so that only the first of them is sure to be reached."""


@pytest.mark.parametrize(("call", "number"), [(call, one) for call, some in ERRORS.items() for one in some])
@pytest.mark.parametrize("mutators", [2, 4])
def test_what_adapts_survives_every_error(call: int, number: int, mutators: int) -> None:
    """Mode auto chooses MOVE or COPY call by call, so either may be the one that fails."""
    for after in (0,) if call in ONCE else (0, 5, 60):
        done = run(request(mode="auto", workload="sparse", mutators=mutators, inject=[(call, after, 1, number)]))
        assert not done.failure
        assert not done.wrong
        assert all(f"{number:03}" in text for text in done.failures)
        if call in ONCE:
            assert done.failures, "a failure must be told"
        if number == errno.EAGAIN or (call, number) == (lib.GCP_VERB_MOVE, errno.EBUSY):
            assert not done.failures


def test_a_trace_file_is_chrome_json(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    done = run(request(mode="art", verify=False, trace=str(path)))
    assert_right_without_verification(done)
    events = json.loads(path.read_text())["traceEvents"]
    names = {event["name"] for event in events}
    assert {"mark", "prepare", "compact", "flip", "final marking", "map"} <= names
    assert all(event["dur"] >= 0 and event["ts"] >= 0 for event in events if event["ph"] == "X")
    assert {event["args"]["name"] for event in events if event["ph"] == "M"} >= {"mutator 0", "mutator 3", "pauses"}


def assert_right_without_verification(done: Session) -> None:
    assert not done.failure
    assert not done.wrong
    assert done.mmu
    assert done.stall.cause


def test_the_command_compares_modes(tmp_path: Path) -> None:
    arguments = ["gc", "--modes", "move,copy,memmove,none", "--live", "4m", "--operations", "8000", "--rounds", "3"]
    done = gcproto(*arguments, "--out", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    by_mode = {one["scenario"]["mode"]: one for one in result["measurements"]}
    assert set(by_mode) == {"move", "copy", "memmove", "none"}
    assert all(one["valid"] and one["median"] > 0 for one in by_mode.values())
    assert by_mode["move"]["ratio_to_copy"]
    assert by_mode["none"]["figures"]["lbo_cpu"] >= 1
    assert any(one["window_ms"] == 10 and one["median"] >= 0 for one in by_mode["move"]["figures"]["mmu"])
    assert by_mode["copy"]["outcome"]["moved"] == 0 < by_mode["copy"]["outcome"]["copied"]
    # The collector of ``move`` moves, and its faults copy.  How many pages are left for the one or the other is decided
    # by who is faster: on this heap, about half.
    collections = [one for each in by_mode["move"]["figures"]["collections"] for one in each if one["measured"]]
    collector, faults = ([one[who] for one in collections] for who in ("collector", "faults"))
    assert sum(one.get("moved", 0) for one in collector) > 0 == sum(one.get("copied", 0) for one in collector)
    assert sum(one.get("copied", 0) for one in faults) > 0 == sum(one.get("moved", 0) for one in faults)
    assert by_mode["move"]["figures"]["histograms"]["pause"].startswith("HIST")
    saved = next(tmp_path.glob("workloads-*.json"))
    shown = gcproto("show", str(saved))
    assert shown.returncode == 0
    assert "memmove" in shown.stdout


def test_a_heap_that_is_too_small_is_a_skip_that_says_so(tmp_path: Path) -> None:
    arguments = [
        "gc",
        "--modes",
        "memmove",
        "--workload",
        "arrays",
        "--live",
        "16m",
        "--heap",
        "1.05x,4x",
        "--rounds",
        "1",
    ]
    done = gcproto(*arguments, "--operations", "200", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "out of memory" in done.stdout
    done = gcproto(*arguments[:-4], "--heap", "1.05x", "--rounds", "1", "--out", str(tmp_path))
    assert done.returncode == 1
    assert "out of memory" in done.stderr
    assert "--heap" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--modes", "magic"], "unknown mode"),
        (["--modes", ""], "no mode"),
        (["--heap", "0.5x"], "--heap"),
        (["--heap", "many"], "--heap"),
        (["--live", "much"], "--live"),
        (["--disturb", "noise"], "unknown disturbance 'noise'"),
        (["--workload", "replay"], "--recording"),
        (["--workload", "replay", "--recording", "/nowhere"], "/nowhere"),
        (["--live", "15g"], "does not fit"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = gcproto("gc", *arguments, "--out", str(tmp_path))
    assert done.returncode in {2, 3}
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_explain() -> None:
    done = gcproto("gc", "--workload", "sparse", "--explain")
    assert done.returncode == 0
    assert "fragmentation" in done.stdout
    assert "memmove" in done.stdout


def test_recordings_in_our_own_form(tmp_path: Path) -> None:
    found = load(Path(recorded(tmp_path)))
    assert found.slots == 2
    assert found.peak_bytes >= 64 + 70000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello world",
        "gcproto-trace 1\na x 0 0\n",
        "gcproto-trace 1\na x 24 1\nw x 1 x\n",
        "gcproto-trace 1\na x 24 1\nw y 0 x\n",
        "gcproto-trace 1\nz\n",
        "@ a:[0] + 0x1 zz",
    ],
)
def test_what_is_no_recording(text: str, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text(text)
    with pytest.raises(GcprotoError):
        load(path)


@pytest.mark.needs("cc")
def test_a_recording_of_glibc_is_replayed(tmp_path: Path) -> None:
    source = tmp_path / "program.c"
    source.write_text(
        "#include <mcheck.h>\n#include <stdlib.h>\nint main(void){mtrace();void*p[64]={0};"
        "for(int i=0;i<5000;i++){free(p[i%64]);p[i%64]=malloc(16+i%900);if(i%7==0)p[i%64]=realloc(p[i%64],2000);}"
        "return 0;}\n"
    )
    subprocess.run(["cc", "-o", str(tmp_path / "program"), str(source)], check=True)
    trace = tmp_path / "mtrace"
    environment = {"MALLOC_TRACE": str(trace), "LD_PRELOAD": "libc_malloc_debug.so.0"}
    subprocess.run([str(tmp_path / "program")], check=True, env=environment)
    found = load(trace)
    assert found.slots >= 64
    assert sum(event[0] == 0 for event in found.events.tolist()) >= 5000
    done = run(request(workload="replay", recording=str(trace), operations=6, capacity=8 * MIB))
    assert_right(done)
    assert done.collections


def test_workloads_say_what_their_knobs_mean() -> None:
    from importlib import import_module

    for name in (name for name in NAMES if name != "dump"):  # a dump has its own objects
        text = import_module(f"gcproto.heap.workloads.{name}").__doc__ or ""
        assert all(knob in text for knob in ("live_bytes", "mutation", "fragmentation"))
        assert workload(name).text
