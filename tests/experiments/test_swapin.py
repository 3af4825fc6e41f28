"""Swapping in again, moved and not: whole where source and destination are congruent, in parts where they are not."""

import subprocess
import tempfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from gcproto._native import lib
from gcproto.experiments.paths.grid import Choice, build
from gcproto.experiments.paths.lab import Lab
from gcproto.experiments.paths.names import SWAPIN_ARMS
from gcproto.experiments.paths.round import INVALID, UNABLE, VALID, Round, new_prover, request_for, run
from gcproto.host.machine import Machine, machine
from gcproto.host.settings import Settings
from gcproto.kernels.guest import programs
from gcproto.report.terminal.tables import print_result
from gcproto.report.words.kinds import paths
from gcproto.results.schema import Measurement, PathFigures, PathScenario
from gcproto.results.store import load
from tests.support.processes import run_gcproto
from tests.support.result_maker import measurement, result, scenario

X86 = Machine(4096, 2 << 20, 9, tuple(range(2, 10)), 2)
PMD = 2 << 20
COUNTER = 4
"""Of ``struct gcp_prover``: the row of the swpin counters."""


def one_of(arm: str, order: int, alignment: str = "congruent", source: str = "swapped") -> PathScenario:
    here = machine()
    return PathScenario(source, order, arm, here.pmd_size, alignment, 1, here.pmd_size // here.page_size)


@pytest.fixture
def host() -> Iterator[Settings]:
    with Settings() as settings, settings.swap_zram(64 << 20):
        settings.quiet_khugepaged()
        yield settings


def measured(host: Settings, one: PathScenario) -> Round:
    host.mthp_only(one.order or None)
    with Lab() as lab:
        return lab.run(request_for(one, -1, -1, seed=7))


def sizes(done: Round) -> dict[int, int]:
    """Pages by the order of the folio that they are in."""
    return {order: pages for order, pages in enumerate(done.order_after) if pages}


def expect_all_in(done: Round, one: PathScenario) -> None:
    assert done.status == VALID, done.reason
    assert (done.swapped_before, done.swapped_after, done.contents) == (one.pages, 0, one.pages)
    assert 0 < done.swapin_ns <= done.ns


@pytest.mark.needs("move", "mthp", "pfn", "zram")
@pytest.mark.parametrize("order", [2, 4, 8])
class TestLargeFolios:
    def test_where_it_was_a_folio_comes_back_whole(self, host: Settings, order: int) -> None:
        one = one_of("swapin", order)
        done = measured(host, one)
        expect_all_in(done, one)
        assert (done.path, sizes(done)) == ("swapped-in-whole", {order: one.pages})
        assert (done.account["moved"], done.source_gone, done.calls) == (0, 0, 0)

    def test_at_a_congruent_destination_too(self, host: Settings, order: int) -> None:
        one = one_of("move_swapin", order)
        done = measured(host, one)
        expect_all_in(done, one)
        assert (done.path, sizes(done)) == ("moved-swapped-in-whole", {order: one.pages})
        assert done.account["moved"] == done.source_gone == one.pages

    def test_at_a_skewed_one_it_comes_page_by_page(self, host: Settings, order: int) -> None:
        one = one_of("move_swapin", order, "skewed")
        done = measured(host, one)
        expect_all_in(done, one)
        assert (done.path, sizes(done)) == ("moved-swapped-in-parts", {0: one.pages})
        assert done.account["moved"] == done.source_gone == one.pages


@pytest.mark.needs("move", "pfn", "zram")
@pytest.mark.parametrize("alignment", ["congruent", "skewed"])
def test_small_pages(host: Settings, alignment: str) -> None:
    one = one_of("move_swapin", 0, alignment)
    done = measured(host, one)
    expect_all_in(done, one)
    assert (done.path, sizes(done)) == ("moved-swapped-in", {0: one.pages})


@pytest.mark.needs("move", "mthp", "pfn", "zram")
def test_a_round_whose_counter_tells_another_story_is_invalid(host: Settings) -> None:
    """A counter that stands still, as if the folios had been put together by something else than swapping in."""
    one = one_of("move_swapin", 4)
    host.mthp_only(4)
    prover = new_prover()
    real = prover.stat_fd[COUNTER][4]
    with tempfile.TemporaryFile() as still:
        still.write(b"7\n")
        still.flush()
        prover.stat_fd[COUNTER][4] = still.fileno()
        done = run(prover, request_for(one, -1, -1, seed=7))
    prover.stat_fd[COUNTER][4] = real
    lib.gcp_prover_deinit(prover)
    assert done.status == INVALID
    assert "32 folios came back whole, but the kernel counted 0" in done.reason


@pytest.mark.needs("move")
@pytest.mark.parametrize("arm", SWAPIN_ARMS)
def test_what_is_not_swapped_out_is_not_swapped_in(arm: str) -> None:
    with Lab() as lab:
        done = lab.run(request_for(one_of(arm, 0, source="small"), -1, -1, seed=1))
    assert done.status == UNABLE
    assert "only pages that are swapped out" in done.reason


@pytest.mark.needs("move", "mthp", "pfn", "zram", "loop")
def test_bench_measures_and_shows_both(tmp_path: Path) -> None:
    done = run_gcproto(
        *("bench", "--swap", "--quick", "--sources", "swapped-64k", "--arms", "swapin,move_swapin"),
        *("--granules", "2m", "--rounds", "4", "--out", str(tmp_path)),
    )
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.glob("*.json")
    found = {(one.at.arm, one.at.alignment): one for one in paths(load(file).measurements) if one.at.arm in SWAPIN_ARMS}
    assert set(found) == {("swapin", "congruent"), ("move_swapin", "congruent"), ("move_swapin", "skewed")}
    for one in found.values():
        assert one.measured.valid
        assert one.figures.swapin_part is not None
        assert 0 < one.figures.swapin_part <= max(one.measured.samples)
    whole, parts = (found["move_swapin", alignment].measured for alignment in ("congruent", "skewed"))
    assert (whole.proof.path, parts.proof.path) == ("moved-swapped-in-whole", "moved-swapped-in-parts")
    assert whole.ratio_to_copy, "there is a copy beside it"
    assert "as 64K" in done.stdout
    assert "swapped 64K, skewed" in done.stdout


@pytest.mark.needs("move", "mthp", "pfn", "zram", "static")
def test_gcprobe_measures_it_as_well(host: Settings) -> None:
    host.mthp_only(4)
    pages = machine().pmd_size // machine().page_size
    arguments = ["--source", "swapped", "--order", "4", "--arm", "move,swapin,move_swapin", "--granule", str(PMD)]
    done = subprocess.run(
        [programs.build() / "gcprobe", "run", *arguments, "--pages", str(pages), "--rounds", "3"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = paths(msgspec.json.decode(line, type=Measurement) for line in done.stdout.splitlines())
    assert {one.at.arm: (one.measured.proof.path, one.figures.swapin_part is not None) for one in found} == {
        "move": ("moved-swapped", False),
        "swapin": ("swapped-in-whole", True),
        "move_swapin": ("moved-swapped-in-whole", True),
    }
    assert all(one.measured.proof.order_after == {4: 3 * pages} for one in found if one.at.arm != "move")


def arms_of(choice: Choice) -> set[tuple[str, int, str, str]]:
    return {(one.source, one.order, one.arm, one.alignment) for one in build(choice, X86) if one.arm in SWAPIN_ARMS}


@pytest.mark.parametrize("quick", [True, False])
def test_the_grid_has_them_with_swap_only(quick: bool) -> None:
    assert arms_of(Choice(quick=quick)) == set()
    assert arms_of(Choice(quick=quick, swap=True)) == {
        ("swapped", order, arm, alignment)
        for order in (0, 4)
        for arm, alignment in (("swapin", "congruent"), ("move_swapin", "congruent"), ("move_swapin", "skewed"))
    }
    by_name = Choice(sources=["swapped-1m"], arms=["move_swapin"], alignments=["skewed"], swap=True, quick=quick)
    assert arms_of(by_name) == {("swapped", 8, "move_swapin", "skewed")}


@pytest.mark.parametrize(
    "choice",
    [
        Choice(sources=["mthp-64k"], arms=["move_swapin"]),
        Choice(sources=["swapcache-64k"], arms=["swapin"], swap=True),
        Choice(sources=["swapped-64k"], arms=["swapin"], alignments=["skewed"], swap=True),
    ],
)
def test_where_they_have_no_meaning_they_are_refused(choice: Choice) -> None:
    with pytest.raises(ValueError, match="no meaning"):
        build(choice, X86)


def test_layouts_of_swapped_pages_stand_apart_with_what_they_came_back_as() -> None:
    """The table of swapped pages is one, whatever their destination: no layout may take another's place."""
    made = []
    for alignment, cost, order in (("congruent", 3900.0, 4), ("skewed", 6900.0, 0)):
        one = scenario("move_swapin", PMD, "swapped", order=4, alignment=alignment)
        made.append(measurement(one, [cost] * 3, PathFigures(swapin_part=cost - 300), order_after={order: 3072}))
    out = StringIO()
    print_result(result(made), Console(file=out, width=100, color_system=None))
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    first, second = lines.index("swapped 64K"), lines.index("swapped 64K, skewed")
    assert lines[first + 1 : first + 3] == ["move_swapin 3900", "swap-in 3600 as 64K"]
    assert lines[second + 1 : second + 3] == ["move_swapin 6900", "swap-in 6600 as 4K"]
