"""Options that make no sense are refused by every command: nan, inf, absurd sizes, empty lists, words named twice."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as some

from gcproto.cli.app import COMMANDS, cli
from gcproto.cli.kit.groups import LazyGroup
from gcproto.cli.kit.params import Factors, FilePath, Number, Size, Words
from gcproto.errors import ExitCode
from gcproto.host.environment import page_size
from gcproto.results.store import load
from tests.support.processes import run_gcproto
from tests.support.running import Running

NO_NUMBERS = ("nan", "inf", "-inf", "1e400", "-1", "1e18", "x", "")

REFUSED = [
    *(("compare", "--fail-above", value, "a", "b") for value in NO_NUMBERS),
    *(("contract", "--timeout", value) for value in NO_NUMBERS),
    *(("gc", "--timeout", value) for value in NO_NUMBERS),
    *(("gc", "policies", "--fail-above", value) for value in NO_NUMBERS),
    *(("kernels", "ab", "--fail-above", value) for value in NO_NUMBERS),
    *(("kernels", "ab", "--timeout", value) for value in NO_NUMBERS),
    *(("kernels", "check", "--timeout", value) for value in NO_NUMBERS),
    *(("kernels", "compare", "--fail-above", value, "a", "b") for value in NO_NUMBERS),
    *(("kernels", "history", "--threshold", value) for value in NO_NUMBERS),
    *(("kernels", "run", "--timeout", value) for value in NO_NUMBERS),
    *(("kernels", "stress", "--minutes", value) for value in NO_NUMBERS),
    *(("predict", "--fail-below", value) for value in (*NO_NUMBERS, "2")),
    *(("bench", "--size", value) for value in (*NO_NUMBERS, "0", "1.5m", "²m", "9" * 5000, "100000g")),
    *(("gc", "--live", value) for value in (*NO_NUMBERS, "0", "1k", "100000g")),
    *(("gc", "--granule", value) for value in (*NO_NUMBERS, "0")),
    *(("gc", "--heap", value) for value in (*NO_NUMBERS, "1x", "0.5x", "2x,2.0x", "2x,", ",", "2000x", "nanx")),
    *(("gc", "policies", "--live", value) for value in (*NO_NUMBERS, "0", "100000g")),
    *(("gc", "window", "--size", value) for value in (*NO_NUMBERS, "0", "5000", "100000g")),
    *(("gc", "--modes", value) for value in ("move,move", "move, move", ",", "", "move,,copy", "cheese")),
    *(("gc", "--memory", value) for value in (",,", "small,small", "64k,64K", "cheese", "small,")),
    *(("gc", "--policies", value) for value in (",", "auto,auto", "cheese")),
    *(("gc", "--disturb", value) for value in (",", "", "pins,pins", "cheese")),
    *(("gc", "--placement", value) for value in (",", "own,own", "cheese")),
    *(("gc", "policies", "--memory", value) for value in (",,", "", "small,small", "cheese")),
    *(("gc", "policies", "--workloads", value) for value in (",", "trees,trees", "cheese")),
    *(("gc", "policies", "--policies", value) for value in (",", "move,move", "cheese", "none")),
    *(("gc", "policies", "--ebusy", value) for value in (",", "copy,copy", "cheese")),
    *(("gc", "window", "--ways", value) for value in (",", "move,move", "cheese")),
    *(("bench", "--arms", value) for value in (",", "move,move", "cheese")),
    *(("bench", "--sources", value) for value in (",", "small,small", "mthp-64k,mthp-65536", "cheese")),
    *(("bench", "--granules", value) for value in (",", "64k,65536", "folio,folio", "cheese")),
    *(("bench", "--test-slowdown", value) for value in ("copy=nan", "copy=-1", "cheese=3", "copy", "copy=99999999")),
    ("bench", "--threads", "1", "--threads", "1"),
    ("bench", "--alignment", "skewed", "--alignment", "skewed"),
    ("claims", "T1", "t1"),
    ("contract", "result-moved", "result-moved"),
    ("kernels", "check", "6.18", "--hazard", "swapcache-rmap", "--hazard", "swapcache-rmap"),
    ("kernels", "run", "6.18", "6.18"),
    ("kernels", "profile", "6.18", "thp move 2m", "thp-2m move 2M"),
    ("kernels", "profile", "7.3", "small move 4k", "--arch", "arm64", "--page-size", "16k"),
    ("kernels", "history", "{folder}", "{folder}"),
    ("kernels", "export", "--kcidb", "{folder}", "{folder}"),
    ("kernels", "compare", "a", "b", "--results", "{folder}", "--results", "{folder}"),
    ("report", "{folder}", "{folder}"),
    ("export", "--csv", "x", "{folder}", "{folder}"),
    ("report", ""),
    ("report", "-o", "", "{folder}"),
    ("report", "--plots", "", "{folder}"),
    ("export", "--csv", "x", ""),
    *(("export", option, "", "{folder}") for option in ("--csv", "--pyperf", "--pytest-benchmark")),
    ("compare", "", "{folder}"),
    ("compare", "{folder}", ""),
    ("show", ""),
    ("bench", "--out", ""),
    ("gc", "--trace", ""),
    ("gc", "--recording", ""),
    ("predict", ""),
    ("predict", "--out", ""),
    ("predict", "--proposal", ""),
    ("kernels", "compare", "", "{folder}"),
    ("kernels", "compare", "{folder}", ""),
    ("kernels", "compare", "a", "b", "--results", ""),
    ("kernels", "history", ""),
    ("kernels", "history", "{folder}", "--plot", ""),
    ("kernels", "export", "--kcidb", ""),
    ("kernels", "export", "--kcidb", "{folder}", "-o", ""),
    ("kernels", "run", ""),
    ("kernels", "run", "6.18", "--modules", ""),
    ("kernels", "run", "6.18", "--dask", ""),
    ("kernels", "fetch", ""),
    ("kernels", "build", "--source", ""),
    ("kernels", "build", "--patch", ""),
    ("kernels", "build", "--config", ""),
    ("kernels", "build", "--name", ""),
    ("kernels", "build", "--forget", ""),
    ("kernels", "ab", "--stock-patch", ""),
    ("kernels", "list", "--write-lock", ""),
    ("kernels", "list", "--here", "--write-lock", "x"),
    ("gc", "--live", "1m", "--heap", "2x"),
    ("gc", "policies", "--live", "1m"),
]


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: " ".join(words)[:60])
def test_refused(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gcproto.errors import GcprotoError

    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, [word.format(folder=tmp_path) for word in words])
    if isinstance(done.exception, GcprotoError):
        assert done.exception.code == ExitCode.USAGE
    else:
        assert done.exit_code == ExitCode.USAGE, done.output
        assert "Error: " in done.output
    assert list(tmp_path.iterdir()) in ([], [tmp_path / "results"])


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "--fail-above", "nan", "a", "b"),
        ("contract", "--timeout", "inf"),
        ("gc", "--timeout", "inf"),
        ("gc", "--modes", "move,move"),
        ("gc", "policies", "--memory", ",,"),
        ("gc", "--rounds", "99", "policies"),
        ("gc", "--json", "window"),
    ],
    ids=" ".join,
)
def test_refused_by_the_command(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run_gcproto(*words, cwd=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "Error: " in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_options_of_a_group_are_named_that_its_command_would_not_know(tmp_path: Path) -> None:
    done = run_gcproto("gc", "--rounds", "99", "--verify", "policies", "--live", "2m", cwd=tmp_path)
    assert "--rounds, --verify before 'policies'" in done.stderr
    assert "stand after its name" in done.stderr
    assert run_gcproto("-v", "gc", "policies", "--help").returncode == ExitCode.OK


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands, with the words that call them."""
    context = click.Context(group)
    yield path, group
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        if isinstance(command, LazyGroup):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_no_number_is_without_bounds() -> None:
    """Every number has both bounds, and no option takes a float that click does not check for nan."""
    count = 0
    for path, command in commands(cli):
        for parameter in command.params:
            kind = parameter.type
            counted = isinstance(parameter, click.Option) and parameter.count  # -v
            loose = isinstance(kind, click.types.FloatParamType | click.types.IntParamType)
            ranged = isinstance(kind, click.IntRange) and None not in (kind.min, kind.max)
            assert counted or ranged or not loose, f"{path}: {parameter.name}"
            count += isinstance(kind, click.IntRange | Number | Size | Words | Factors)
    assert count > 40
    assert len(list(commands(cli))) > len(COMMANDS) + 10


