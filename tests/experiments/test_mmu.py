"""Minimum mutator utilisation against a plain count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcproto.experiments.session.mmu import mmu


def by_hand(stops: list[tuple[int, int]], begin: int, end: int, window: int) -> float:
    worst = 0
    for start in range(begin, end - window + 1):
        stopped = sum(max(0, min(stop, start + window) - max(first, start)) for first, stop in stops)
        worst = max(worst, stopped)
    return 1 - worst / window


def test_no_stop_at_all() -> None:
    assert mmu(np.zeros(0, np.int64), np.zeros(0, np.int64), 0, 100, 10) == 1.0


def test_a_window_longer_than_the_run() -> None:
    assert mmu(np.array([1]), np.array([2]), 0, 5, 10) is None


def test_one_stop_as_long_as_the_window() -> None:
    assert mmu(np.array([20]), np.array([30]), 0, 100, 10) == 0.0
    assert mmu(np.array([20]), np.array([30]), 0, 100, 20) == 0.5


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), max_size=8), st.integers(1, 30), st.integers(0, 10))
def test_as_by_hand(gaps: list[tuple[int, int]], window: int, cut: int) -> None:
    stops, at = [], 0
    for gap, length in gaps:
        stops.append((at + gap, at + gap + length))
        at += gap + length
    begin, end = min(cut, at), at + 10
    starts, ends = (np.array([stop[i] for stop in stops], dtype=np.int64) for i in range(2))
    found = mmu(starts, ends, begin, end, window)
    if window > end - begin:
        assert found is None
    else:
        assert found == pytest.approx(by_hand(stops, begin, end, window))
