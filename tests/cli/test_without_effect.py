"""Options that would change nothing beside the others are refused, and a number's message says which are valid."""

import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gcproto.cli.app import cli
from gcproto.cli.gc.effects import FIELDS, see_that_options_take_effect
from gcproto.cli.gc.workloads import command as gc
from gcproto.cli.kit.params import Number, Numbers, Whole
from gcproto.collector.modes import MODES
from gcproto.errors import ExitCode, GcprotoError
from gcproto.experiments.session import worker
from gcproto.jobs.cluster import DaskPool
from gcproto.results.schema import ModeOptions
from tests.cli.test_options import commands

PATHS = "tests/data/v1/kernel-paths.json"
POLICIES = "tests/data/v1/policies.json"

UNUSED = [
    (("gc", "--modes", "move", "--full-after", "20"), "--full-after", "young-move, young-copy"),
    (("gc", "--modes", "stw,memmove", "--ebusy", "touch"), "--ebusy", "art, move, auto"),
    (("gc", "--modes", "copy,remap", "--ebusy", "touch"), "--ebusy", "art, move, auto"),
    (("gc", "--modes", "stw", "--run-pages", "8"), "--run-pages", "copy"),
    (("gc", "--modes", "stw", "--cut-at-tables"), "--cut-at-tables", "copy"),
    (("gc", "--modes", "memmove,none", "--compactors", "2"), "--compactors", "copy"),
    (("gc", "--modes", "auto", "--fault", "copy"), "--fault", "art, move"),
    (("gc", "--modes", "auto,stw", "--fault-pages", "4"), "--fault-pages", "copy"),
    (("gc", "--modes", "copy", "--granule", "64k"), "--granule", "move"),
    (("gc", "--modes", "young-move", "--regions", "always"), "--regions", "move"),
    (("gc", "--modes", "stw", "--fresh", "kernel"), "--fresh", "copy"),
    (("gc", "--modes", "copy", "--policies", "whole,auto"), "--policies", "move"),
    (("gc", "--modes", "young-move", "--policies", "whole"), "--policies", "move"),
    (("gc", "--modes", "stw", "--map"), "--map", "move"),
    (("gc", "policies", "--device", "loop"), "--device", "--swapped"),
    (("gc", "policies", "--policies", "move,whole", "--objective", "flip"), "--objective", "auto"),
    (("gc", "policies", "--workloads", "dump", "--live", "8m"), "--live", "dump"),
    (("gc", "window", "--ways", "move,copy", "--group", "8"), "--group", "--ways"),
    (("gc", "window", "--ways", "move-plain", "--batch", "8"), "--batch", "--ways"),
    (("predict", "--live-share", "0.3"), "--live-share", "--heap-mib"),
    (("predict", "--processors", "4"), "--processors", "--heap-mib"),
    (("predict", "--up-to", "1g"), "--up-to", "--heap-mib"),
    (("predict", "--up-to", "1g", "--heap-mib", "64", POLICIES), "--up-to", "results are given"),
    (("predict", "--out", "x", POLICIES), "--out", "results are given"),
    (("predict", "--live-share", "0.3", "--dump", POLICIES), "--live-share", "dump"),
    (("claims", "T1", "--kernels"), "--kernels", "T3, T11, T15"),
    (("kernels", "run", "7.3", "--modules", "."), "--modules", "vmlinuz"),
    (("kernels", "check", "7.3", "--modules", "."), "--modules", "vmlinuz"),
    (("kernels", "check", "7.3", "--append", "quiet init=/bin/sh"), "--append", "rdinit="),
    (("kernels", "compare", PATHS, PATHS, "--results", "tests/data/v1"), "--results", "files or folders"),
    (("kernels", "compare", "a", "b", "--across-architectures", "--scenario", "x"), "--scenario", "--by"),
    (("kernels", "ab", "--check", "--boots", "2"), "--boots", "measures nothing"),
    (("kernels", "ab", "--check", "--set", "paths", "--small-above", "9"), "--set, --small-above", "measures nothing"),
    (("kernels", "bisect", "--tree", ".", "--good", "a", "--bad", "b", "--source", "7.3"), "--source", "--tree"),
]


@pytest.mark.parametrize(("words", "option", "hint"), UNUSED, ids=lambda value: " ".join(value)[:60])
def test_refused(words: tuple[str, ...], option: str, hint: str) -> None:
    done = CliRunner().invoke(cli, list(words))
    assert isinstance(done.exception, GcprotoError), done.output
    assert done.exception.code == ExitCode.USAGE
    assert done.exception.what.startswith(option)
    assert hint in str(done.exception)


