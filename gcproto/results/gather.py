"""Results from files and folders: what can be used, and why the rest can't."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.schema import Measurement, Result
from gcproto.results.store import load


@dataclass(frozen=True)
class Refused:
    """A file that is not used.

    Attributes:
        path: of the file.
        error: what is wrong with it and what to do.
        named: it was named by itself, not found in a folder.

    """

    path: Path
    error: GcprotoError
    named: bool


@dataclass
class Gathered:
    """What was found, in the order in which it was named; files of folders by name."""

    results: list[tuple[Path, Result]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def gather(places: Iterable[Path]) -> Gathered:
    """Read results.

    A file that can't be used does not keep the others from being read.  A run that was given twice is taken once.

    Args:
        places: files, and folders whose ``*.json`` are read.

    """
    found = Gathered()
    seen: dict[str, Path] = {}
    for place in places:
        folder = place.is_dir()
        files = sorted(place.glob("*.json")) if folder else [place]
        for file in files:
            try:
                result = load(file)
                see_that_it_is_sound(file, result)
            except GcprotoError as error:
                found.refused.append(Refused(file, error, named=not folder))
                continue
            if result.run_id in seen:
                if file.resolve() != seen[result.run_id].resolve():
                    found.refused.append(Refused(file, _twice(file, seen[result.run_id], result), named=False))
                continue
            seen[result.run_id] = file
            found.results.append((file, result))
    return found


def _twice(file: Path, first: Path, result: Result) -> GcprotoError:
    return GcprotoError(
        f"{file} is left out", why=f"it is run {result.run_id} once more, read from {first}", code=ExitCode.USAGE
    )


def see_that_it_is_sound(path: Path, result: Result) -> None:
    """Check what the schema's types can't say, so that readers may rely on it.

    Raises:
        GcprotoError: the result contradicts itself.

    """
    why = next(iter(_faults(result)), "")
    if why:
        raise GcprotoError(
            f"{path} is no usable result",
            why=why,
            remedy="the file was changed or damaged after it was written: measure again, or restore it",
            code=ExitCode.USAGE,
        )


def _faults(result: Result) -> Iterable[str]:
    yield from _environment_faults(result.environment)
    for number, one in enumerate(result.measurements):
        for text in _measurement_faults(one):
            yield f"measurements[{number}]: {text}"


GROUPS = ("kernel", "cpu", "thp", "uffd", "run")


def _environment_faults(environment: dict[str, Any]) -> Iterable[str]:
    for name in GROUPS:
        if not isinstance(environment.get(name, {}), dict):
            yield f"environment.{name} is no object"
    for name in ("page_size", "pmd_size"):
        value = environment.get(name)
        if value is not None and not (isinstance(value, int) and value > 0 and value & (value - 1) == 0):
            yield f"environment.{name} is no power of two"


def _measurement_faults(one: Measurement) -> Iterable[str]:
    if len(one.samples) != len(one.rounds):
        yield f"{len(one.samples)} samples of {len(one.rounds)} rounds"
    numbers = [*one.samples, *one.warmup, *one.figures.values()]
    if not all(math.isfinite(value) for value in numbers):
        yield "a sample or figure is not finite"
    if any(value < 0 for value in one.samples):
        yield "a sample is negative"
    if one.valid and one.samples and one.median is None:
        yield "it is valid and has no median"
    scenario = one.scenario
    if not (0 <= scenario.order < 64 and 0 < scenario.granule_bytes < 1 << 62 and 0 < scenario.pages < 1 << 62):
        yield "its scenario has an impossible order, granule or number of pages"
