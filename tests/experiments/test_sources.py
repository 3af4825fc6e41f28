"""Sources with a given order of page frames and a given working set: made, proven, refused."""

import errno
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcproto._native import ffi, lib
from gcproto.chars import text_of
from gcproto.experiments.frame import TRIES
from gcproto.experiments.paths.names import ARMS, FRAMES, KINDS, WORKING_SETS
from gcproto.experiments.paths.round import DISTURBED, UNABLE, VALID, Request, Round, new_prover, request_for, run
from gcproto.host.machine import machine
from gcproto.host.settings import Settings
from gcproto.results.schema import PathScenario, with_fields
from tests.support.memory import PAGE, PRESENT, Region
from tests.support.processes import SETPRIV, unprivileged_python

if TYPE_CHECKING:
    from gcproto._native import gcp_prover_ptr

HERE = machine()
BLOCK = HERE.pmd_size // PAGE
"""As often as the runner makes a source again that came out otherwise."""


@pytest.fixture(scope="module")
def prover() -> "gcp_prover_ptr":
    return new_prover()


def request(**changes: Any) -> Request:
    """A move of 8 MiB of small folios, but for ``changes``."""
    names: dict[str, dict[str, int]] = {"frames": FRAMES, "working_set": WORKING_SETS, "arm": ARMS, "source": KINDS}
    plain: dict[str, Any] = {
        "source": "small", "order": 0, "arm": "move", "skew_pages": 0, "granule": HERE.pmd_size, "pages": 4 * BLOCK,
        "cpu": -1, "touch_cpu": -1, "slow_permille": 0, "seed": 1, "frames": "any", "working_set": "any",
    }  # fmt: skip
    fields = plain | changes
    numbers = {key: names[key][value] for key, value in fields.items() if key in names and isinstance(value, str)}
    return Request(**{**fields, **numbers})


def done(prover: "gcp_prover_ptr", asked: Request) -> Round:
    """A round as the runner runs it; it pins this thread, which is undone."""
    allowed = os.sched_getaffinity(0)
    try:
        for _ in range(TRIES):
            got = run(prover, asked)
            if got.status != DISTURBED and (got.status != UNABLE or got.err != errno.EAGAIN):
                break
    finally:
        os.sched_setaffinity(0, allowed)
    return got


@contextmanager
def view(entries: list[int], have: int) -> Iterator[Any]:
    """A view of a range with these pagemap words."""
    made = ffi.new("struct gcp_view *")
    assert lib.gcp_view_init(len(entries), made) == 0
    made.pages, made.have = len(entries), have
    for page, entry in enumerate(entries):
        made.entries[page] = entry
    yield made
    lib.gcp_view_deinit(made)


def order_of(entries: list[int], order: int = 0, have: int = lib.GCP_PROOF_PFN) -> Any:
    seen = ffi.new("struct gcp_frame_order *")
    with view(entries, have) as made:
        assert lib.gcp_frames_look(made, order, seen) == 0
    return seen


def reached(frames: str, seen: Any) -> bool:
    return bool(lib.gcp_frames_reached(FRAMES[frames], seen))


def folios(heads: list[int], order: int) -> list[int]:
    """Pagemap words of folios by their first frames; 0 is a folio that is not there."""
    return [(PRESENT | head + page) if head else 0 for head in heads for page in range(1 << order)]


# What is read from pagemap, and how it is judged.


@given(
    st.integers(0, 4),
    st.lists(st.one_of(st.integers(0, 40), st.integers(0, 5000)), min_size=1, max_size=60),
)
def test_neighbours_are_counted_as_a_model_counts_them(order: int, places: list[int]) -> None:
    heads = [place << order for place in places]
    seen = order_of(folios(heads, order), order)
    pairs = [(a, b) for a, b in pairwise(heads) if a and b]
    assert seen.pairs == len(pairs)
    assert seen.adjacent == sum(abs(a - b) == 1 << order for a, b in pairs)
    assert seen.blocks == len({head >> HERE.pmd_order for head in heads if head})


