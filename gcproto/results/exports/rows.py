"""Samples as rows of a table (CSV): one line per round, with marked warm-up and invalid rounds."""

import csv
import io
from collections.abc import Iterable, Sequence

from gcproto.results.configurations import build_of
from gcproto.results.facts import release_of
from gcproto.results.names import exported
from gcproto.results.schema import (
    Measurement,
    ModeOptions,
    PathScenario,
    PolicyScenario,
    Result,
    Scenario,
    WindowScenario,
    WorkloadScenario,
)

KINDS = {PathScenario: "path", WorkloadScenario: "workload", PolicyScenario: "policy", WindowScenario: "window"}
FIELDS = tuple(dict.fromkeys(name for kind in KINDS for name in kind.__struct_fields__))
"""Of scenarios of all kinds; a cell is empty where a scenario has no such field."""
HEADS = ("kernel", "scenario", "name", *FIELDS, "unit", "valid", "round", "kind", "value")


def sample_rows(found: Iterable[Measurement], kernel: str = "") -> Iterable[tuple[object, ...]]:
    """Every round: kind is ``sample``, ``warmup`` or ``invalid: why``; valid is of the measurement as a whole."""
    for one in found:
        head = (kernel, *scenario_cells(one.scenario), one.unit, "yes" if one.valid else "no")
        for value in one.warmup:
            yield (*head, "", "warmup", value)
        for number, value in zip(one.rounds, one.samples, strict=True):
            yield (*head, number, "sample", value)
        for bad in one.invalid_rounds:
            yield (*head, bad.round, f"invalid: {bad.reason}", bad.sample)


def scenario_cells(one: Scenario) -> tuple[object, ...]:
    """Kind, name and fields of a scenario, as ``HEADS`` has them."""
    return KINDS[type(one)], exported(one), *(_cell(getattr(one, name, None)) for name in FIELDS)


def _cell(value: object) -> object:
    if isinstance(value, ModeOptions):
        return " ".join(f"{name}={text}" for name, text in value.given().items())
    return "" if value is None else value


def text(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV with a head."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([[_plain(cell) for cell in row] for row in rows])
    return out.getvalue()


def _plain(cell: object) -> object:
    """A cell that no spreadsheet treats as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def document(results: Sequence[Result]) -> str:
    """All samples of results, with the run in front and the build of a guest's kernel at the end."""
    rows = (
        (result.run_id, *row, build_of(result))
        for result in results
        for row in sample_rows(result.measurements, release_of(result))
    )
    return text(("run", *HEADS, "build"), rows)
