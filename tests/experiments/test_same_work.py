"""Runs of the same work are held to the first that has digests."""

from gcproto.experiments.session.request import Session
from gcproto.experiments.workloads.same_work import SameWork


def test_the_first_run_with_digests_is_what_others_are_held_to() -> None:
    same = SameWork()
    assert same.digests((1, 0)) == []
    same.note((1, 0), Session(digests=[7]))
    same.note((1, 0), Session(digests=[8]))
    assert same.digests((1, 0)) == [7]
    assert same.digests((2, 0)) == same.digests((1, 1)) == []


def test_a_run_that_failed_without_digests_does_not_end_the_check() -> None:
    same = SameWork()
    same.note((1, 0), Session(failure="no memory"))
    same.note((1, 0), Session(digests=[7]))
    assert same.digests((1, 0)) == [7]
