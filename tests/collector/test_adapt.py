"""What a heap chooses by what its collections have cost: counters in, a choice out (native/heap/compaction/adapt.c)."""

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from gcproto._native import ffi, lib

if TYPE_CHECKING:
    from gcproto._native import gcp_adapt_ptr, gcp_contest_ptr, gcp_line_ptr, gcp_shown_ptr

PAGES = st.integers(1, 4096)
COSTS = st.integers(0, 50_000)
CALLS = st.lists(st.tuples(PAGES, st.integers(0, 1 << 40)), max_size=60)
GROUPS = (1, 2, 4, 8, 16)


def a_line(fixed: int, page: int) -> "gcp_line_ptr":
    made = ffi.new("struct gcp_line *")
    lib.gcp_line_init(made, fixed, page)
    return made


def an_adapt(interrupt: int = 0) -> "gcp_adapt_ptr":
    made = ffi.new("struct gcp_adapt *")
    lib.gcp_adapt_init(made, interrupt)
    made.release_ps = 0
    return made


@given(CALLS)
def test_a_line_is_never_negative_and_never_falls_with_more_pages(calls: list[tuple[int, int]]) -> None:
    line = a_line(600, 450_000)
    for pages, ns in calls:
        lib.gcp_line_add(line, pages, ns)
        costs = [lib.gcp_line_ns(line, n) for n in (1, 2, 16, 4096, 1 << 24)]
        assert costs == sorted(costs)
        assert all(cost >= 0 for cost in costs)


@given(COSTS, st.integers(10, 5000), st.lists(PAGES, min_size=2, max_size=8, unique=True))
def test_a_line_finds_the_costs_that_calls_have(fixed: int, page: int, sizes: list[int]) -> None:
    line = a_line(fixed + 1, page * 1000)
    for _ in range(200):
        for pages in sizes:
            lib.gcp_line_add(line, pages, fixed + pages * page)
    for pages in sizes:
        real = fixed + pages * page
        assert abs(lib.gcp_line_ns(line, pages) - real) <= 0.05 * real + 5


def test_one_call_that_was_preempted_changes_little() -> None:
    line = a_line(600, 450_000)
    for _ in range(100):
        lib.gcp_line_add(line, 16, 7800)
    before = lib.gcp_line_ns(line, 16)
    lib.gcp_line_add(line, 16, 50_000_000)
    assert lib.gcp_line_ns(line, 16) < 1.5 * before


@given(CALLS, CALLS, st.integers(0, 20_000), PAGES, st.booleans())
def test_the_verb_is_the_cheaper_one(
    moves: list[tuple[int, int]], copies: list[tuple[int, int]], interrupt: int, pages: int, large: bool
) -> None:
    adapt = an_adapt(interrupt)
    for n, ns in moves:
        lib.gcp_adapt_add(adapt, lib.GCP_VERB_MOVE, large, n, ns)
    for n, ns in copies:
        lib.gcp_adapt_add(adapt, lib.GCP_VERB_COPY, 0, n, ns)
    line = ffi.addressof(adapt, "move_large" if large else "move")
    move = lib.gcp_line_ns(line, pages) + interrupt
    copy = lib.gcp_line_ns(ffi.addressof(adapt, "copy"), pages)
    assert lib.gcp_adapt_verb(adapt, pages, large) == (lib.GCP_VERB_MOVE if move < copy else lib.GCP_VERB_COPY)


@given(st.integers(1, 1 << 20), st.integers(0, 5000), st.integers(0, 50_000), st.integers(1, 5000))
def test_a_run_of_a_dense_prefix_weighs_calls_against_waiting(pages: int, update: int, fixed: int, page: int) -> None:
    adapt = an_adapt()
    lib.gcp_line_init(ffi.addressof(adapt, "move"), fixed, page * 1000)
    lib.gcp_line_init(ffi.addressof(adapt, "copy"), fixed * 10, page * 10_000)  # so it is always moved
    for _ in range(40):
        lib.gcp_adapt_updated(adapt, update)
    run, least = lib.gcp_adapt_run(adapt, pages), lib.GCP_ADAPT_LEAST
    assert run >= least
    assert run % least == 0

    def delay(run: int) -> float:  # of a page, half of it
        return pages / run * fixed + run * adapt.update_ns

    if least < run < pages:
        assert delay(run) <= delay(run // 2) * 1.01
    if run < pages:
        assert delay(run) <= delay(run * 4) * 1.01


def test_a_prefix_without_references_is_mapped_in_longer_runs() -> None:
    quick, slow = an_adapt(), an_adapt()
    for _ in range(40):
        lib.gcp_adapt_updated(quick, 10)
        lib.gcp_adapt_updated(slow, 1000)
    assert lib.gcp_adapt_run(quick, 4096) > 4 * lib.gcp_adapt_run(slow, 4096)


def a_contest(group: int) -> "gcp_contest_ptr":
    made = ffi.new("struct gcp_contest *")
    lib.gcp_contest_init(made, group)
    return made


def shown(contest: "gcp_contest_ptr", cost: "dict[int, int]", faults: int = 400) -> "gcp_shown_ptr":
    """A collection in which a fault costs each arm so much, and evacuates all of its group."""
    made = ffi.new("struct gcp_shown *")
    made.evacuated = 4096
    for arm in (0, 1):
        group = contest.group[arm]
        if not group:
            continue
        made.faults[arm] = faults // 4 * (1 if arm else 3) // group
        made.pages[arm] = made.faults[arm] * group
        made.ns[arm] = made.faults[arm] * cost[group]
    return made


@given(st.sampled_from(GROUPS), st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 4096)), max_size=40))
def test_a_group_is_always_one_of_those_that_there_are(group: int, seen: list[tuple[int, int]]) -> None:
    contest = a_contest(group)
    for ns, faults in seen:
        made = shown(contest, dict.fromkeys(GROUPS, ns), faults)
        lib.gcp_contest_end(contest, made)
        assert contest.group[0] in GROUPS
        assert contest.group[1] in (0, *GROUPS)
        assert contest.turn < 4


@given(st.sampled_from(GROUPS), st.sampled_from(GROUPS))
def test_the_group_that_costs_least_is_found_and_kept(group: int, best: int) -> None:
    # A page costs least in a group of `best`, and the more the farther away its group is.
    cost = {one: 1000 * one * (1 + abs(GROUPS.index(one) - GROUPS.index(best))) for one in GROUPS}
    contest = a_contest(group)
    for _ in range(12):
        lib.gcp_contest_end(contest, shown(contest, cost, 8000))
    assert contest.group[0] == best
    assert contest.rests, "both neighbours have lost: it rested"


def test_arms_share_the_regions_out_and_take_turns() -> None:
    contest = a_contest(4)
    regions = [lib.gcp_contest_arm(contest, index * 16) for index in range(8)]
    assert sum(regions) == 2
    lib.gcp_contest_end(contest, shown(contest, dict.fromkeys(GROUPS, 1000), 8))
    assert [lib.gcp_contest_arm(contest, index * 16) for index in range(8)] != regions


def test_few_faults_decide_nothing() -> None:
    contest = a_contest(4)
    for _ in range(3):
        lib.gcp_contest_end(contest, shown(contest, {4: 10**6, 8: 1, 2: 1, 1: 1, 16: 1}, 16))
    assert list(contest.group) == [4, 8]
