"""How far boots of one kernel are apart: shown by scenario, flagged beyond 0.5 %, the same in tables and series."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner
from click.testing import Result as ClickResult
from rich.console import Console

from gcproto.cli.kernels import run as kernels_run
from gcproto.report.terminal.kernels import print_matrix
from gcproto.results.schema import Result, Scenario
from gcproto.results.series import AGREE, FLAG, build, spreads
from tests.support.kernel_results import CANARY, COPY, MOVE, PMD, SPLIT, STOCK, guest_result
from tests.support.result_maker import scenario

K618, K73 = "6.18.15+deb13-cloud-amd64", "7.3.4+deb13-cloud-amd64"
SCENARIOS = len(STOCK[K618])


def boots(release: str, *factors: dict[Scenario, float]) -> list[Result]:
    """A boot for each of them: the kernel's figures without noise, but for scenarios with a factor."""
    return [
        guest_result(
            release, {one: value * factor.get(one, 1.0) for one, value in STOCK[release].items()}, boot=boot, noise=0.0
        )
        for boot, factor in enumerate(factors, 1)
    ]


def shown(results: list[Result]) -> list[str]:
    """Lines below the head of the spreads, without what aligns them."""
    out = StringIO()
    print_matrix(results, Console(file=out, width=160, color_system=None))
    _, head, below = out.getvalue().partition("Boots of the same kernel: ")
    return [" ".join(line.split()) for line in (head + below).splitlines()]


def heads(results: list[Result]) -> str:
    """Names of the columns of the table of kernels."""
    out = StringIO()
    print_matrix(results, Console(file=out, width=160, color_system=None))
    return next(line for line in out.getvalue().splitlines() if line.startswith("kernel"))


def test_swapped_folios_of_64k_have_a_column() -> None:
    """A column "swapped" of small folios said "-" beside a swapped mTHP that was measured."""
    large = scenario("move", PMD, source="swapped", order=4, pages=512)
    found = heads([guest_result(K618, {**STOCK[K618], large: 300.0})])
    assert "swapped 64K" in found
    assert " ".join(found.split()).count("swapped") == 1, "and what no kernel was asked for has none"
    small = scenario("move", PMD, source="swapped", pages=512)
    assert "swapped 64K" not in heads([guest_result(K618, {**STOCK[K618], small: 300.0})])


def test_each_scenario_has_its_spread() -> None:
    lines = shown(boots(K618, {}, {MOVE: 1.002, COPY: 1.004}, {MOVE: 0.9995}, {}, {}))
    assert lines[0].endswith("4 of 5 cells agree to 0.3 % (80.0 %); the worst differs by 0.40 %")
    assert lines[2:] == [
        "small copy 2M 0.40 % 5 6.18.15+deb13",
        "small move 2M 0.25 % 5 6.18.15+deb13",
        "64K mTHP move 2M 0.00 % 5 6.18.15+deb13",
        "none canary 2M 0.00 % 5 6.18.15+deb13",
        "small move 4K 0.00 % 5 6.18.15+deb13",
    ]


@pytest.mark.parametrize(("spread", "flagged"), [(0.0049, False), (0.0051, True)])
def test_what_is_beyond_half_a_percent_is_flagged_and_what_is_below_is_not(spread: float, flagged: bool) -> None:
    results = boots(K618, {}, {}, {SPLIT: 1 + spread})
    flags = [line for line in shown(results) if "FLAG" in line]
    assert flags == ([f"64K mTHP move 2M {100 * spread:.2f} % FLAG 3 6.18.15+deb13"] if flagged else [])
    assert [one.scenario for one in spreads(results) if one.flagged] == ([SPLIT] if flagged else [])


