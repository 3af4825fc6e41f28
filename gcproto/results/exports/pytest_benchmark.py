"""Results as a file of pytest-benchmark: `pytest-benchmark compare` reads it.  It knows times only."""

import statistics
from collections.abc import Sequence
from typing import Any

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.baseline import baseline_of
from gcproto.results.exports.names import named
from gcproto.results.facts import group, release_of
from gcproto.results.names import exported
from gcproto.results.schema import TIMES, Measurement, Result

VERSION = "5.3.1"
"""Version of pytest-benchmark that defines these fields."""


def usable(one: Measurement) -> bool:
    """Whether it can be exported: valid, a time, above zero."""
    return one.valid and one.unit in TIMES and bool(one.samples) and min(one.samples) > 0


def document(results: Sequence[Result]) -> dict[str, Any]:
    """A file's contents.

    Raises:
        GcprotoError: there is no valid time in these results.

    """
    found = named(results, usable)
    if not found:
        raise GcprotoError(
            "there is no valid time to export",
            why="pytest-benchmark knows times only; results of guests under instruction counting have none",
            remedy="use --pyperf or --csv for them",
            code=ExitCode.USAGE,
        )
    first = results[0]
    return {
        "machine_info": {
            "node": "",
            "machine": str(first.environment.get("arch", "")),
            "release": release_of(first),
            "cpu": dict(group(first, "cpu")),
        },
        "commit_info": {
            "id": first.producer.benchmark,
            "time": first.producer.started,
            "dirty": False,
            "project": "gcproto",
            "branch": "(unknown)",
        },
        "benchmarks": [_benchmark(name, result, one) for name, result, one in found],
        "datetime": first.producer.started,
        "version": VERSION,
    }


def _benchmark(name: str, result: Result, one: Measurement) -> dict[str, object]:
    return {
        "group": exported(baseline_of(one.scenario)),  # the same work by another arm
        "name": name,
        "fullname": f"gcproto::{name}",
        "params": None,
        "param": None,
        "extra_info": {
            "run": result.run_id,
            "unit": one.unit,
            "path": one.proof.path,
            "invalid_rounds": len(one.invalid_rounds),
        },
        "options": {
            "disable_gc": False,
            "timer": "ioctl",
            "min_rounds": len(one.samples),
            "max_time": 0,
            "min_time": 0,
            "warmup": bool(one.warmup),
        },
        "stats": _stats([value * 1e-9 for value in one.samples]),
    }


def _stats(data: list[float]) -> dict[str, object]:
    mean = statistics.mean(data)
    deviation = statistics.stdev(data) if len(data) > 1 else 0.0
    q1, _, q3 = statistics.quantiles(data, n=4, method="inclusive") if len(data) > 1 else (data[0], data[0], data[0])
    low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    inside = [value for value in data if low <= value <= high]
    beyond, outside = sum(abs(value - mean) > deviation for value in data), len(data) - len(inside)
    return {
        "min": min(data),
        "max": max(data),
        "mean": mean,
        "stddev": deviation,
        "rounds": len(data),
        "median": statistics.median(data),
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": outside,
        "stddev_outliers": beyond,
        "outliers": f"{beyond};{outside}",
        "ld15iqr": min(inside),
        "hd15iqr": max(inside),
        "ops": 1 / mean,
        "total": sum(data),
        "data": data,
        "iterations": 1,
    }
