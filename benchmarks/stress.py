"""The sum of stress runs: ``python -m benchmarks.stress FOLDER...`` reads the result files below the folders.

For each kernel and swap device: guests, seconds of guest time, and what the guests counted. A guest whose time is
missing (its kernel went down, or it was ended) counts with its verdict, and with 0 s.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from gcproto.counted import counted
from gcproto.errors import GcprotoError
from gcproto.kernels.guest.console import races_in
from gcproto.kernels.run.stress import STRESS
from gcproto.results.facts import release_of
from gcproto.results.schema import Console, Hazard, Result
from gcproto.results.store import load

COUNT = re.compile(r"(?:^|[,;:] )(\d+) ([a-zA-Z][^,;:]*)")
UNAVAILABLE = re.compile(r"; ([^;]+: unavailable \([^)]*\))")
DEVICES = ("loop device", "zram")
"""Swap of even and of odd seeds."""


class Sum(msgspec.Struct):
    """Of the guests of one kernel with one swap device.

    Attributes:
        guests, seconds: of the guest's clock.
        verdicts: how often each, by word.
        counts: by the names that the stress gives them.
        lacks: parts that the kernel has not.
        faults: texts of verdicts that are not fine, with their seeds.
        races: data races that KCSAN reported.

    """

    guests: int = 0
    seconds: float = 0.0
    verdicts: Counter[str] = msgspec.field(default_factory=Counter)
    counts: Counter[str] = msgspec.field(default_factory=Counter)
    lacks: set[str] = msgspec.field(default_factory=set)
    faults: list[str] = msgspec.field(default_factory=list)
    races: set[str] = msgspec.field(default_factory=set)


def sums(results: Iterable[Result]) -> dict[tuple[str, str], Sum]:
    """Of each kernel and device.

    Args:
        results: other ones than of the stress are passed over.

    """
    found: dict[tuple[str, str], Sum] = {}
    for result in results:
        of = next((v for v in result.verdicts if isinstance(v.subject, Hazard) and v.subject.name == STRESS), None)
        if of is None or not isinstance(of.subject, Hazard):
            continue
        seed = of.subject.seed or 0
        one = found.setdefault((release_of(result), DEVICES[seed % 2]), Sum())
        one.guests += 1
        one.seconds += of.seconds
        counts = of.text.split("; counters since")[0]
        one.lacks.update(UNAVAILABLE.findall(counts))
        for number, name in COUNT.findall(counts):
            one.counts["rounds" if name == "round" else name] += int(number)
        for verdict in result.verdicts:
            races = races_in(verdict.text) if isinstance(verdict.subject, Console) else set()
            one.races |= races
            place = "console " if isinstance(verdict.subject, Console) else ""
            one.verdicts["console with data races" if races else place + verdict.verdict] += 1
            if verdict.verdict != "fine" and not races:
                one.faults.append(f"seed {seed}: {verdict.verdict}: {verdict.text[:300]}")
    return found


def lines(found: dict[tuple[str, str], Sum]) -> list[str]:
    """For people: each kernel and device, then all of them."""
    shown = []
    for (release, device), one in sorted(found.items()):
        verdicts = ", ".join(f"{n} {word}" for word, n in sorted(one.verdicts.items()))
        shown.append(f"{release}, {device}: {counted(one.guests, 'guest')}, {one.seconds:,.0f} s; {verdicts}")
        shown += [f"    {number:,} {name}" for name, number in one.counts.items()]
        shown += [f"    {text}" for text in sorted(one.lacks)]
        shown += [f"    {text}" for text in one.faults]
        shown += [f"    race: {text}" for text in sorted(one.races)]
    total = sum((one.counts for one in found.values()), Counter[str]())
    seconds = sum(one.seconds for one in found.values())
    shown.append(
        f"in all {counted(sum(one.guests for one in found.values()), 'guest')}, {seconds:,.0f} s "
        f"({seconds / 3600:.2f} h), {total['pages moved']:,} pages moved, {total['steps of them']:,} steps"
    )
    return shown


def main(folders: Sequence[str]) -> int:
    """Print the sum; the exit code."""
    missing = [folder for folder in folders if not Path(folder).is_dir()]
    if missing or not folders:
        print(f"no folder: {', '.join(missing)}" if missing else "usage: FOLDER...", file=sys.stderr)
        return 2
    try:
        files = sorted(file for folder in folders for file in Path(folder).rglob("*.json") if file.is_file())
        found = sums(map(load, files))
    except GcprotoError as error:
        print(f"gcproto: {error}", file=sys.stderr)
        return int(error.code)
    if not found:
        print(f"no result of a stress is below {', '.join(folders)}", file=sys.stderr)
        return 2
    print("\n".join(lines(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
