"""Measurements of one kind with their scenario and figures, typed: readers of a kind pass over all others."""

from collections.abc import Iterable
from typing import NamedTuple

from gcproto.results.schema import (
    Measurement,
    PathFigures,
    PathScenario,
    PolicyFigures,
    PolicyScenario,
    WindowFigures,
    WindowScenario,
    WorkloadFigures,
    WorkloadScenario,
)


class Path(NamedTuple):
    """Of an evacuation path."""

    measured: Measurement
    at: PathScenario
    figures: PathFigures


class Workload(NamedTuple):
    """Of a workload on a heap."""

    measured: Measurement
    at: WorkloadScenario
    figures: WorkloadFigures


class Policy(NamedTuple):
    """Of an evacuation policy."""

    measured: Measurement
    at: PolicyScenario
    figures: PolicyFigures


class Window(NamedTuple):
    """Of a window."""

    measured: Measurement
    at: WindowScenario
    figures: WindowFigures


Kind = Path | Workload | Policy | Window


def kind_of(one: Measurement) -> Kind | None:
    """The kind of a measurement; None if its figures do not belong to its scenario."""
    match one.scenario, one.figures:
        case PathScenario() as path, PathFigures() as figures:
            return Path(one, path, figures)
        case WorkloadScenario() as heap, WorkloadFigures() as figures:
            return Workload(one, heap, figures)
        case PolicyScenario() as policy, PolicyFigures() as figures:
            return Policy(one, policy, figures)
        case WindowScenario() as window, WindowFigures() as figures:
            return Window(one, window, figures)
        case _:
            return None


def paths(found: Iterable[Measurement]) -> list[Path]:
    """Measurements of paths."""
    return [one for one in map(kind_of, found) if isinstance(one, Path)]


def workloads(found: Iterable[Measurement]) -> list[Workload]:
    """Measurements of workloads."""
    return [one for one in map(kind_of, found) if isinstance(one, Workload)]


def policies(found: Iterable[Measurement]) -> list[Policy]:
    """Measurements of policies."""
    return [one for one in map(kind_of, found) if isinstance(one, Policy)]


def windows(found: Iterable[Measurement]) -> list[Window]:
    """Measurements of windows."""
    return [one for one in map(kind_of, found) if isinstance(one, Window)]
