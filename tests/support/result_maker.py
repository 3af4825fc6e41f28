"""Results as a run would bring them, made of seeded noise."""

import random
from collections.abc import Mapping

from gcproto.results.schema import (
    Experiment,
    Figures,
    Measurement,
    Outcome,
    PathExperiment,
    PathFigures,
    PathScenario,
    Producer,
    Proof,
    Result,
    Scenario,
    Skip,
)
from gcproto.results.statistics import noise_of, summarise

MEDIANS = {
    "move": 80.0,
    "copy": 700.0,
    "copy_discard": 950.0,
    "mremap": 12.0,
    "memcpy_untouched": 1300.0,
    "split_move": 400.0,
    "zeropage": 110.0,
}
GRANULES = (4096, 65536, 2 << 20)


def scenario(arm: str, granule: int = 65536, source: str = "small", replica: int = 0, **other: object) -> PathScenario:
    fields = {"order": 0, "alignment": "congruent", "threads": 1, "pages": 1024} | other
    return PathScenario(source=source, arm=arm, granule_bytes=granule, replica=replica, **fields)  # type: ignore[arg-type]


def measurement(
    one: Scenario, samples: list[float], figures: Figures | None = None, unit: str = "ns/page", **proof: object
) -> Measurement:
    return Measurement(
        scenario=one,
        unit=unit,
        samples=samples,
        rounds=list(range(2, 2 + len(samples))),
        warmup=[samples[0] * 1.5] if samples else [],
        median=None,
        ci=None,
        ratio_to_copy=None,
        valid=len(samples) >= 3,
        invalid_rounds=[],
        proof=Proof(level="pfn", rounds=len(samples), path="moved", **proof),  # type: ignore[arg-type]
        outcome=Outcome(asked=1024 * len(samples), moved=1024 * len(samples), calls=len(samples)),
        figures=figures or PathFigures(),
    )


def result(
    measurements: list[Measurement],
    skips: list[Skip] | None = None,
    experiment: Experiment | None = None,
    **environment: object,
) -> Result:
    summarise(measurements)
    return Result(
        run_id="0123456789ab",
        experiment=experiment or PathExperiment(quick=True),
        producer=Producer(
            version="0.1.0",
            command=["bench", "--quick"],
            seed=1,
            started="2026-11-24T02:00:00+00:00",
            seconds=30.0,
            benchmark="0123456789abcdef",
        ),
        environment={
            "kernel": {"release": "6.18.44", "version": "#1 SMP"},
            "page_size": 4096,
            "pmd_size": 2 << 20,
            "cpu": {"model": "a processor", "count": 2, "allowed": 2},
            "thp": {"enabled": "madvise"},
            "uffd": {"via": "/dev/userfaultfd"},
            "run": {"cpu": 1, "touch_cpu": 0, "rounds": 42, "warmup": 2, "steal_before_after": [3, 5]},
        }
        | environment,
        measurements=measurements,
        skips=skips or [],
        noise=noise_of(measurements),
    )


def noisy_run(
    seed: int,
    *,
    drift: float = 1.0,
    arms: Mapping[str, float] | None = None,
    more: Mapping[str, float] | None = None,
    rounds: int = 40,
    noise: float = 0.04,
) -> Result:
    """A run of all arms at all granules with an A/A pair.

    Args:
        seed: of the noise.
        drift: factor on everything, as of a slower machine.
        arms: factor on single arms.
        more: further arms and their medians.
        rounds: samples of each scenario.
        noise: standard deviation of the log of a sample.

    """
    rng = random.Random(seed)
    slow_moments = [rng.lognormvariate(0, noise / 2) for _ in range(rounds)]
    found = []
    for arm, median in (MEDIANS | dict(more or {})).items():
        for granule in GRANULES:
            for replica in (0, 1) if arm in {"move", "copy"} and granule == 65536 else (0,):
                factor = drift * (arms or {}).get(arm, 1.0)
                samples = [median * factor * moment * rng.lognormvariate(0, noise) for moment in slow_moments]
                found.append(measurement(scenario(arm, granule, replica=replica), samples))
    return result(found)
