"""Bisection of a cost: in a real git repository and over a series, with figures instead of guests."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.bisect.candidates import Candidate, Candidates, Commits, Patches
from gcproto.kernels.bisect.measure import measure
from gcproto.kernels.bisect.search import Found, Measured, Search, load, search
from gcproto.kernels.build import kconfig, source
from gcproto.kernels.build.build import BuildParameters
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest.asked import ASKED, parse
from gcproto.kernels.guest.machine import Machine
from gcproto.kernels.run.cell import Cell
from tests.support.kernel_results import MOVE, guest_result
from tests.support.tree_maker import tree

COMMITS = 12
COSTLY = 7


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a dozen commits; the seventh makes a file say that it costs more."""
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "linux"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for number in range(COMMITS + 1):
        (folder / "cost").write_text("105\n" if number >= COSTLY else "100\n")
        (folder / "number").write_text(f"{number}\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", f"mm: commit {number}")
    return folder


class Guests:
    """In place of builds and boots: the cost is what the checked-out file says.

    Attributes:
        measured: numbers of the commits that were measured, in order.

    """

    def __init__(self, commits: Commits, broken: set[int] | None = None) -> None:
        self.commits = commits
        self.broken = broken or set()
        self.measured: list[int] = []

    def __call__(self, one: Candidate) -> Measured:
        number = int((self.commits.worktree / "number").read_text())
        assert one.title == f"mm: commit {number}", "what is measured is what is checked out"
        self.measured.append(number)
        if number in self.broken:
            return Measured(None, "the kernel does not build: error")
        return Measured(float((self.commits.worktree / "cost").read_text()) + 0.01 * number)


def run(repository: Path, guests: Callable[[Commits], Guests], kept: Search | None = None) -> tuple[Found, Guests]:
    commits = Commits(repository, f"main~{COMMITS}", "main")
    made = guests(commits)
    return search(commits, made, kept or Search("x"), 0.03, lambda _: None), made


def test_the_commit_that_costs_more_is_found_in_few_builds(repository: Path) -> None:
    before = git(repository, "status", "--porcelain=v2", "--branch")
    found, guests = run(repository, Guests)
    assert [one.title for one in found.bad] == [f"mm: commit {COSTLY}"]
    assert (found.before.measured.value, found.after.measured.value) == pytest.approx((100.06, 105.07))
    assert found.before.candidate.title == f"mm: commit {COSTLY - 1}"
    assert len(guests.measured) <= 7, "two ends, and a logarithm of the rest"
    assert len(set(guests.measured)) == len(guests.measured), "nothing is measured twice"
    assert git(repository, "status", "--porcelain=v2", "--branch") == before, "the user's tree is as it was"


def test_what_gets_cheaper_is_found_as_well(repository: Path) -> None:
    """From the later to the older one costs fall; the two ends say which way it goes."""
    for number in range(COMMITS + 1, COMMITS + 5):
        (repository / "cost").write_text("90\n" if number > COMMITS + 2 else "105\n")
        (repository / "number").write_text(f"{number}\n")
        git(repository, "commit", "-q", "-am", f"mm: commit {number}")
    commits = Commits(repository, "main~4", "main")
    found = search(commits, Guests(commits), Search("x"), 0.03, lambda _: None)
    assert [one.title for one in found.bad] == [f"mm: commit {COMMITS + 3}"]


def test_kernels_that_do_not_build_are_skipped(repository: Path) -> None:
    found, guests = run(repository, lambda commits: Guests(commits, {5, 6}))
    assert {5, 6} & set(guests.measured)
    titles = [one.title for one in found.bad]
    assert titles[-1] == f"mm: commit {COSTLY}"
    assert set(titles) <= {f"mm: commit {number}" for number in (5, 6, 7)}


def test_an_interrupted_search_goes_on_and_measures_nothing_again(repository: Path, tmp_path: Path) -> None:
    class Interrupted(Guests):
        def __call__(self, one: Candidate) -> Measured:
            if len(self.measured) == 3:
                raise KeyboardInterrupt
            return super().__call__(one)

    kept = Search("x")
    with pytest.raises(KeyboardInterrupt):
        run(repository, Interrupted, kept)
    assert len(kept.tested) == 3
    found, guests = run(repository, Guests, kept)
    assert [one.title for one in found.bad] == [f"mm: commit {COSTLY}"]
    assert not {int(test.candidate.title.split()[-1]) for test in kept.tested[:3]} & set(guests.measured)
    assert load(tmp_path / "nothing", "y") == Search("y")