def test_both_directions_are_neighbours_and_other_steps_are_not() -> None:
    up, down, apart = list(range(100, 200)), list(range(200, 100, -1)), list(range(100, 300, 2))
    assert [order_of(folios(heads, 0)).adjacent for heads in (up, down, apart)] == [99, 99, 0]
    assert [order_of(folios([n << 4 for n in heads], 4), 4).adjacent for heads in (up, down, apart)] == [99, 99, 0]
    assert order_of(folios([n + (n >> 4) for n in up], 0)).adjacent < 99


def test_who_may_not_read_frames_knows_no_pair() -> None:
    seen = order_of(folios(list(range(1, 100)), 0), have=lib.GCP_PROOF_PAGEMAP)
    assert (seen.pairs, seen.adjacent, seen.blocks) == (0, 0, 0)
    assert not reached("consecutive", seen)
    assert not reached("shuffled", seen)
    assert reached("any", seen)


@pytest.mark.parametrize("n", [32, 128, 2048, 65536])
def test_the_limits_tell_order_from_disorder(n: int) -> None:
    """From the smallest number of folios that is allowed on, neither passes as the other."""
    even = ffi.new("struct gcp_frame_order *", {"pairs": n - 1, "adjacent": n - 1, "blocks": n})
    assert reached("consecutive", even)
    assert not reached("shuffled", even)
    # A random order has two adjacent pairs on average, and more than 8 in 2 of 10,000.
    for adjacent, random in ((0, True), (2, True), (8, True), (9 + n // 100, False)):
        seen = ffi.new("struct gcp_frame_order *", {"pairs": n - 1, "adjacent": adjacent, "blocks": n})
        assert reached("shuffled", seen) == random
        assert not reached("consecutive", seen)
    assert not lib.gcp_frames_reached(len(FRAMES), even)


def look(prover: "gcp_prover_ptr", region: Region) -> Any:
    seen = ffi.new("struct gcp_frame_order *")
    made = ffi.new("struct gcp_view *")
    assert lib.gcp_view_init(region.pages, made) == 0
    assert lib.gcp_view_read(prover, region.start, region.pages, made) == 0
    assert lib.gcp_frames_look(made, 0, seen) == 0
    lib.gcp_view_deinit(made)
    return seen


def fill(start: int, frames: str, seed: int) -> None:
    """A block of small folios; skips where memory has no block."""
    what = ffi.new("const char **")
    err = -lib.gcp_frames_fill(start, BLOCK, 0, FRAMES[frames], seed, what)
    if err in {errno.ENOMEM, errno.EAGAIN, errno.EBUSY}:
        pytest.skip(f"{text_of(what[0])}: {os.strerror(err)}: memory is too fragmented")
    assert err == 0, (text_of(what[0]), os.strerror(err))


@pytest.mark.needs("move", "pfn", "thp")
def test_a_range_filled_in_order_is_not_taken_for_a_shuffled_one(prover: "gcp_prover_ptr") -> None:
    """Frames that were freed in order come back in order: touching alone must not pass as SHUFFLED."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})  # free pages are kept by processor
    shares: dict[str, list[float]] = {"any": [], "shuffled": []}
    try:
        for seed in range(10):
            for frames, share in shares.items():
                area = lib.gcp_region_alloc(BLOCK * PAGE, 0)
                fill(int(ffi.cast("uintptr_t", area)), "consecutive", 1)
                lib.gcp_region_free(area, BLOCK * PAGE)
                with Region(BLOCK) as region:
                    fill(region.start, frames, seed)
                    assert lib.gcp_content_check(region.start, 0, BLOCK, seed) == -1
                    seen = look(prover, region)
                assert reached("shuffled", seen) == (seen.adjacent <= 8 + seen.pairs // 100)
                share.append(seen.adjacent / seen.pairs)
    finally:
        os.sched_setaffinity(0, allowed)
    assert max(shares["any"]) > 0.5, "what was freed in order does not come back in order: this test shows nothing"
    assert max(shares["shuffled"]) < 0.05


# Rounds on such sources.


@pytest.mark.needs("move", "pfn", "thp")
@pytest.mark.parametrize("source", ["small", "forked", "pinned"])
def test_each_order_comes_out_whatever_came_before(prover: "gcp_prover_ptr", source: str) -> None:
    """Free pages remember the order in which they were freed: after a shuffled range all others were shuffled too."""
    arm = "move" if source == "small" else "copy"
    pages = 2 * BLOCK  # what RLIMIT_MEMLOCK lets be pinned
    for seed in range(4):
        for frames in ("shuffled", "consecutive", "consecutive", "shuffled"):
            got = done(prover, request(source=source, frames=frames, seed=seed, arm=arm, pages=pages))
            assert got.status == VALID, got.reason
            assert got.frames_pairs == pages - 1
            assert got.contents == pages
            share = got.frames_adjacent / got.frames_pairs
            assert share >= 0.99 if frames == "consecutive" else share < 0.02
            assert got.frames_blocks == pages // BLOCK
            if arm == "move":
                assert (got.target_adjacent, got.target_blocks) == (got.frames_adjacent, got.frames_blocks)


@pytest.mark.needs("move", "pfn", "thp")
def test_consecutive_folios_are_small_ones(prover: "gcp_prover_ptr") -> None:
    """They come from split THPs, and MOVE must find nothing left to split."""
    got = done(prover, request(frames="consecutive"))
    assert got.status == VALID, got.reason
    assert (got.folios_split, got.pmd_splits, got.order_after[0], got.path) == (0, 0, 4 * BLOCK, "moved")
    assert got.pfn_kept == 4 * BLOCK


@pytest.mark.needs("move", "pfn", "thp", "root")
def test_consecutive_frames_need_no_setting(prover: "gcp_prover_ptr") -> None:
    """The path lab switches all sizes of large folios off for small ones."""
    with Settings() as changed:
        changed.mthp_only(None)
        got = done(prover, request(frames="consecutive"))
        assert got.status == VALID, got.reason


@pytest.mark.needs("move", "pfn", "mthp", "root")
def test_large_folios_are_shuffled_whole(prover: "gcp_prover_ptr") -> None:
    order = 4
    with Settings() as changed:
        changed.quiet_khugepaged()
        changed.mthp_only(order)
        got = done(prover, request(source="mthp", order=order, frames="shuffled", pages=8 * BLOCK))
        assert got.status == VALID, got.reason
        assert got.frames_pairs == (8 * BLOCK >> order) - 1
        assert got.frames_adjacent <= 8 + got.frames_pairs // 100
        assert got.contents == 8 * BLOCK
        even = done(prover, request(source="mthp", order=order, frames="consecutive", pages=8 * BLOCK))
    # Large folios lie as the allocator has them: either that is consecutive, or it is said that it is not.
    if even.status == VALID:
        assert even.frames_adjacent >= 0.99 * even.frames_pairs
    else:
        assert (even.status, even.err) == (UNABLE, errno.EAGAIN)
        assert "neighbours in memory" in even.reason


@pytest.mark.needs("move", "thp")
@pytest.mark.parametrize(
    ("err", "told", "reason"),
    [(errno.EBUSY, errno.EAGAIN, "UFFDIO_MOVE"), (errno.ENOTTY, errno.EOPNOTSUPP, "UFFDIO_MOVE 6.8")],
)
def test_a_shuffle_that_cannot_be_finished_is_no_source(
    prover: "gcp_prover_ptr", err: int, told: int, reason: str
) -> None:
    """A page that stays busy, or a kernel without MOVE; the next round is a whole one again."""
    asked = request(frames="shuffled", arm="mremap")
    lib.gcp_inject(lib.GCP_VERB_MOVE, 77, 1 << 20, err)
    try:
        got = run(prover, asked)
        assert lib.gcp_inject_done(lib.GCP_VERB_MOVE) > 0
    finally:
        lib.gcp_inject(lib.GCP_VERB_MOVE, 0, 0, 0)
    assert (got.status, got.err) == (UNABLE, told), got.reason
    assert "shuffled frames" in got.reason
    assert reason in got.reason
    lib.gcp_inject(lib.GCP_VERB_MOVE, 77, 3, errno.EBUSY)
    try:
        assert done(prover, asked).status == VALID, "a passing reference is waited for"
    finally:
        lib.gcp_inject(lib.GCP_VERB_MOVE, 0, 0, 0)


@pytest.mark.needs("move")
def test_without_a_wish_the_order_is_only_told(prover: "gcp_prover_ptr") -> None:
    got = done(prover, request())
    assert got.status == VALID, got.reason
    assert got.frames_pairs in {0, 4 * BLOCK - 1}
    assert (got.range_bytes, got.streamed_bytes) == (4 * HERE.pmd_size, 0)


@pytest.mark.needs("move")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"frames": 3}, "no order of page frames 3"),
        ({"frames": "shuffled", "source": "zero", "arm": "copy"}, "no page frames of its own"),
        ({"frames": "shuffled", "source": "hole"}, "no page frames of its own"),
        ({"frames": "consecutive", "source": "swapped"}, "no page frames of its own"),
        ({"frames": "shuffled", "pages": 31}, "31 folios are too few"),
        ({"frames": "consecutive", "pages": BLOCK // 2}, "whole blocks"),
        ({"frames": "shuffled", "pages": BLOCK + 32}, "whole blocks"),
        ({"frames": "shuffled", "source": "thp", "order": HERE.pmd_order}, "4 folios are too few"),
        ({"working_set": 3}, "no working set 3"),
        ({"working_set": "memory"}, f"{4 * BLOCK} pages is too small"),
        ({"working_set": "cache", "pages": BLOCK * (HERE.llc_bytes // 2 // HERE.pmd_size + 1)}, "more than half"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    prover: "gcp_prover_ptr", changes: dict[str, Any], reason: str
) -> None:
    if BLOCK * 4 >= lib.GCP_MEMORY_MIN_PAGES and changes.get("working_set") == "memory":
        changes = {**changes, "pages": lib.GCP_MEMORY_MIN_PAGES - 1}
        reason = "too small"
    got = run(prover, request(**changes))
    assert (got.status, got.err) == (UNABLE, errno.EINVAL), got.reason
    assert reason in got.reason


# Where the work finds what it touches.


def test_the_last_level_cache_is_that_of_sysfs() -> None:
    """Of one processor: sysconf(3) adds up all of a package on some machines."""
    caches = Path(f"/sys/devices/system/cpu/cpu{min(os.sched_getaffinity(0))}/cache")
    found = {}
    for index in caches.glob("index*"):
        if (index / "size").exists() and (index / "type").read_text().strip() != "Instruction":
            kib = (index / "size").read_text().strip()
            assert kib.endswith("K")
            found[int((index / "level").read_text())] = int(kib[:-1]) * 1024
    if not found:
        pytest.skip("sysfs describes no caches here")
    assert HERE.llc_bytes == found[max(found)]


@pytest.mark.needs("move")
def test_memory_is_evicted_and_says_by_how_much(prover: "gcp_prover_ptr") -> None:
    if not HERE.llc_bytes:
        pytest.skip("the size of the last-level cache is unknown")
    pages = -(-lib.GCP_MEMORY_MIN_PAGES // BLOCK) * BLOCK
    got = done(prover, request(working_set="memory", pages=pages))
    assert got.status == VALID, got.reason
    assert (got.range_bytes, got.streamed_bytes) == (pages * PAGE, 8 * HERE.llc_bytes)
    cached = done(prover, request(working_set="cache", pages=BLOCK))
    if HERE.llc_bytes >= 2 * HERE.pmd_size:
        assert (cached.status, cached.streamed_bytes) == (VALID, 0), cached.reason


def test_a_request_names_both() -> None:
    scenario = PathScenario("small", 0, "move", 65536, "congruent", 1, 512)
    plain = request_for(scenario, -1, -1, 1)
    asked = request_for(with_fields(scenario, frames="shuffled", working_set="memory"), -1, -1, 1)
    assert (plain.frames, plain.working_set) == (FRAMES["any"], WORKING_SETS["any"])
    assert (asked.frames, asked.working_set) == (lib.GCP_FRAMES_SHUFFLED, lib.GCP_WORKING_SET_MEMORY)
    with pytest.raises(KeyError):
        request_for(with_fields(scenario, frames="even"), -1, -1, 1)


# Without privilege.

AS_NOBODY = """
import json, sys
from gcproto.experiments.paths.round import Request, new_prover, run
import msgspec
prover = new_prover()
rounds = [run(prover, msgspec.convert(asked, Request)) for asked in json.loads(sys.argv[1])]
print(json.dumps([msgspec.to_builtins(one) for one in rounds]))
"""


@pytest.mark.needs("move", "nobody", "thp")
def test_without_privilege_the_order_is_made_but_not_proven() -> None:
    """Frames can't be read: no pair is claimed.  What only reading could show is not made at all."""
    found = unprivileged_python()
    assert found
    python, env = found
    asked = [
        request(frames="consecutive"),
        request(frames="shuffled"),
        request(frames="consecutive", source="mthp", order=max(1, HERE.pmd_order - 2), pages=64 * BLOCK),
    ]
    ended = subprocess.run(
        [*SETPRIV, python, "-c", AS_NOBODY, json.dumps([msgspec.to_builtins(one) for one in asked])],
        capture_output=True, text=True, check=False, timeout=60, cwd="/", env={**os.environ, **env, "HOME": "/"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    small, shuffled, large = (msgspec.convert(one, Round) for one in json.loads(ended.stdout))
    for got in (small, shuffled):
        assert got.status == VALID, got.reason
        assert not got.have & lib.GCP_PROOF_PFN
        assert (got.frames_pairs, got.frames_adjacent, got.frames_blocks) == (0, 0, 0)
        assert (got.contents, got.path) == (4 * BLOCK, "moved")
    assert (large.status, large.err) == (UNABLE, errno.EPERM)
    assert "only root can see" in large.reason


# Any combination.


@pytest.mark.needs("move", "thp")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frames=st.sampled_from(["any", "consecutive", "shuffled"]),
    working_set=st.sampled_from(["any", "memory"]),
    arm=st.sampled_from(["move", "copy", "copy_discard", "move_fallback", "mremap", "tao", "move_bare"]),
    blocks=st.integers(1, 9),
    granule=st.sampled_from([1, 7, 16, BLOCK, 3 * BLOCK]),
    skew=st.integers(0, 1),
    touched=st.booleans() if HERE.cpus > 1 else st.just(False),
    seed=st.integers(0, 2**63),
)
def test_any_round_on_them_is_valid(
    prover: "gcp_prover_ptr",
    frames: str,
    working_set: str,
    arm: str,
    blocks: int,
    granule: int,
    skew: int,
    touched: bool,
    seed: int,
) -> None:
    """Each page accounted for, each content right, the frames in the order asked."""
    pages = blocks * BLOCK
    cpus = sorted(os.sched_getaffinity(0))
    got = done(
        prover,
        request(
            frames=frames, working_set=working_set, arm=arm, pages=pages, granule=granule * PAGE, skew_pages=skew,
            cpu=cpus[-1], touch_cpu=cpus[0] if touched else -1, seed=seed,
        ),
    )  # fmt: skip
    if working_set == "memory" and pages < lib.GCP_MEMORY_MIN_PAGES:
        assert (got.status, got.err) == (UNABLE, errno.EINVAL)
        return
    # A disturbed round has passed all of its proofs; only another process had the second thread's processor.
    assert got.status in {VALID, DISTURBED}, got.reason
    assert got.contents == got.account["asked"] == pages
    if got.frames_pairs:
        seen = ffi.new("struct gcp_frame_order *", {"pairs": got.frames_pairs, "adjacent": got.frames_adjacent})
        assert reached(frames, seen)
