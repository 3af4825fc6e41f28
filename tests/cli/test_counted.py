"""Counts with their nouns."""

from io import StringIO

import pytest
from rich.console import Console

from gcproto.counted import counted
from gcproto.report.terminal.tables import print_result
from tests.support.result_maker import measurement, result, scenario


def test_tables_of_one_round_say_one_round() -> None:
    """``--rounds 1`` had "median of 1 rounds", and a p90 that was its only sample."""
    made = result([measurement(scenario("move"), [80.0])], run={"rounds": 1, "warmup": 0})
    out = StringIO()
    print_result(made, Console(file=out, width=200, color_system=None))
    assert "median of 1 round, below" in out.getvalue()
    assert "1 rounds" not in out.getvalue()
    out = StringIO()
    print_result(made, Console(file=out, width=400, color_system=None), wide=True)
    assert "n<10" in out.getvalue()


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [
        (0, ("round",), "0 rounds"),
        (1, ("round",), "1 round"),
        (2, ("round",), "2 rounds"),
        (1024, ("page",), "1,024 pages"),
        (1, ("patch", "patches"), "1 patch"),
        (3, ("patch", "patches"), "3 patches"),
        (2, ("scenario costs", "scenarios cost"), "2 scenarios cost"),
    ],
)
def test_a_noun_follows_its_count(count: int, words: tuple[str, ...], said: str) -> None:
    assert counted(count, *words) == said
