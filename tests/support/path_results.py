"""A run of paths with small folios, mTHPs and THPs, as a kernel gives it that splits what it moves."""

import random
from typing import Any

from gcproto.results.schema import Measurement, Result, Skip
from tests.support.result_maker import measurement, result, scenario

PMD = 2 << 20
ROUNDS = 30


def one(
    arm: str,
    granule: int,
    median: float,
    *,
    source: str = "small",
    order: int = 0,
    split: bool = False,
    threads: int = 1,
    replica: int = 0,
) -> Measurement:
    rng = random.Random(f"{arm} {granule} {source} {order} {threads} {replica}")
    samples = [median * rng.lognormvariate(0, 0.02) for _ in range(ROUNDS)]
    folios = (1024 >> order) * ROUNDS if order else 0
    proof: dict[str, Any] = {"folios": folios, "folios_split": folios if split else 0}
    return measurement(scenario(arm, granule, source, replica, order=order, threads=threads), samples, **proof)


def paths_result(*, splits: bool = True) -> Result:
    """Of a kernel that splits mTHPs, or of one that does not."""
    found = [one("move", 65536, 180, replica=1), one("copy", 65536, 820, replica=1)]
    for granule, move, copy in ((4096, 830.0, 1110.0), (65536, 180.0, 820.0), (PMD, 85.0, 790.0)):
        found += [one("move", granule, move), one("copy", granule, copy), one("copy_discard", granule, copy * 1.3)]
        whole = 83.0 if not splits else max(780.0, move)
        found += [
            one("move", granule, whole, source="mthp", order=4, split=splits),
            one("copy", granule, copy, source="mthp", order=4),
            one("copy_discard", granule, copy * 1.1, source="mthp", order=4),
        ]
        thp = granule < PMD
        found += [
            one("move", granule, 660.0 if thp else 4.0, source="thp", order=9, split=thp),
            one("copy", granule, copy, source="thp", order=9),
            one("copy_discard", granule, copy * 1.05, source="thp", order=9),
        ]
    found += [one("move", 4096, 9000, threads=2), one("copy", 4096, 1050, threads=2)]
    found += [one("move_fallback", 65536, 2600, source="pinned"), one("copy", 65536, 830, source="pinned")]
    found[-2].outcome.ebusy = 1024 * ROUNDS
    made = result(found, [Skip("swapped pages", "no zram here", "run as root")])
    made.run_id = "aaaaaaaaaaaa"
    return made
