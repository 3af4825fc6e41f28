"""Results of guests, made of the figures that stock kernels gave (instructions per page)."""

import random
from collections.abc import Mapping, Sequence

from gcproto.results.schema import Guest, KernelCell, Measurement, Result, Scenario, Verdict, with_fields
from tests.support.result_maker import measurement, result, scenario

PMD = 2 << 20
CANARY = scenario("canary", PMD, source="none", pages=512)
COPY = scenario("copy", PMD, pages=512)
MOVE = scenario("move", PMD, pages=512)
MOVE_SINGLE = scenario("move", 4096, pages=512)
SPLIT = scenario("move", PMD, source="mthp", order=4, pages=512)

STOCK: Mapping[str, Mapping[Scenario, float]] = {
    f"{release}-cloud-amd64": dict(zip((CANARY, COPY, MOVE_SINGLE, MOVE, SPLIT), values, strict=True))
    for release, values in {
        "6.16.12+deb13": (4100.0, 3181.1, 2738.8, 1247.7, 3615.0),
        "6.17.13+deb13": (4050.0, 3154.5, 2716.2, 1220.1, 3605.0),
        "6.18.15+deb13": (4060.0, 3164.6, 2767.3, 226.2, 2692.0),
        "7.2.12+deb13": (4214.0, 3345.3, 2720.7, 214.9, 2801.0),
        "7.3.4+deb13": (4357.0, 3413.6, 2753.9, 232.0, 2876.0),
    }.items()
}


def guest_result(
    release: str,
    values: Mapping[Scenario, float],
    *,
    boot: int = 1,
    noise: float = 0.0005,
    seed: int = 0,
    outcome: str = "done",
    why: str = "",
    verdicts: Sequence[Verdict] = (),
    options: Mapping[str, object] | None = None,
    host: str = "a processor",
) -> Result:
    """One boot of a kernel."""
    rng = random.Random(f"{release} {boot} {seed}")
    found: list[Measurement] = []
    for one, value in values.items():
        made = measurement(one, [value * (1 + noise * rng.uniform(-1, 1)) for _ in range(5)])
        made.unit = "instructions/page"
        found.append(made)
    made_result = result(found, kernel={"release": release, "version": f"Linux version {release}"}, arch="x86_64")
    made_result.run_id = f"{abs(hash((release, boot, seed))) % 16**12:012x}"
    cell = KernelCell(set="paths", rounds=21, pages=512, icount=True, cpus=1, memory_mib=1024, cpu="max")
    made_result.experiment = with_fields(cell, **dict(options or {}))
    made_result.noise = None
    console = ["[    1.0] Linux version 6.18", "[    2.0] end"]
    made_result.guest = Guest(outcome, why, boot, True, 30.0, ["qemu"], console, {"cpu": host, "kernel": "6.18"})
    made_result.verdicts = list(verdicts)
    return made_result


def stock(boots: int = 2) -> list[Result]:
    return [
        guest_result(release, values, boot=boot, noise=2e-5)
        for release, values in STOCK.items()
        for boot in range(1, boots + 1)
    ]