def checked(*words: str) -> None:
    """What the command checks of these options."""
    with gc.make_context("gc", list(words)):
        see_that_options_take_effect(click.get_current_context().params["modes"], "trees")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--modes", "copy"),
        ("--modes", "move,stw,none", "--ebusy", "touch", "--granule", "64k", "--policies", "auto", "--map"),
        ("--modes", "stw,none", "--dense", "900,1001", "--verify"),
        ("--modes", "young-copy,move", "--full-after", "3"),
        ("--modes", "copy", "--ready", "copy", "--fault-pages", "4", "--fresh", "zeropage", "--compactors", "2"),
    ],
    ids=" ".join,
)
def test_one_mode_that_takes_an_option_is_enough(words: tuple[str, ...]) -> None:
    checked(*words)


def test_modes_that_never_collect_need_another_one() -> None:
    with pytest.raises(GcprotoError, match="no mode of --modes collects") as error:
        checked("--modes", "none,bare")
    assert error.value.code == ExitCode.USAGE


def test_a_replayed_trace_takes_no_mutation(tmp_path: Path) -> None:
    words = ["gc", "--workload", "replay", "--recording", str(tmp_path / "x"), "--mutation", "3"]
    done = CliRunner().invoke(cli, words)
    assert isinstance(done.exception, GcprotoError)
    assert "--mutation has no effect" in str(done.exception)


def test_tables_that_json_omits_are_not_asked_for() -> None:
    words = ["gc", "--modes", "move,copy", "--explain-difference", "move,copy", "--json"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == ExitCode.USAGE
    assert "--explain-difference" in done.output


def test_every_option_of_a_mode_is_looked_at() -> None:
    """Each parameter exists, and each of its fields has a mode that takes it and one that does not."""
    known = {parameter.name for parameter in gc.params}
    assert set(FIELDS) <= known
    for field in FIELDS.values():
        assert field in ModeOptions.__struct_fields__
        assert {mode.takes(field) for mode in MODES.values()} == {True, False}, field


def test_an_option_that_a_mode_does_not_take_is_not_in_its_name() -> None:
    options = ModeOptions(ebusy="touch", run_pages=8, fault_by="copy")
    assert MODES["stw"].able(options) == ModeOptions()
    assert MODES["copy"].able(options) == ModeOptions(run_pages=8)
    assert MODES["auto"].able(options) == ModeOptions(ebusy="touch", run_pages=8)
    assert MODES["move"].able(options) == options


@pytest.mark.parametrize("text", ["inf", "", "1e3", "0", "11", "9" * 5000, "1.0"])
def test_a_message_says_which_whole_numbers_are_valid(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is not a whole number from 1 to 10$"):
        Whole(1, 10).convert(text, None, None)
    if text:
        with pytest.raises(click.BadParameter, match=r"is not a whole number from 1 to 10$"):
            Numbers(1, 10).convert(text, None, None)
    assert Whole(1, 10).convert("10", None, None) == 10


def test_all_whole_numbers_have_that_message() -> None:
    for path, command in commands(cli):
        for parameter in command.params:
            counts = isinstance(parameter, click.Option) and parameter.count  # -v
            if isinstance(parameter.type, click.IntRange) and not counts:
                assert isinstance(parameter.type, Whole), f"{path}: {parameter.name}"


def test_bounds_have_no_exponent() -> None:
    with pytest.raises(click.BadParameter, match=r"from 1 to 1048576$"):
        Number(1, 1 << 20, "").convert("0", None, None)


@pytest.mark.parametrize(
    "address", ["foo", "http://[", "/tmp", "tcp://host:x", "tcp://host:99999", "tcp://host:0", "h:8:9"]
)
def test_what_is_not_the_address_of_a_scheduler(address: str) -> None:
    with pytest.raises(GcprotoError, match="is not the address of a Dask scheduler") as error:
        DaskPool(address)
    assert error.value.code == ExitCode.USAGE


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_series_of_results_without_paths_is_refused(more: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, ["kernels", "history", "tests/data/v1/kernel-check.json", *more])
    assert isinstance(done.exception, GcprotoError), done.output
    assert "no path was measured in these results" in str(done.exception)
    assert done.exception.code == ExitCode.USAGE


@pytest.mark.parametrize("terminal", [False, True])
def test_compiling_is_one_line_where_lines_are_not_written_over(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def compile_all(progress: Callable[[str, int, int], None]) -> int:
        for number in (3, 4, 5):
            progress("a.b.c", number, 9)
        return 3

    monkeypatch.setattr(worker, "compile_all", compile_all)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    worker.prepare("trees")
    said = capsys.readouterr().err
    assert ("\r" in said) == terminal
    assert said.count("compiling") == (3 if terminal else 1)
    assert said.endswith("\n")
