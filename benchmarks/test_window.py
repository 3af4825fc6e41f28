"""The window after the flip in each way; a duration is the mutators' time, as C measured it."""

from typing import Any

import pytest

from benchmarks.kernel_clock import CLOCK
from gcproto.collector.ways import Way, ways
from gcproto.collector.window import invalid_reason
from gcproto.collector.window_round import Request, WindowLab
from gcproto.errors import GcprotoError
from gcproto.host import probes

ROUNDS = 9
WARMUP = 1
BYTES = 64 << 20


@pytest.mark.parametrize("way", ways().values(), ids=lambda way: way.name)
@pytest.mark.benchmark(timer=CLOCK, warmup=False, group="window")
def test_window(benchmark: Any, way: Way) -> None:
    """Two mutators touch every page once while the collector sweeps."""
    try:
        probes.require_sigbus()
    except GcprotoError as error:
        pytest.skip(str(error))
    if probes.offer().move_err:
        pytest.skip("UFFDIO_MOVE does not work here")
    pages = BYTES // probes.PAGE_SIZE
    seeds = iter(range(ROUNDS + WARMUP + 1))

    with WindowLab() as lab:

        def one() -> None:
            request = Request(
                pages=pages,
                mutators=2,
                collector_by=way.collector_by,
                collector_pages=way.collector_pages,
                fault_by=way.fault_by,
                fault_pages=way.fault_pages,
                region_pages=way.region_pages,
                collector_cpu=-1,
                mutator_cpu=-1,
                seed=next(seeds),
            )
            done = lab.run(request)
            reason = invalid_reason(done, pages)
            assert not reason, reason
            CLOCK.add_ns(done.mutator_ns)

        benchmark.pedantic(one, rounds=ROUNDS, warmup_rounds=WARMUP)
    benchmark.extra_info["way"] = way.text
    benchmark.extra_info["pages"] = pages
