"""The account of a difference: terms are counts times costs, and what is left over is shown."""

from hypothesis import given
from hypothesis import strategies as st

from gcproto.results.heaps.explanation import Account, Explanation, Term, explain
from gcproto.results.schema import (
    Collection,
    FaultCosts,
    Measurement,
    ModeOptions,
    MutatorTime,
    Outcome,
    Phases,
    Proof,
    Work,
    WorkloadFigures,
    WorkloadScenario,
    with_fields,
)

NUMBERS = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)).map(lambda pair: (float(pair[0]), float(pair[1])))


def rounds(mode: str, *ns: int, replica: int = 0) -> Measurement:
    """A mode whose mutator took so long in each round, and its only collection half of it."""
    made = measured(mode, MutatorTime(1, 0))
    made.scenario = with_fields(made.scenario, replica=replica)
    made.samples, made.rounds = [float(one) for one in ns], list(range(1, len(ns) + 1))
    assert isinstance(made.figures, WorkloadFigures)
    made.figures.times = [MutatorTime(1, one) for one in ns]
    made.figures.collections = [[Collection(1, phases=Phases(compact=one // 2))] for one in ns]
    return made


class TestNoise:
    """A difference that the same work shows as well has no causes."""

    COPY = (1_000_000, 1_050_000, 990_000, 1_010_000)
    AGAIN = (1_040_000, 1_000_000, 1_020_000, 980_000)

    def found(self, *move: int) -> Explanation:
        again = rounds("copy", *self.AGAIN, replica=1)
        made = explain(rounds("move", *move), rounds("copy", *self.COPY), ("move", "copy"), again)
        assert made
        return made

    def test_a_difference_within_it_has_no_share(self) -> None:
        for account in (self.found(*(one + 9000 for one in self.COPY)).mutators, self.found(*self.AGAIN).compaction):
            assert account.within_noise
            assert account.share is None

    def test_a_difference_beyond_it_has_one(self) -> None:
        found = self.found(*(one * 2 for one in self.COPY))
        for account in (found.mutators, found.compaction):
            assert not account.within_noise
            assert account.share == 1

    def test_it_is_the_far_end_of_the_interval_of_paired_rounds(self) -> None:
        noise = self.found(*self.COPY).mutators.noise_ns
        # Differences -40, +50, -30, +30 us: mean 2.5, standard error 22.13, t(3) = 3.182.
        assert noise is not None
        assert abs(noise - 72_930) < 20

    def test_without_a_pair_it_is_unknown(self) -> None:
        made = explain(rounds("move", *self.COPY), rounds("copy", *self.COPY), ("move", "copy"))
        assert made
        assert made.mutators.noise_ns is None
        assert not made.mutators.within_noise


def measured(mode: str, time: MutatorTime, *collections: Collection) -> Measurement:
    scenario = WorkloadScenario("trees", mode, ModeOptions(), "", "small", 0, 1, 1, time.mutators)
    figures = WorkloadFigures(times=[time], costs=FaultCosts(100, 10, 1000), collections=[list(collections)])
    return Measurement(
        scenario=scenario,
        unit="ns/operation",
        samples=[1.0],
        rounds=[1],
        warmup=[],
        median=1.0,
        ci=None,
        ratio_to_copy=None,
        valid=True,
        invalid_rounds=[],
        proof=Proof(level="state", rounds=1),
        outcome=Outcome(),
        figures=figures,
        notes=[],
    )


@given(NUMBERS, st.lists(st.tuples(NUMBERS, NUMBERS), max_size=6))
def test_terms_and_residual_add_up_to_the_difference(
    total: tuple[float, float], parts: list[tuple[tuple[float, float], tuple[float, float]]]
) -> None:
    account = Account("", total, tuple(Term("", n, each) for n, each in parts))
    assert abs(account.explained + account.residual - account.difference) <= 1e-6 * (1 + abs(account.explained))


def test_a_fault_costs_its_handler_and_its_delivery() -> None:
    one = MutatorTime(1, 10_000, [Work("fault_built", 10, 10, 10, 2000)])
    other = MutatorTime(1, 7000, [Work("fault_built", 5, 5, 5, 500)])
    found = explain(measured("move", one), measured("copy", other), ("move", "copy"))
    assert found
    (term,) = found.mutators.terms
    assert term.n == (10, 5)
    assert term.each_ns == (300, 200)
    assert (found.mutators.difference, found.mutators.explained, found.mutators.residual) == (3000, 2000, 1000)
    assert found.mutators.share == 1000 / 3000


def test_calibrated_terms_are_marked() -> None:
    one, other = MutatorTime(2, 0, [], 8, 4), MutatorTime(2, 0, [], 0, 0)
    found = explain(measured("move", one), measured("copy", other), ("move", "copy"))
    assert found
    assert {term.what: (term.difference, term.calibrated) for term in found.mutators.terms} == {
        "TLB shoot-downs outside of handlers": (2000, True),
        "minor faults of the kernel": (40, True),
    }


def test_a_sample_stands_for_all() -> None:
    work = Work("build", 160, 160, 10, 5000)
    collection = Collection(1, phases=Phases(compact=100_000), work=[work])
    none = Collection(1, phases=Phases(compact=20_000))
    time = MutatorTime(1, 1)
    found = explain(measured("move", time, collection), measured("copy", time, none), ("move", "copy"))
    assert found
    assert found.compaction.explained == 160 * 500
    assert found.compaction.residual == 0


def test_what_was_measured_before_times_were_recorded_has_no_explanation() -> None:
    one = measured("move", MutatorTime(1, 1))
    assert isinstance(one.figures, WorkloadFigures)
    one.figures.times = []
    assert explain(one, one, ("move", "copy")) is None


def test_shoot_downs_inside_handlers_are_not_counted_twice() -> None:
    """A quarter of the compaction goes into handlers, and so does a quarter of the shoot-downs."""
    collection = Collection(1, phases=Phases(compact=8000))
    one = MutatorTime(1, 20_000, [Work("fault_built", 4, 4, 4, 2000)], shoot_downs=8)
    found = explain(measured("move", one, collection), measured("copy", MutatorTime(1, 1)), ("move", "copy"))
    assert found
    (term,) = [term for term in found.mutators.terms if "shoot-downs" in term.what]
    assert term.n == (6, 0)
