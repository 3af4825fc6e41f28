"""``gcproto kernels bisect`` on a tree in miniature: real git, real builds, figures instead of guests."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gcproto.cli.app import cli
from gcproto.kernels import cache
from gcproto.kernels.guest import programs
from gcproto.kernels.run.cell import Cell
from gcproto.results import schema
from tests.kernels.bisect.test_bisect import git
from tests.results.test_profiles import NEW, OLD, profile
from tests.support.kernel_results import MOVE, guest_result
from tests.support.tree_maker import diff, mail, tree

pytestmark = pytest.mark.needs("qemu", "static")


def cost_of_what_was_built() -> bool:
    """Whether the source in the build tree has the costly change."""
    src = max(cache.folder("trees").glob("*/src"), key=lambda one: (one.parent / "source.json").stat().st_mtime_ns)
    return "costly" in (src / "one.c").read_text()


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was booted; each boot says what the source costs that its kernel was built from."""
    built = programs.build()
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    place = cache.folder("programs") / built.name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(built)  # they take longer to build than the rest of a test
    monkeypatch.setattr("gcproto.kernels.build.build.need_tools", lambda *_row: "gcc 1")
    booted: list[str] = []

    def run_cell(cell: Cell) -> schema.Result:
        booted.append(cell.release)
        functions = NEW if cost_of_what_was_built() else OLD
        made = guest_result(cell.release, {MOVE: sum(functions.values())}, boot=len(booted), noise=0.0)
        made.measurements[0].figures = schema.PathFigures(profile=profile(functions))
        return made

    monkeypatch.setattr("gcproto.kernels.bisect.measure.run_cell", run_cell)
    return booted


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tree(tmp_path / "linux")
    git(folder, "init", "-q", "-b", "main")
    for number in range(8):
        (folder / "two.c").write_text(f"int two;\nint number_{number};\n{'#error' if number == 2 else ''}\n")
        if number == 5:
            (folder / "one.c").write_text("int costly;\nint more;\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", f"mm: commit {number}")
    return folder


def run(*words: str | Path, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, ["kernels", "bisect", *map(str, words)], env={"COLUMNS": "140"})
    assert done.exit_code == code, (done.output, done.exception)
    return done


def test_the_commit_its_figures_and_its_functions(repository: Path, measured: list[str], tmp_path: Path) -> None:
    words = ("--tree", repository, "--good", "main~7", "--bad", "main", "--out", tmp_path / "r")
    done = run(*words)
    assert "mm: commit 5" in done.stdout
    assert "177.50 -> 194.60 instructions a page (+9.63%)" in done.stdout
    assert "move_pages_ptes" in done.stdout
    assert "vm_normal_page" in done.stdout
    boots = len(measured)
    assert 4 <= boots <= 6
    assert set(measured) == {"7.3.4-bisect"}
    again = json.loads(run(*words, "--json").stdout)
    assert again["schema"] == "gcproto.kernels-bisect/1"
    assert [one["title"] for one in again["bad"]] == ["mm: commit 5"]
    assert len(measured) == boots, "what was measured is kept"
    run(*words, "--again")
    assert len(measured) == 2 * boots


def test_a_series_by_its_patches(measured: list[str], tmp_path: Path) -> None:
    folder = tree(tmp_path / "tree")
    texts = [
        mail("[PATCH 1/3] mm: harmless", diff("two.c", "int two;", "int deux;"), 1),
        mail("[PATCH 2/3] mm: costly", diff("one.c", "int one;", "int costly;"), 2),
        mail("[PATCH 3/3] mm: harmless, too", diff("two.c", "int deux;", "int zwei;"), 3),
    ]
    (tmp_path / "series.mbox").write_text("".join(texts))
    done = run("--over", tmp_path / "series.mbox", "--source", folder, "--out", tmp_path / "r")
    assert "mm: costly" in done.stdout
    assert "mm: harmless" not in done.stdout
    assert len(measured) == 4
    words = ("--over", tmp_path / "series.mbox", "--source", folder, "--out", tmp_path / "r")
    run(*words)
    assert len(measured) == 4, "what was measured is kept"
    (tmp_path / "series.mbox").write_text("".join(texts).replace("deux", "dos"))
    run(*words)
    assert len(measured) == 8, "other patches of the same names are other kernels"


def test_patches_that_help_are_not_called_bad(repository: Path, measured: list[str], tmp_path: Path) -> None:
    """The user names the ends of a tree good and bad, and of a series not at all."""
    (repository / "one.c").write_text("int cheap;\n")
    git(repository, "commit", "-qam", "mm: cheap again")
    done = run("--tree", repository, "--good", "main~1", "--bad", "main", "--out", tmp_path / "r")
    assert "(-8.79%)" in done.stdout
    assert " good: 194.60" in done.stderr
    assert " new: 177.50" in done.stderr
    assert " bad: " not in done.stderr
    folder = tree(tmp_path / "tree")
    (folder / "one.c").write_text("int costly;\nint more;\n")
    (tmp_path / "cheap.patch").write_text(diff("one.c", "int costly;", "int cheap;"))
    done = run("--over", tmp_path / "cheap.patch", "--source", folder, "--out", tmp_path / "r")
    assert "0 old: 194.60" in done.stderr
    assert "1 new: 177.50" in done.stderr
    assert len(measured) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give --tree, --good and --bad, or --over"),
        (("--tree", "."), "give --tree, --good and --bad, or --over"),
        (("--over", ".", "--good", "x"), "omit --tree, --good and --bad"),
    ],
)
def test_options_that_do_not_go_together(words: tuple[str, ...], said: str, measured: list[str]) -> None:
    assert said in run(*words, code=2).output
    assert measured == []


def test_nothing_to_find_is_said(repository: Path, measured: list[str], tmp_path: Path) -> None:
    words = (
        "kernels",
        "bisect",
        "--tree",
        str(repository),
        "--good",
        "main~1",
        "--bad",
        "main",
        "--out",
        str(tmp_path),
    )
    done = CliRunner().invoke(cli, words)
    assert "nothing to bisect" in str(done.exception)
    assert len(measured) == 2
