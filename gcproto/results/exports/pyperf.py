"""Results as a suite of pyperf: `pyperf show`, `pyperf compare_to`, `pyperf hist` read it.

The format is that of pyperf 2 (version 1.0 of its JSON).  A measurement is a benchmark of one run whose values are the
samples. Times are seconds. Instructions are integers, which pyperf does not treat as a time.
"""

from collections.abc import Sequence
from typing import Any

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.configurations import build_of
from gcproto.results.exports.names import named
from gcproto.results.facts import cpu_of, release_of
from gcproto.results.schema import TIMES, Measurement, Result

VERSION = "1.0"


def usable(one: Measurement) -> bool:
    """Whether pyperf can represent it: valid, and all values above zero."""
    return one.valid and bool(one.samples) and min(one.samples) > 0


def document(results: Sequence[Result]) -> dict[str, Any]:
    """A suite.

    Raises:
        GcprotoError: there is no measurement that pyperf can represent.

    """
    benchmarks = [_benchmark(name, result, one) for name, result, one in named(results, usable)]
    if not benchmarks:
        raise GcprotoError("there is no valid measurement to export", code=ExitCode.USAGE)
    return {
        "version": VERSION,
        "metadata": {"description": "gcproto, see its result files for the proof"},
        "benchmarks": benchmarks,
    }


def _benchmark(name: str, result: Result, one: Measurement) -> dict[str, object]:
    timed = one.unit in TIMES
    factor = 1e-9 if timed else 1.0
    metadata: dict[str, object] = {
        "name": name,
        "unit": "second" if timed else "integer",
        "loops": 1,
        "kernel_release": release_of(result),
        "cpu_model_name": cpu_of(result),
        "gcproto_run": result.run_id,
        "gcproto_unit": one.unit,
        "gcproto_path": one.proof.path or "unknown",
        "gcproto_benchmark": result.producer.benchmark,
    }
    if result.guest:
        metadata["gcproto_build"] = build_of(result)
    run: dict[str, object] = {"values": [value * factor for value in one.samples]}
    warmups = [(1, value * factor) for value in one.warmup if value > 0]
    if warmups:
        run["warmups"] = warmups
    return {"metadata": {key: _word(value) for key, value in metadata.items()}, "runs": [run]}


def _word(value: object) -> object:
    """Pyperf takes no line breaks and no empty texts."""
    return (" ".join(value.split()) or "unknown") if isinstance(value, str) else value
