"""Every producer builds the pages that the plain one builds, byte for byte, whatever the heap is like."""

import random
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.builders.plain import plain
from benchmarks.builders.variants import VARIANTS
from gcproto.collector.compiled.ahead import produce_ahead
from gcproto.collector.compiled.prepare import NEVER
from gcproto.collector.compiled.produce import produce
from tests.support import planned_heap
from tests.support.planned_heap import Shape, planned

pytestmark = pytest.mark.timeout(300)

SHAPES = st.builds(
    Shape,
    seed=st.integers(0, 1 << 32),
    pages=st.sampled_from([1, 2, 30, 200]),
    longest=st.sampled_from([3, 9, 40, 600]),
    large=st.sampled_from([0, 5, 300]),
    arrays=st.sampled_from([0, 50, 1000]),
    old=st.sampled_from([0, 500, 1000]),
    dead_ends=st.booleans(),
    written=st.sampled_from([0, 1, 20]),
    allocated=st.sampled_from([0, 1, 300]),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shape=SHAPES, permille=st.sampled_from([950, 600, NEVER]), region=st.sampled_from([0, 1, 4]))
def test_producers_build_what_the_plain_one_builds(shape: Shape, permille: int, region: int) -> None:
    with planned(shape, permille, region) as heap:
        used = int(heap.plan.used_end)
        down = list(range(used - 1, -1, -1))
        anyhow = down.copy()
        random.Random(shape.seed).shuffle(anyhow)
        wanted = heap.built_by(plain, down)
        assert np.array_equal(heap.built_by(produce_ahead, down), wanted)
        # Faults come in any order, and those of pages that come next may have been served before.
        assert np.array_equal(heap.built_by(produce, anyhow), wanted)
        assert np.array_equal(heap.built_by(produce_ahead, anyhow), wanted)
        # Within one space, a page is written where words lie that it is built of.
        assert np.array_equal(heap.slid(), wanted)


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "plain"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shape=SHAPES, permille=st.sampled_from([950, NEVER]), region=st.sampled_from([0, 4]))
def test_variants_that_are_measured_do_the_same_work(name: str, shape: Shape, permille: int, region: int) -> None:
    """benchmarks/test_produce.py compares their times, which would say nothing otherwise."""
    with planned(shape, permille, region) as heap:
        down = list(range(int(heap.plan.used_end) - 1, -1, -1))
        assert np.array_equal(heap.built_by(VARIANTS[name], down), heap.built_by(plain, down))


def test_pages_are_passed_over_whose_references_stay() -> None:
    """Or the test above would say nothing of it."""
    with planned(Shape(1, old=1000, longest=100), 950, 0) as heap:
        stay, pages = heap.shares()
        assert pages // 2 < stay
    with planned(Shape(1, old=0, longest=100), 950, 0) as heap:
        assert heap.shares()[0] < stay


def test_a_reference_that_is_written_after_marking_is_updated() -> None:
    """Without the cards, pages would keep references to where objects no longer are."""
    different = 0
    for seed in range(10):
        shape = Shape(seed, old=1000, longest=30, written=20)
        with patch.object(planned_heap, "note_written", lambda _plan, _cards: None), planned(shape, 950, 0) as heap:
            down = list(range(int(heap.plan.used_end) - 1, -1, -1))
            different += not np.array_equal(heap.built_by(produce, down), heap.built_by(plain, down))
    assert different > 0