def test_no_path_of_any_command_may_be_empty() -> None:
    """``Path("")`` is the current folder; all paths are of the type that refuses the empty word."""
    found = [
        (path, parameter.name)
        for path, command in commands(cli)
        for parameter in command.params
        if isinstance(parameter.type, click.Path)
    ]
    assert not found
    with pytest.raises(click.BadParameter, match="path is empty"):
        FilePath().convert("", None, None)
    assert FilePath().convert("a", None, None) == Path("a")
    for words, usage in ((("show",), "[OPTIONS] FILE"), (("compare",), "[OPTIONS] BASE NEW")):
        assert usage in CliRunner().invoke(cli, [*words, "--help"]).output, "arguments keep their names"


def test_what_a_number_may_be_is_said_in_english() -> None:
    for kind, said in ((Number(1, 1000), "1 to 1000"), (Number(1, 9, "seconds"), "1 to 9 seconds")):
        with pytest.raises(click.BadParameter, match=f"^nan is not a number from {said}$"):
            kind.convert("nan", None, None)


def test_no_list_takes_a_word_twice() -> None:
    """Each parameter that may be given several times has a callback that checks its words."""
    for path, command in commands(cli):
        for parameter in command.params:
            several = parameter.nargs == -1 or getattr(parameter, "multiple", False)
            if several and parameter.name not in {"versions", "given"}:  # these two find their own duplicates
                assert parameter.callback is not None, f"{path}: {parameter.name}"