def test_ends_that_do_not_differ_are_refused(repository: Path) -> None:
    commits = Commits(repository, "main~3", "main")
    with pytest.raises(GcprotoError, match="nothing to bisect") as caught:
        search(commits, Guests(commits), Search("x"), 0.03, lambda _: None)
    assert caught.value.code == ExitCode.NO


def test_an_end_that_does_not_build_is_said(repository: Path) -> None:
    with pytest.raises(GcprotoError, match="the older end can't be measured") as caught:
        run(repository, lambda commits: Guests(commits, {0}))
    assert "does not build" in caught.value.why


@pytest.mark.parametrize(
    ("good", "bad", "word"),
    [("nowhere", "main", "has no commit 'nowhere'"), ("main", "main~3", "main is not an ancestor of main~3")],
)
def test_revisions_that_make_no_sense_are_refused(repository: Path, good: str, bad: str, word: str) -> None:
    with pytest.raises(GcprotoError, match=word) as caught:
        Commits(repository, good, bad)
    assert caught.value.code == ExitCode.USAGE


def costs(values: dict[int, float | None]) -> Callable[[Candidate], Measured]:
    def found(one: Candidate) -> Measured:
        value = values[int(one.key)]
        return Measured(value, "" if value else "does not apply")

    return found


def over(values: dict[int, float | None]) -> Found:
    candidates: Candidates = Patches([f"patch {number}" for number in range(1, len(values))])
    return search(candidates, costs(values), Search("x"), 0.03, lambda _: None)


def test_a_series_is_searched_by_the_number_of_its_patches() -> None:
    found = over({0: 100.0, 1: 100.0, 2: 100.0, 3: 110.0, 4: 110.0, 5: 110.0})
    assert [one.title for one in found.bad] == ["patch 3"]
    assert (found.before.candidate.title, found.before.measured.value) == ("patch 2", 100.0)


def test_a_patch_that_breaks_the_build_leaves_two() -> None:
    found = over({0: 100.0, 1: 100.0, 2: None, 3: 110.0})
    assert [one.title for one in found.bad] == ["patch 2", "patch 3"]


def test_a_series_that_makes_a_scenario_cheaper() -> None:
    """Also with a step on the way that is less than half of the whole, and a patch that does not build."""
    found = over({0: 2222.0, 1: 2208.0, 2: 2208.0, 3: None, 4: 82.0, 5: 82.0, 6: 82.0, 7: 82.0})
    assert [one.title for one in found.bad] == ["patch 3", "patch 4"]
    found = over({0: 2222.0, 1: 2208.0, 2: 2208.0, 3: 1700.0, 4: None, 5: 82.0, 6: 82.5, 7: None, 8: 82.3})
    assert [one.title for one in found.bad] == ["patch 4", "patch 5"]
    assert found.after.measured.value == 82.0


def test_one_patch_needs_no_search() -> None:
    assert [one.title for one in over({0: 100.0, 1: 110.0}).bad] == ["patch 1"]


def wanted(folder: Path) -> BuildParameters:
    return BuildParameters("bisect", source.given(folder), kconfig.chosen(()), (), 2)


def test_a_state_is_built_booted_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("gcproto.kernels.build.build.need_tools", lambda *_row: "gcc 1")
    booted: list[Cell] = []

    def run_cell(cell: Cell) -> object:
        booted.append(cell)
        return guest_result(cell.release, {MOVE: 234.0})

    monkeypatch.setattr("gcproto.kernels.bisect.measure.run_cell", run_cell)
    folder = tree(tmp_path / "tree")
    cell = Cell(LocalKernel("", "", (), ""), ASKED, Machine(), asked=(parse("small move 2m"),))
    found = measure(wanted(folder), cell, tmp_path / "r", lambda *_: None)
    assert found.value == pytest.approx(234.0, rel=1e-3)
    assert Path(found.result).exists()
    assert [one.release for one in booted] == ["7.3.4-bisect"]
    (folder / "one.c").write_text("#error\n")
    broken = measure(wanted(folder), cell, tmp_path / "r", lambda *_: None)
    assert broken.value is None
    assert "does not build" in broken.why
    assert len(booted) == 1
