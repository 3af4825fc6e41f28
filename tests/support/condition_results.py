"""Runs of paths under every condition: one thread or two, in the caches or beyond them, frames in order or not."""

import random
from collections.abc import Iterable, Mapping
from typing import Any

from gcproto.results.schema import Measurement, PathScenario, Result, SampleMode
from tests.support.result_maker import measurement, result, scenario

PMD = 2 << 20
ROUNDS = 24


def samples(seed: str, median: float, rounds: int = ROUNDS, noise: float = 0.02) -> list[float]:
    rng = random.Random(seed)
    return [median * rng.lognormvariate(0, noise) for _ in range(rounds)]


def path(
    arm: str, median: float, granule: int = PMD, source: str = "small", seed: int = 1, **other: Any
) -> Measurement:
    """A path; a pair of equal seeds is the same run."""
    at = scenario(arm, granule, source, **other)
    order = at.order
    proof: dict[str, Any] = {"folios": (1024 >> order) * ROUNDS} if order else {}
    return measurement(at, samples(f"{seed} {arm} {granule} {source} {sorted(other.items())}", median), **proof)


def refusing(arm: str, source: str = "forked", granule: int = 65536, **other: Any) -> Measurement:
    """An arm that moved nothing: cheaper than copying, for it did nothing."""
    made = path(arm, 400.0, granule, source, **other)
    made.outcome.moved, made.outcome.left, made.outcome.ebusy = 0, 1024 * ROUNDS, 64 * ROUNDS
    return made


def part(arm: str, median: float, share: float, source: str = "forked", granule: int = 65536) -> Measurement:
    """An arm that moved a part of its pages."""
    made = path(arm, median, granule, source)
    asked = 1024 * ROUNDS
    made.outcome.moved = round(asked * share)
    made.outcome.left = asked - made.outcome.moved
    return made


def two_modes(one: Measurement, low: float, high: float, share: float) -> Measurement:
    """The same measurement with samples in two modes."""
    count = round(len(one.samples) * share)
    one.samples = [*samples("low", low, count), *samples("high", high, len(one.samples) - count)]
    random.Random(1).shuffle(one.samples)
    one.modes = [
        SampleMode(low, low * 0.97, low * 1.03, count / len(one.samples)),
        SampleMode(high, high * 0.97, high * 1.03, 1 - count / len(one.samples)),
    ]
    return one


def run(found: Iterable[Measurement], run_id: str = "dddddddddddd", started: str = "", **environment: Any) -> Result:
    """A run with this id; A/A pairs of move and copy tell its noise."""
    made = result(list(found), **environment)
    made.run_id = run_id
    made.producer.started = started or made.producer.started
    return made


def conditions(ratios: Mapping[tuple[int, str, str], float], seed: int = 1, noise: float = 0.02) -> Result:
    """Small folios at 2M a call: move and copy, by (threads, working set, frames), with a copy of 800 ns.

    Args:
        ratios: of move to copy.
        seed: of the noise.
        noise: of the A/A pair.

    """
    found = []
    for (threads, working_set, frames), ratio in ratios.items():
        fields: dict[str, Any] = {"threads": threads, "working_set": working_set, "frames": frames}
        found += [path("copy", 800.0, seed=seed, **fields), path("move", 800.0 * ratio, seed=seed, **fields)]
    copy = path("copy", 800.0, 65536, seed=seed)
    twin = path("copy", 800.0 * (1 + noise), 65536, seed=seed, replica=1)
    return run([*found, copy, twin], f"{chr(96 + seed)}{seed:011d}", f"2026-11-24T{seed % 24:02d}:00:00+00:00")


def of(found: Result, arm: str, **fields: Any) -> Measurement:
    """The one measurement of an arm whose scenario has these fields."""
    wanted = {"arm": arm, "replica": 0} | fields
    (one,) = [
        one
        for one in found.measurements
        if isinstance(one.scenario, PathScenario)
        and all(getattr(one.scenario, name) == value for name, value in wanted.items())
    ]
    return one