@given(some.text(max_size=30))
def test_a_number_is_within_its_bounds_or_refused(text: str) -> None:
    kind = Number(-2, 5)
    with contextlib.suppress(click.BadParameter):
        assert -2 <= kind.convert(text, None, None) <= 5


@given(some.text(max_size=30))
def test_a_size_is_within_its_bounds_or_refused(text: str) -> None:
    kind = Size(4096, 1 << 30)
    with contextlib.suppress(click.BadParameter):
        assert 4096 <= kind.convert(text, None, None) <= 1 << 30


@given(some.lists(some.sampled_from(["a", "b", "c", "", " a ", "A"]), max_size=5))
def test_words_are_known_and_each_once(words: list[str]) -> None:
    kind = Words("letter", ["a", "b", "c"])
    try:
        found = kind.convert(",".join(words), None, None)
    except click.BadParameter:
        return
    assert found
    assert len(set(found)) == len(found) == len(words)
    assert set(found) <= {"a", "b", "c"}


@given(some.text(alphabet="0123456789.xXe,-nainf ", max_size=12))
def test_factors_are_above_one_and_each_once(text: str) -> None:
    try:
        found = Factors(1, 1000).convert(text, None, None)
    except click.BadParameter:
        return
    assert all(1 < one <= 1000 for one in found)
    assert len(set(found)) == len(found)


@pytest.mark.needs("move")
class TestWhatRuns:
    def test_memory_is_recorded_as_it_was_measured(self, tmp_path: Path) -> None:
        words = ("--sources", "small", "--granules", "64k", "--rounds", "3", "--out", str(tmp_path))
        done = run_gcproto("bench", "--size", "3m", *words)
        assert done.returncode == ExitCode.OK, done.stderr
        assert "--size 3m is rounded up to 4m: whole PMDs" in done.stderr
        (path,) = tmp_path.glob("*.json")
        result = load(path)
        sizes = {one.scenario.pages * page_size() for one in result.measurements if one.scenario.source == "small"}  # type: ignore[union-attr]
        assert sizes == {4 << 20}
        exact = run_gcproto("bench", "--size", "4m", *words)
        assert "rounded" not in exact.stderr

    def test_traces_are_named(self, tmp_path: Path) -> None:
        words = ("gc", "--live", "1m", "--heap", "4x,6x", "--operations", "2000", "--rounds", "1")
        done = run_gcproto(*words, "--modes", "move,copy", "--trace", "t.json", cwd=tmp_path)
        assert done.returncode == ExitCode.OK, done.stderr
        said = [line.removeprefix("trace: ") for line in done.stderr.splitlines() if line.startswith("trace: ")]
        assert sorted(said) == sorted(map(str, tmp_path.glob("t*.json")))
        assert len(said) == 4

    def test_a_trace_alone_has_its_name(self, tmp_path: Path) -> None:
        words = ("gc", "--live", "1m", "--heap", "4x", "--operations", "2000", "--rounds", "1", "--modes", "copy")
        done = run_gcproto(*words, "--trace", "t.json", cwd=tmp_path)
        assert f"trace: {tmp_path / 't.json'}\n" in done.stderr
        assert (tmp_path / "t.json").exists()

    def test_a_trace_that_can_not_be_written_is_said_at_once(self, tmp_path: Path) -> None:
        running = Running(("gc", "--trace", "no/such/folder/t.json"), tmp_path)
        ended = running.end(20)
        assert ended.code == ExitCode.WRITE
        assert "t.json can't be written" in ended.err

    @pytest.mark.needs("root", "mthp")
    def test_policies_have_traces_of_their_own(self, tmp_path: Path) -> None:
        words = ("gc", "--live", "1m", "--heap", "4x", "--operations", "2000", "--rounds", "1", "--modes", "move")
        more = ("--memory", "small,64k", "--policies", "move,whole", "--trace", "t.json")
        done = run_gcproto(*words, *more, cwd=tmp_path)
        assert done.returncode == ExitCode.OK, done.stderr
        assert done.stderr.count("trace: ") == len(list(tmp_path.glob("t-*.json"))) == 4


@pytest.mark.parametrize(
    ("words", "old", "new"),
    [
        (("bench",), "--memory", "--size"),
        (("gc",), "--runs", "--rounds"),
        (("gc", "policies"), "--runs", "--rounds"),
        (("gc", "window"), "--runs", "--rounds"),
    ],
)
def test_an_old_name_is_taken_and_not_shown(words: tuple[str, ...], old: str, new: str) -> None:
    help_text = run_gcproto(*words, "--help").stdout
    assert re.search(rf"^ +{new} ", help_text, re.MULTILINE)
    assert f"{old} " not in help_text or words == ("gc", "policies")
    for name in (old, new):
        refused = run_gcproto(*words, name, "x")
        assert refused.returncode == 2
        assert f"Invalid value for '{new}'" in refused.stderr


def test_the_last_seed_is_one_that_the_guests_program_takes() -> None:
    """Its limit is 2^30, and --seeds adds up to 999."""
    done = run_gcproto("kernels", "stress", "nothing", "--first-seed", str(2**30))
    assert done.returncode == ExitCode.USAGE
    assert "--first-seed" in done.stderr
