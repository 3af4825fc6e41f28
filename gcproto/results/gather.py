"""Results from files and folders: the usable ones, and the reasons why others are not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.reading.text import clean
from gcproto.results.schema import Result
from gcproto.results.store import load


@dataclass(frozen=True)
class Refused:
    """A file that is not used.

    Attributes:
        path: of the file.
        error: the error and the remedy.
        named: it was named directly, not found in a folder.

    """

    path: Path
    error: GcprotoError
    named: bool


@dataclass
class Gathered:
    """The files in the order in which they were named; files of folders by name."""

    results: list[tuple[Path, Result]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def gather(places: Iterable[Path]) -> Gathered:
    """Read results.

    An unusable file does not prevent reading the others. A run that is given twice is read once.

    Args:
        places: files, and folders whose ``*.json`` are read.

    """
    found = Gathered()
    seen: dict[str, Path] = {}
    for place in places:
        folder = place.is_dir()
        files = sorted(one for one in place.glob("*.json") if not one.is_fifo()) if folder else [place]
        for file in files:
            try:
                result = load(file)
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
        f"{clean(str(file))} is omitted",
        why=f"it is run {result.run_id} once more, read from {clean(str(first))}",
        code=ExitCode.USAGE,
    )
