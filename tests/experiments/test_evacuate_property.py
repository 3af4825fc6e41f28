"""Randomised evacuations against a model: every page accounted for, every content right, whatever is in the way."""

import errno
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcproto._native import lib
from gcproto.host.settings import Settings
from tests.support.memory import PAGE, PRESENT, SWAPPED, Region, Uffd, evacuate, sum_of, view_of

PAGES = 48
MADV_PAGEOUT = 21

PLAIN, HOLE, ZERO, FORKED, PINNED, SWAP = "plain", "hole", "zero", "forked", "pinned", "swapped"


@dataclass(frozen=True)
class Case:
    """One evacuation.

    Attributes:
        states: state of each source page; taken: whether its destination is present already.
        touched: source pages in the order in which they get their page frames.
        runs: (first page, pages) of each run; pages between runs are not asked.
        first, on_ebusy, holes, granule: the policy.
    """

    states: list[str]
    taken: list[bool]
    touched: list[int]
    runs: list[tuple[int, int]]
    first: int
    on_ebusy: int
    holes: bool
    granule: int
    seed: int


@st.composite
def cases(draw: st.DrawFn, kinds: tuple[str, ...]) -> Case:
    # Stretches rather than single pages: batches must have something to run over and to stop at.
    states: list[str] = []
    while len(states) < PAGES:
        states += [draw(st.sampled_from(kinds))] * draw(st.integers(1, 9))
    taken = draw(st.sets(st.integers(0, PAGES - 1), max_size=9))
    touched = list(range(PAGES))
    if draw(st.booleans()):  # by a seed: drawing a permutation number by number takes longer than the check
        random.Random(draw(st.integers(0, 2**32))).shuffle(touched)
    runs, page = [], 0
    while page < PAGES:
        page += draw(st.integers(0, 3))
        length = min(draw(st.integers(1, 24)), PAGES - page)
        if length > 0:
            runs.append((page, length))
        page += length
    return Case(
        states[:PAGES],
        [page in taken for page in range(PAGES)],
        touched,
        draw(st.permutations(runs)),
        draw(st.sampled_from([lib.GCP_VERB_MOVE, lib.GCP_VERB_MOVE, lib.GCP_VERB_MOVE, lib.GCP_VERB_COPY])),
        draw(st.sampled_from([lib.GCP_EBUSY_COPY, lib.GCP_EBUSY_LEAVE])),
        draw(st.booleans()),
        draw(st.sampled_from([0, 1, 2, 4, 7, 16])),
        draw(st.integers(1, 2**32)),
    )


@contextmanager
def source_of(case: Case) -> Iterator[Region]:
    """The source range with each page in its state."""
    with ExitStack() as stack:
        region = stack.enter_context(Region(PAGES))
        for page in case.touched:
            state = case.states[page]
            if state == ZERO:
                region.read(page)
            elif state != HOLE:
                region.fill(page, case.seed + page)
        if FORKED in case.states:
            child = lib.gcp_sharer_start()
            assert child > 0
            stack.callback(lib.gcp_sharer_stop, child)
        for page, state in enumerate(case.states):
            if state in {PLAIN, PINNED, SWAP}:
                region.fill(page, case.seed + page)  # a write makes it exclusive again
            if state == PINNED:
                ring = lib.gcp_pin(region.at(page), PAGE)
                assert ring > 0
                stack.callback(lib.gcp_unpin, ring)
            if state == SWAP:
                region.madvise(page, 1, MADV_PAGEOUT)
        yield region


def expected(case: Case, page: int) -> str:
    """The column of the account that a page belongs in."""
    state = case.states[page]
    if case.taken[page]:
        return "already"
    if case.first == lib.GCP_VERB_COPY:
        return "copied"
    if state in {FORKED, PINNED}:
        return "copied_after_ebusy" if case.on_ebusy == lib.GCP_EBUSY_COPY else "left"
    if state == HOLE and not case.holes:
        return "zeroed"
    return "moved"


def check(case: Case) -> None:
    with source_of(case) as source, Region(PAGES) as target, Uffd() as uffd:
        for page, taken in enumerate(case.taken):
            if taken:
                target.fill(page, ~case.seed & 0xFFFF)
        before = view_of(source)
        uffd.register(target)
        code, account = evacuate(
            uffd,
            [(target.at(page), source.at(page), pages) for page, pages in case.runs],
            first=case.first,
            on_ebusy=case.on_ebusy,
            mode=lib.GCP_MOVE_ALLOW_SRC_HOLES if case.holes else 0,
            granule=case.granule * PAGE,
        )
        assert code == 0, errno.errorcode.get(-code)
        asked = [page for first, pages in case.runs for page in range(first, first + pages)]
        assert account.asked == len(asked) == sum_of(account)
        seen = {name: int(getattr(account, name)) for name in ("moved", "copied", "copied_after_ebusy", "zeroed")}
        seen |= {name: int(getattr(account, name)) for name in ("already", "left")}
        assert {name: n for name, n in seen.items() if n} == dict(Counter(expected(case, page) for page in asked))

        after = view_of(target)
        for page in range(PAGES):
            column = expected(case, page) if page in asked else "not asked"
            there = bool(after[page] & (PRESENT | SWAPPED))
            hole_moved = column == "moved" and case.states[page] == HOLE
            assert there == (case.taken[page] or (column not in {"left", "not asked"} and not hole_moved))
            if column == "moved" and before[page] & SWAPPED:
                assert after[page] & SWAPPED, "a swapped page must stay swapped at its destination"
        check_contents(case, source, target, asked)


def check_contents(case: Case, source: Region, target: Region, asked: list[int]) -> None:
    for page in range(PAGES):
        column = expected(case, page) if page in asked else "not asked"
        if case.taken[page]:
            assert target.has(page, ~case.seed & 0xFFFF), "a page that was there must not be overwritten"
        elif column in {"moved", "copied", "copied_after_ebusy", "zeroed"}:
            if case.states[page] in {HOLE, ZERO}:
                if not (column == "moved" and case.states[page] == HOLE):
                    assert target.is_zero(page)
            else:
                assert target.has(page, case.seed + page)
        if column in {"left", "not asked", "already", "copied", "copied_after_ebusy"}:
            intact = case.states[page] in {HOLE, ZERO} or source.has(page, case.seed + page)
            assert intact, "what was not moved must still be at the source"
        elif column == "moved":
            assert source.is_zero(page), "what was moved must be gone from the source"


HARD = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@pytest.mark.needs("move", "io_uring")
@pytest.mark.timeout(300)
@settings(HARD, max_examples=200)
@given(case=cases((PLAIN, HOLE, ZERO, FORKED, PINNED)))
def test_without_swap(case: Case) -> None:
    check(case)


@pytest.fixture(scope="module")
def zram() -> Iterator[None]:
    with Settings() as host, host.swap_zram(64 << 20):
        yield


@pytest.mark.usefixtures("zram")
@pytest.mark.needs("move", "io_uring", "root", "zram")
@pytest.mark.timeout(600)
@settings(HARD, max_examples=1000)
@given(case=cases((PLAIN, HOLE, ZERO, FORKED, PINNED, SWAP)))
def test_thousand_with_everything_mixed(case: Case) -> None:
    check(case)
