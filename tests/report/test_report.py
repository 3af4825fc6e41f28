"""Tables and verdicts: golden text of the tables, and what both say of results that lack something."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gcproto.report.terminal.tables import print_result
from gcproto.results.schema import InvalidRound, Result, Skip
from gcproto.results.store import load
from tests.support.result_maker import measurement, noisy_run, result, scenario

DATA = Path(__file__).parents[1] / "data"


def shown(run: Result, *, wide: bool = False) -> str:
    out = StringIO()
    print_result(run, Console(file=out, width=320 if wide else 100, color_system=None), wide=wide)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


@pytest.mark.parametrize("wide", [False, True])
def test_golden_text(wide: bool) -> None:
    name = "golden-show-wide.txt" if wide else "golden-show.txt"
    tables = shown(load(DATA / "golden-result.json"), wide=wide).partition("\nSmall folios: ")[0]
    assert tables == (DATA / name).read_text()


def test_invalid_measurements_are_loud() -> None:
    bad = measurement(scenario("move"), [5.0, 5.0, 5.0])
    bad.valid = False
    bad.invalid_rounds = [InvalidRound(1, 5.0, "3 pages have wrong contents")] * 7
    text = shown(result([bad, measurement(scenario("copy"), [9.0, 9.0, 9.0])]))
    assert "INVALID" in text
    assert "7/10 rounds" in text
    assert "do not quote" in text
    assert "7 rounds: 3 pages have wrong contents" in text


def test_skips_are_shown_with_reason_and_remedy() -> None:
    text = shown(result([measurement(scenario("copy"), [9.0, 9.0, 9.0])], [Skip("pinned", "no io_uring", "use one")]))
    assert "pinned: no io_uring" in text
    assert "what to do: use one" in text


def test_an_empty_environment_is_no_error() -> None:
    run = noisy_run(1)
    run.environment = {}
    assert "kernel unknown" in shown(run)
