"""The origin of the figures: machines, noise, invalid rounds, skips with reasons, refused files."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gcproto.counted import counted
from gcproto.report.page.model import Grid, Part, Section
from gcproto.report.words.ratios import floor_of
from gcproto.report.words.runs import Run
from gcproto.results import names
from gcproto.results.facts import cpu_of
from gcproto.results.gather import Refused
from gcproto.results.schema import Result
from gcproto.results.series import page_size_of, release_of, short


def provenance_section(results: Sequence[tuple[Path, Result]], refused: Sequence[Refused]) -> Section:
    """Everything that a reader needs to judge the page."""
    section = Section("provenance", "Where the figures come from", "")
    every = [result for _, result in results]
    part = Part()
    part.grids = [_noise(every), _invalid(every), _skips(every), _refused(refused), *_guests(every)]
    environments = Part(f"Environment of {counted(len(results), 'run')}", folded=True)
    environments.grids = [_environment(path, result) for path, result in results]
    section.parts += [part, environments]
    return section


def files_grid(results: Sequence[tuple[Path, Result]], runs: Sequence[Run]) -> Grid:
    """A line for each file.

    Args:
        results: with their files.
        runs: the same results with their labels, in the same order.

    """
    heads = (
        "file",
        "label",
        "kernel",
        "processor",
        "started (UTC)",
        "proof by",
        "complete",
        "seconds",
        "measurements",
        "void",
        "invalid rounds",
        "skips",
        "made by",
    )
    rows = [_file(path, result, run.label) for (path, result), run in zip(results, runs, strict=True)]
    return Grid("Files", heads, rows, 7, folded=len(rows) > 12)


def _file(path: Path, result: Result, label: str) -> tuple[str, ...]:
    producer = result.producer
    levels = sorted({one.proof.level for one in result.measurements if one.proof.rounds})
    return (
        path.name,
        label,
        short(release_of(result)),
        cpu_of(result),
        producer.started.split("+")[0].replace("T", " "),
        ", ".join(levels) or "nothing",
        "yes" if producer.complete else "no, INTERRUPTED",
        f"{producer.seconds:.0f}",
        str(len(result.measurements)),
        str(sum(not one.valid for one in result.measurements)),
        str(sum(len(one.invalid_rounds) for one in result.measurements)),
        str(len(result.skips)),
        f"{result.experiment.__struct_config__.tag} {producer.version}: {' '.join(producer.command)}"
        + f" (lines of gcprobe bench: {producer.imported})" * bool(producer.imported),
    )


def _name(result: Result) -> str:
    return f"{result.run_id} ({short(release_of(result))})"


def _noise(results: Sequence[Result]) -> Grid:
    rows = []
    for result in results:
        if not result.noise:
            continue
        pairs = ", ".join(f"{pair.value:.3f} ({pair.low:.3f}-{pair.high:.3f})" for pair in result.noise.pairs)
        rows.append((_name(result), pairs, f"{result.noise.floor:.1%}"))
    without = sum(floor_of(result).assumed and result.guest is None for result in results)
    guests = sum(result.guest is not None and result.noise is None for result in results)
    notes = [f"{counted(without, 'result')} without a pair: a floor of 2 % is assumed."] * (without > 0)
    notes += [f"{guests} results of guests have none: instructions repeat, and boots and the canary show how well."] * (
        guests > 0
    )
    first = "The same work measured twice under two names. Smaller differences than the floor are noise."
    note = " ".join((first, *notes))
    return Grid("A/A noise", ("run", "ratio of each pair, with its interval", "floor"), rows, 2, note, folded=False)


def _invalid(results: Sequence[Result]) -> Grid:
    rows = []
    for result in results:
        for one in result.measurements:
            reasons: dict[str, list[int]] = defaultdict(list)
            for bad in one.invalid_rounds:
                reasons[bad.reason].append(bad.round)
            for reason, rounds in reasons.items():
                total = len(one.samples) + len(one.invalid_rounds)
                text = names.scenario(one.scenario, page_size_of(result))
                void = "" if one.valid else "VOID, do not quote"
                rows.append((_name(result), text, reason, void, f"{len(rounds)} of {total}"))
    note = (
        "The file keeps rounds whose proof failed; no figure of this page includes them. A measurement is void if "
        "they are more than one and more than a tenth."
    )
    return Grid("Invalid rounds", ("run", "scenario", "reason", "", "rounds"), rows, 4, note, folded=False)


def _skips(results: Sequence[Result]) -> Grid:
    found: dict[tuple[str, str], dict[str, dict[str, None]]] = defaultdict(dict)
    for result in results:
        where = short(release_of(result)) if result.guest else result.run_id
        for skip in result.skips:
            found[skip.reason, skip.remedy].setdefault(skip.what, {})[where] = None
    rows = []
    for (reason, remedy), whats in found.items():
        by_place: dict[str, list[str]] = defaultdict(list)
        for what, places in whats.items():
            by_place[", ".join(places)].append(what)
        rows += [(", ".join(names), reason, remedy, places) for places, names in by_place.items()]
    note = "Nothing else was measured in their place."
    return Grid("Not measured, and why", ("what", "reason", "what to do", "where"), rows, 4, note, folded=False)


def _refused(refused: Sequence[Refused]) -> Grid:
    rows = [(one.path.name, one.error.what, one.error.why, one.error.remedy) for one in refused]
    return Grid("Files that are not used", ("file", "what", "why", "what to do"), rows, 4, folded=False)


def _guests(results: Sequence[Result]) -> list[Grid]:
    guests = [(result, result.guest) for result in results if result.guest]
    if not guests:
        return []
    rows = [
        (
            short(release_of(result)),
            str(guest.boot),
            guest.outcome,
            guest.why,
            guest.host.get("cpu", ""),
            " ".join(guest.command[:1]),
            f"{guest.seconds:.0f}",
        )
        for result, guest in guests
    ]
    grids = [Grid("Guests", ("kernel", "boot", "outcome", "why", "host", "by", "seconds"), rows, 6)]
    for result, guest in guests:
        if guest.outcome != "done":
            lines = [(line,) for line in guest.console]
            grids.append(
                Grid(
                    f"Console of {short(release_of(result))}, boot {guest.boot}: {guest.outcome}",
                    ("the last lines",),
                    lines,
                )
            )
    return grids


def _environment(path: Path, result: Result) -> Grid:
    rows = [*_flat("", result.environment), *_flat("experiment", msgspec.to_builtins(result.experiment))]
    rows.append(("producer.benchmark", result.producer.benchmark))
    return Grid(f"Environment of {path.name}", ("what", "value"), rows, 2)


def _flat(name: str, value: object) -> list[tuple[str, str]]:
    """A tree of settings as lines."""
    if isinstance(value, dict) and value:
        return [line for key, one in value.items() for line in _flat(f"{name}.{key}".lstrip("."), one)]
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return [(name, str(value))]
