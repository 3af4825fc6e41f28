"""Tables and verdicts: golden text of the tables, and what both say of results that lack something."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gcproto.report.tables import print_result
from gcproto.report.verdict import verdict
from gcproto.results.schema import InvalidRound, Measurement, Result, Skip
from gcproto.results.store import load

from .result_maker import measurement, noisy_run, result, scenario

DATA = Path(__file__).parent / "data"


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


def large(arm: str, median: float, *, split: int, order: int = 4, alignment: str = "congruent") -> Measurement:
    source = "thp" if order == 9 else "mthp"
    return measurement(
        scenario(arm, 2 << 20, source, order=order, alignment=alignment),
        [median * factor for factor in (0.99, 1.0, 1.01) for _ in range(5)],
        folios=960,
        folios_split=split,
        order_after={"0" if split else str(order): 15360},
    )


class TestVerdict:
    def test_two_lines(self) -> None:
        small, big = verdict(noisy_run(1))
        assert small.startswith("Small folios: move, in runs as long as they come")
        assert "11." in small
        assert "copy-then-discard" in small
        assert big == "Large folios: not measured here."

    def test_dear_moves_are_not_recommended(self) -> None:
        small, _ = verdict(noisy_run(1, arms={"move": 20.0}))
        assert small.startswith("Small folios: copy: moving costs")

    def test_no_difference_is_none(self) -> None:
        small, _ = verdict(noisy_run(1, arms={"move": 950 / 80}))
        assert small.startswith("Small folios: either will do")
        assert "no different from" in small

    def test_a_kernel_that_splits(self) -> None:
        _, big = verdict(result([large("move", 900, split=960), large("copy_discard", 800, split=0)]))
        assert "splits 64K mTHP to move it (64 of 64 folios): copy" in big

    def test_a_kernel_that_moves_whole_is_news(self) -> None:
        _, big = verdict(result([large("move", 9, split=0), large("copy_discard", 800, split=0)]))
        assert "moves 64K mTHP whole, which is news: move" in big

    def test_thp(self) -> None:
        whole, discard = large("move", 4, split=0, order=9), large("copy_discard", 700, split=0, order=9)
        skewed = large("move", 650, split=960, order=9, alignment="skewed")
        copy = large("copy", 700, split=0, order=9, alignment="skewed")
        _, big = verdict(result([whole, discard, skewed, copy]))
        assert "stays whole: 4.00 ns/page, 175 times cheaper than copy-then-discard" in big
        assert "skewed by one page it is split: 1.08 times cheaper than copy" in big

    def test_invalid_measurements_say_nothing(self) -> None:
        run = noisy_run(1)
        for one in run.measurements:
            one.valid = False
        assert verdict(run)[0] == "Small folios: not measured here (UFFDIO_MOVE against UFFDIO_COPY)."
