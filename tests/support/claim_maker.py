"""Evidence for claims that is given instead of measured."""

import random
from typing import Any

import pytest

from gcproto import contract
from gcproto.claims import needs
from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Finding
from gcproto.claims.rows import CLAIMS
from gcproto.contract import RowResult
from gcproto.host.capability import Capability
from gcproto.host.doctor import BugState, Survey
from gcproto.known.bugs import State
from gcproto.results import names
from gcproto.results.schema import (
    Figures,
    InvalidRound,
    Judgement,
    Measurement,
    ModeOptions,
    Outcome,
    Scenario,
    with_fields,
)
from tests.support.result_maker import measurement

PMD = 2 << 20
ROUNDS = 15


def made(
    one: Scenario, median: float = 80.0, figures: Figures | None = None, noise: float = 0.02, **counts: Any
) -> Measurement:
    """A measurement of so many rounds; counts are fields of its proof or its outcome."""
    rng = random.Random(f"{names.exported(one)} {median}")
    found = measurement(one, [median * rng.lognormvariate(0, noise) for _ in range(ROUNDS)], figures)
    found.median, found.outcome = median, Outcome()
    for name, count in counts.items():
        setattr(found.proof if hasattr(found.proof, name) else found.outcome, name, count)
    return found


class Made(Evidence):
    """Evidence that is given instead of measured."""

    def __init__(self, **given: Any) -> None:
        super().__init__(lambda _what: pytest.fail("nothing is measured here"))
        self.given = given
        self.floor_given = 0.0

    thp = 9
    page = 4096

    def floor(self, *_some: Measurement) -> float:
        return self.floor_given

    def present(self, source: str, arm: str, granule: int, order: int = 0) -> Measurement | None:
        return self._path("present", source=source, arm=arm, granule_bytes=granule, order=order)

    def swapped(self, source: str, arm: str, granule: int, order: int = 0) -> Measurement | None:
        return self._path("swapped", source=source, arm=arm, granule_bytes=granule, order=order)

    def skewed(self, source: str, granule: int, order: int, alignment: str) -> Measurement | None:
        return self._path("skewed", source=source, granule_bytes=granule, order=order, alignment=alignment)

    def migrated(self, arm: str, granule: int, threads: int) -> Measurement | None:
        return self._path("migrated", arm=arm, granule_bytes=granule, threads=threads)

    def refused(self, arm: str, granule: int) -> Measurement | None:
        return self._path("refused", arm=arm, granule_bytes=granule)

    def moves(self) -> list[Measurement]:
        return [one for one in self.given.get("present", []) if one.scenario == with_fields(one.scenario, arm="move")]

    def heap(self, workload: str, order: int, policy: str) -> Measurement | None:
        return self._path("heaps", workload=workload, order=order, policy=policy)

    def pinned(self, answer: str) -> Measurement | None:
        return self._path("pinned", options=ModeOptions(ebusy=answer))

    def running(self, *, whole_folios: bool) -> Measurement | None:
        return self._path("running", options=ModeOptions(granule=16) if whole_folios else ModeOptions())

    def cached(self, answer: str) -> Measurement | None:
        return self._path("cached", ebusy=answer)

    def rows(self, *names: str) -> list[RowResult]:
        known: dict[str, contract.Verdict] = self.given.get("rows", {})
        return [
            RowResult(contract.find(name), known.get(name, contract.Verdict.OK), "seen", 0.1) for name in names
        ]  # fmt: skip

    def _path(self, pool: str, **fields: object) -> Measurement | None:
        some: list[Measurement] = self.given.get(pool, [])
        return next((one for one in some if one.scenario == with_fields(one.scenario, **fields)), None)


def found_of(key: str, evidence: Evidence) -> Finding:
    return next(one for one in CLAIMS if one.key == key).judge(evidence)


def judgement(key: str, evidence: Evidence) -> Judgement:
    return found_of(key, evidence).judgement


def invalid(one: Measurement) -> Measurement:
    """The same with too many rounds that prove nothing."""
    one.valid = False
    one.invalid_rounds = [InvalidRound(number, 0.0, "page 3 is elsewhere") for number in range(5)]
    return one


def survey(state: State | None, **able: bool) -> Survey:
    bugs = (
        [] if state is None else [BugState("swapcache-rmap", "t", "e", "crash or corruption", state, "version 6.18.44")]
    )
    rows = [
        Capability("x", needs.CAPABILITIES[name], yes, reason="no", remedy="run as root") for name, yes in able.items()
    ]
    return Survey("6.18.44", 1, "", rows, bugs, [])
