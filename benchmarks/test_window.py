"""The window after the flip in each way; a duration is the mutators' time, as C measured it."""

from typing import Any

import pytest

from benchmarks.kernel_clock import CLOCK
from gcproto.errors import GcprotoError
from gcproto.experiments.window.round import WindowLab, request_for
from gcproto.experiments.window.run import invalid_reason
from gcproto.experiments.window.ways import Handler, Way, ways
from gcproto.host import probes

ROUNDS = 9
WARMUP = 1
BYTES = 64 << 20


@pytest.mark.parametrize("way", ways().values(), ids=lambda way: way.name)
@pytest.mark.benchmark(timer=CLOCK, warmup=False, group="window")
def test_window(benchmark: Any, way: Way) -> None:
    """Two mutators touch every page once while the collector sweeps."""
    try:
        if way.handler is Handler.SIGBUS:
            probes.require_sigbus()
    except GcprotoError as error:
        pytest.skip(str(error))
    if probes.offer().move_err:
        pytest.skip("UFFDIO_MOVE does not work here")
    pages = BYTES // probes.PAGE_SIZE
    seeds = iter(range(ROUNDS + WARMUP + 1))

    with WindowLab() as lab:

        def one() -> None:
            request = request_for(way, pages, 2, next(seeds))
            done = lab.run(request)
            reason = invalid_reason(done, pages)
            assert not reason, reason
            CLOCK.add_ns(done.mutator_ns)

        benchmark.pedantic(one, rounds=ROUNDS, warmup_rounds=WARMUP)
    benchmark.extra_info["way"] = way.text
    benchmark.extra_info["pages"] = pages
