"""Commands that compare kernels by function, on results with profiles."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gcproto.cli.app import cli
from gcproto.results.schema import PathFigures
from gcproto.results.store import save
from gcproto.sizes import KIB, MIB
from tests.results.test_profiles import K72, K73, NEW, OLD, profile
from tests.support.kernel_results import CANARY, MOVE, guest_result
from tests.support.result_maker import scenario


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of two kernels, each with a canary and a profiled path."""
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    for release, functions in ((K72, OLD), (K73, NEW)):
        made = guest_result(release, {CANARY: 4200.0, MOVE: sum(functions.values())})
        made.measurements[1].figures = PathFigures(profile=profile(functions))
        save(made, tmp_path / "r")
    return tmp_path / "r"


def run(*words: str | Path, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, ["kernels", *map(str, words)], env={"COLUMNS": "140"})
    assert done.exit_code == code, done.output
    return done


def test_compare_names_the_functions_of_what_changed(folder: Path) -> None:
    done = run("compare", "7.2.12", "7.3.4", "--by", "function", "--results", folder)
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert "small move 2M: 178 -> 195 (+17.1, +9.6%)" in lines
    assert any(line.startswith("move_pages_ptes 120 132 +12.0") for line in lines)
    document = json.loads(run("compare", "7.2.12", "7.3.4", "--by", "function", "--json", "--results", folder).output)
    (found,) = document["functions"]
    assert [one["name"] for one in found["functions"]] == ["move_pages_ptes", "vm_normal_page"]


def test_a_scenario_can_be_named_however_little_it_changed(folder: Path) -> None:
    same = ("compare", "7.2.12", "7.2.12", "--by", "function", "--results", folder)
    assert "no scenario with a profile changed" in run(*same).output
    assert "small move 2M: 178 -> 178" in run(*same, "--scenario", "small move 2M").output


def test_a_scenario_is_named_in_pages_of_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    mthp = scenario("move", 2 * MIB, "mthp", order=2)
    for release, functions in ((K72, OLD), (K73, NEW)):
        made = guest_result(release, {CANARY: 4200.0, mthp: sum(functions.values())})
        made.environment["page_size"] = 16 * KIB
        made.measurements[1].figures = PathFigures(profile=profile(functions))
        save(made, tmp_path / "r")
    words = ("compare", "7.2.12", "7.3.4", "--by", "function", "--scenario", "mthp-64k move 2m")
    assert "64K mTHP move 2M: 178 -> 195" in run(*words, "--results", tmp_path / "r").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scenario", "small move 2m"), "--scenario is for --by function"),
        (("--by", "function", "--scenario", "small copy 2m"), "no profile of 'small copy 2m'"),
        (("--by", "function", "--scenario", "nonsense"), "is not a scenario"),
    ],
)
def test_what_cannot_be_explained_is_said(folder: Path, words: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(cli, ["kernels", "compare", "7.2.12", "7.3.4", *words, "--results", str(folder)])
    assert done.exit_code != 0
    assert said in str(done.exception) or said in done.output


def test_results_without_profiles_say_how_to_make_some(tmp_path: Path) -> None:
    for release in (K72, K73):
        save(guest_result(release, {CANARY: 4200.0, MOVE: 200.0}), tmp_path)
    words = ["kernels", "compare", "7.2.12", "7.3.4", "--by", "function", "--results", str(tmp_path)]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code != 0
    assert "no profile of one scenario in both" in str(done.exception)


def test_history_names_them_below_each_step(folder: Path) -> None:
    output = run("history", folder).output
    assert "by function: move_pages_ptes +12.0, vm_normal_page +5.0; 1 other +0.1" in output
    document = json.loads(run("history", "--json", folder).output)
    assert [one["name"] for one in document["functions"][0]["functions"]] == ["move_pages_ptes", "vm_normal_page"]