@pytest.mark.parametrize(("spread", "agreeing"), [(0.0029, SCENARIOS), (0.0031, SCENARIOS - 1)])
def test_the_share_that_agrees(spread: float, agreeing: int) -> None:
    (head, *_) = shown(boots(K618, {}, {MOVE: 1 + spread}))
    share = 100 * agreeing / SCENARIOS
    assert f"{agreeing} of {SCENARIOS} cells agree to 0.3 % ({share:.1f} %)" in head


def test_of_several_kernels_the_widest_is_shown_and_all_that_are_flagged() -> None:
    results = [*boots(K618, {}, {MOVE: 1.02, COPY: 1.001}), *boots(K73, {}, {MOVE: 1.01, COPY: 1.002})]
    lines = shown(results)
    assert "8 of 10 cells agree" in lines[0]
    assert [line for line in lines if "small move 2M" in line] == [
        "small move 2M 1.98 % FLAG 2 6.18.15+deb13",
        "small move 2M 1.00 % FLAG 2 7.3.4+deb13",
    ]
    assert [line for line in lines if "small copy 2M" in line] == ["small copy 2M 0.20 % 2 7.3.4+deb13"]
    assert len(lines) == 2 + SCENARIOS + 1, "head, heads of columns, each scenario, and one that is flagged twice"


def test_kernels_are_not_compared_with_each_other_and_one_boot_has_no_spread() -> None:
    assert spreads([*boots(K618, {}), *boots(K73, {})]) == []
    assert shown([*boots(K618, {}), *boots(K73, {})]) == []


def test_an_invalid_measurement_is_in_no_spread() -> None:
    results = boots(K618, {}, {}, {MOVE: 1.5})
    for one in results[2].measurements:
        one.valid = one.scenario != MOVE
    (found,) = (one for one in spreads(results) if one.scenario == MOVE)
    assert (found.share, found.boots) == (0.0, 2)


def test_tables_and_series_have_the_same_spread() -> None:
    results = [guest_result(K618, STOCK[K618], boot=boot, noise=0.01) for boot in range(1, 6)]
    cells = build(results).cells
    found = spreads(results)
    assert {one.scenario for one in found} == set(cells)
    assert all(one.share == cells[one.scenario][one.kernel].spread > 0 for one in found)
    assert [one.share for one in found] == sorted((one.share for one in found), reverse=True)
    assert AGREE < FLAG


def run(monkeypatch: pytest.MonkeyPatch, results: list[Result], *arguments: str) -> ClickResult:
    """The command, with guests that brought these results."""

    def cells_done(_ctx: click.Context, _cells: object, _options: object, show: Callable[[list[Result]], bool]) -> bool:
        return show(results)

    monkeypatch.setattr(kernels_run, "chosen", lambda _options: [SimpleNamespace(release=K618)])
    monkeypatch.setattr(kernels_run, "ready", lambda *_what: "")
    monkeypatch.setattr(kernels_run, "run_cells", cells_done)
    return CliRunner().invoke(kernels_run.command, [K618, *arguments])


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_command_says_that_a_run_is_flagged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    wide, narrow = boots(K618, {}, {CANARY: 1.01}), boots(K618, {}, {CANARY: 1.004})
    done = run(monkeypatch, wide, "--boots", "2", *form)
    assert "FLAG: more than 0.5 % between boots of one kernel in 1 of 5 scenarios, at most 1.00 %" in done.stderr
    assert done.exit_code == 0, "the figures are there, and stand"
    assert run(monkeypatch, wide, "--boots", "2", "--fail-on-spread", *form).exit_code == 1
    done = run(monkeypatch, narrow, "--boots", "2", "--fail-on-spread", *form)
    assert (done.exit_code, "FLAG" in done.stderr + done.stdout) == (0, False)


@pytest.mark.parametrize("arguments", [("--boots", "1"), ("--boots", "2", "--set", "heap")])
def test_a_demand_that_could_not_fail_is_refused(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    done = run(monkeypatch, [], "--fail-on-spread", *arguments)
    assert done.exit_code == 2
    assert "--fail-on-spread needs" in done.stderr
