"""Runs of the same work must allocate, choose and read the same: all are compared with the first."""

from collections.abc import Hashable

from gcproto.experiments.session.request import Session


class SameWork:
    """Digests by piece of work: one that several modes do in one round."""

    def __init__(self) -> None:
        self._first: dict[Hashable, list[int]] = {}

    def digests(self, work: Hashable) -> list[int]:
        """Those of the first run of this work; empty before it."""
        return self._first.get(work, [])

    def note(self, work: Hashable, done: Session) -> None:
        """Keep the digests of a run if it is the first that has any: one that failed may have none."""
        if done.digests:
            self._first.setdefault(work, done.digests)
