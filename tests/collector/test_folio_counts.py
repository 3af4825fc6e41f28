"""What collections did to large folios, from their counts."""

import pytest

from gcproto.results.folios import PARTS, by_cause, kept_whole, large_share, made_large, parts_of
from gcproto.results.schema import Collection, CollectorAccount, FaultAccount, FolioCounts, Parts, Phases


def test_pages_in_swap_and_zero_pages_are_in_no_folio() -> None:
    cycle = Collection(number=1, folios=FolioCounts({0: 30, 4: 10}, swapped=500, zero=7))
    assert large_share(cycle) == 0.25
    assert large_share(Collection(number=1)) == 0.0


def test_parts_are_summed_by_who_moved_them() -> None:
    cycles = [
        Collection(number=1, faults=FaultAccount(part_one=2), collector=CollectorAccount(part_edge=4)),
        Collection(number=2, faults=FaultAccount(part_one=3, part_busy=1), collector=CollectorAccount(part_skewed=5)),
    ]
    assert parts_of(cycles, "faults") == Parts(part_one=5, part_busy=1)
    assert parts_of(cycles, "collector") == Parts(part_skewed=5, part_edge=4)
    assert by_cause(parts_of(cycles, "faults")) == {
        "one page": 5,
        "not congruent": 0,
        "at the edge of a run": 0,
        "after EBUSY": 1,
    }


def test_every_part_has_its_cause_in_words() -> None:
    assert list(PARTS) == list(Parts.__struct_fields__)


def test_what_was_made_large() -> None:
    cycles = [
        Collection(1, phases=Phases(restore=900), collector=CollectorAccount(restored=512, renewed=7, renew_ns=70)),
        Collection(2, phases=Phases(restore=100), collector=CollectorAccount(renewed=3, renew_ns=30)),
    ]
    assert made_large(cycles) == ((512, 1000), (10, 100))


@pytest.mark.parametrize(
    ("account", "splits", "split_ns", "whole"),
    [
        (CollectorAccount(whole=64, whole_large=None), {4: 1}, 0, 3),  # version 1: of 4 folios taken, 1 was split
        (CollectorAccount(whole=64, whole_large=32), {}, 0, 2),
        (CollectorAccount(whole=64, whole_large=32), {4: 5}, 0, 0),
        (CollectorAccount(whole=64, whole_large=32), {4: 5}, 10, 2),  # those that were split ahead are others
        (CollectorAccount(whole=64), {4: 5}, 10, 0),
        (CollectorAccount(whole=64), {9: 1}, 0, 0),  # a THP that was split: 32 of these
        (CollectorAccount(whole=64), {2: 9}, 0, 4),  # smaller ones are none of these
    ],
)
def test_folios_that_stayed_whole(account: CollectorAccount, splits: dict[int, int], split_ns: int, whole: int) -> None:
    cycle = Collection(1, collector=account, splits=splits, phases=Phases(split=split_ns))
    assert kept_whole(cycle, 4) == whole
    assert kept_whole(cycle, 0) == 0


@pytest.mark.parametrize(
    ("counts", "renewed", "whole"),
    [
        (FolioCounts(by_order={0: 12, 4: 992}), 0, 62),  # the split is of a folio that moved in part
        (FolioCounts(by_order={0: 1004}), 0, 0),
        (FolioCounts(by_order={0: 28, 4: 976}), 0, 61),
        (FolioCounts(by_order={0: 12, 4: 496}, swapped=496), 0, 62),
        (FolioCounts(by_order={4: 1008}), 0, 62),
        (FolioCounts(by_order={0: 12, 4: 992}), 3, 61),  # it made large ones, so that these say nothing
        (FolioCounts(), 0, 61),  # not counted: this user may not
    ],
)
def test_folios_that_stayed_whole_are_counted_where_they_can_be(counts: FolioCounts, renewed: int, whole: int) -> None:
    account = CollectorAccount(whole=992, whole_large=992, renewed=renewed)
    cycle = Collection(1, collector=account, splits={4: 1}, folios=counts)
    assert kept_whole(cycle, 4) == whole
