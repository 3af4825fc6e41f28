"""A patch against stock: the table, what is worse, what is void; what a kernel says on its console; the scripts."""

import io
import re
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from gcproto import contract
from gcproto.cli.kernels.ab import Limits, worse
from gcproto.cli.kernels.stress import _races
from gcproto.errors import GcprotoError
from gcproto.kernels.get.fetch import LocalKernel, from_path
from gcproto.kernels.guest import programs
from gcproto.kernels.guest.console import complaint, races_in, splats
from gcproto.kernels.guest.script import SETS, Measure
from gcproto.kernels.run import stress
from gcproto.kernels.run.check import HAZARDS, known, script
from gcproto.report.terminal.proposal import print_proposal, rows
from gcproto.results.schema import UNIT_INSTRUCTIONS, Hazard, PathScenario, Result, Verdict
from gcproto.results.schema import Console as OfConsole
from tests.kernels.test_run import results as results_in
from tests.kernels.test_run import run
from tests.support.deb_maker import bzimage
from tests.support.kernel_results import guest_result
from tests.support.result_maker import scenario as made_scenario

STOCK, PATCHED = "7.3.4-stock", "7.3.4-patched"


def scenario(source: str, order: int, granule: int) -> PathScenario:
    return made_scenario("move", granule, source=source, order=order, pages=512)


def results() -> list[Result]:
    whole, small = scenario("mthp", 4, 2 << 20), scenario("small", 0, 4096)
    made = [
        guest_result(STOCK, {whole: 2222.0, small: 2104.0}, noise=0),
        guest_result(PATCHED, {whole: 82.1, small: 2122.0}, noise=0),
    ]
    for result, path, splits in zip(made, ("split-and-moved", "moved-whole"), (32, 0), strict=True):
        for one in result.measurements:
            if one.scenario == whole:
                one.proof.path, one.proof.folios_split, one.proof.rounds = path, splits * 21, 21
    return made


def test_rows_have_both_kernels_and_how_much_less() -> None:
    found = {row.scenario: row for row in rows(results(), STOCK, PATCHED)}
    mthp, small = found[scenario("mthp", 4, 2 << 20)], found[scenario("small", 0, 4096)]
    assert mthp.stock.path == "split-and-moved"
    assert (mthp.stock.splits, mthp.patched.splits) == (32, 0)
    change = small.change
    assert change is not None
    assert round(change, 4) == 0.0086


def test_the_table_says_factors_paths_and_splits() -> None:
    out = io.StringIO()
    print_proposal(
        rows(results(), STOCK, PATCHED), (STOCK, PATCHED), "instructions/page", 4096, "", Console(file=out, width=200)
    )
    (line,) = [one for one in out.getvalue().splitlines() if one.startswith("64K mTHP")]
    assert "27.1x less" in line
    assert "split-and-moved -> moved-whole" in line
    assert "32 -> 0" in line
    assert "+0.86%" in out.getvalue()


def test_a_scenario_that_only_one_has_and_one_that_is_invalid() -> None:
    one, two = scenario("small", 0, 4096), scenario("zero", 0, 4096)
    made = [guest_result(STOCK, {one: 10.0}), guest_result(PATCHED, {one: 10.0, two: 5.0})]
    made[1].measurements[0].valid = False
    found = rows(made, STOCK, PATCHED)
    assert [row.change for row in found] == [None, None]
    out = io.StringIO()
    print_proposal(found, (STOCK, PATCHED), "x", 4096, "the canary moved", Console(file=out, width=200))
    assert "INVALID" in out.getvalue()
    assert "VOID: the canary moved" in out.getvalue()


def test_what_a_kernel_complains_of() -> None:
    lines = [
        "[    1.000000] Linux version 7.3.4",
        "[   12.345678] WARNING: CPU: 0 PID: 1 at mm/userfaultfd.c:1480 move_large_folios+0x1/0x2",
        "[   12.345679] WARNING: CPU: 0 PID: 1 at mm/userfaultfd.c:1480 move_large_folios+0x1/0x2",
        "[   13.000000] BUG: KASAN: use-after-free in x",
        "[   14.000000] INFO: possible recursive locking detected",
        "[   15.000000] reboot: Power down",
    ]
    assert splats(lines) == [
        "WARNING: CPU: 0 PID: 1 at mm/userfaultfd.c:1480 move_large_folios+0x1/0x2",
        "BUG: KASAN: use-after-free in x",
        "INFO: possible recursive locking detected",
    ]
    assert splats(lines[:1] + lines[-1:]) == []


def test_data_races_are_told_apart_by_their_functions() -> None:
    lines = [
        "[   13.000000] BUG: KCSAN: data-race in move_pages_ptes / try_to_unmap_one",
        "[   14.000000] BUG: KCSAN: data-race in try_to_unmap_one / move_pages_ptes",
        "[   14.500000] WARNING: CPU: 0 PID: 1 at mm/x.c:1 y+0x1/0x2",
        "[   15.000000] BUG: KCSAN: data-race in folio_batch_move_lru / folio_batch_move_lru",
    ]
    text = complaint(lines)
    assert text == (
        "WARNING: CPU: 0 PID: 1 at mm/x.c:1 y+0x1/0x2; 2 data races by KCSAN: "
        "folio_batch_move_lru / folio_batch_move_lru, move_pages_ptes / try_to_unmap_one"
    )
    assert complaint(lines[:2]) == "1 data race by KCSAN: move_pages_ptes / try_to_unmap_one"
    assert races_in(text) - races_in(complaint(lines[:2])) == {"folio_batch_move_lru / folio_batch_move_lru"}
    assert not races_in(complaint(lines[2:3]))
    assert complaint([]) == ""


def test_only_some_hazards() -> None:
    jobs = [job.name for job in script(swap=True, only=["whole-back"]).jobs]
    assert jobs == ["info", "hazard-whole-back"]
    alone = [row for row in contract.rows() if "zram" in row.needs]
    assert len(script(swap=True).jobs) == len(HAZARDS) + len(alone) + len(("info", "contract"))
    with pytest.raises(GcprotoError, match="no hazard 'nothing'"):
        known(["whole-back", "nothing"])


@pytest.mark.parametrize("swap", [True, False])
def test_the_folios_set_has_every_order(swap: bool) -> None:
    measure = Measure(3, 1, 512, UNIT_INSTRUCTIONS, 1)
    jobs = {job.name: job.command for job in SETS["folios"](measure, swap=swap).jobs}
    for kib in (16, 32, 64, 128, 256, 512, 1024):
        words = jobs[f"mthp-{kib}k"]
        assert words[words.index("--granule") + 1] == f"{kib * 1024},{2 << 20}"
    assert ("swapcache-1024k" in jobs) is swap


def test_the_stress_names_races_of_one_kernel_only() -> None:
    def guest(release: str, *races: str) -> Result:
        text = f"2 data races by KCSAN: {', '.join(races)}"
        return guest_result(release, {}, verdicts=[Verdict(OfConsole(), "differs", text)] if races else [])

    both = [
        guest("7.3.4-stock", "a / b", "c / d"),
        guest("7.3.4-series", "a / b", "e / f"),
        guest("7.3.4-series", "g / h"),
    ]
    assert _races(both) == [
        "7.3.4-stock: data races that only it has: c / d",
        "7.3.4-series: data races that only it has: e / f, g / h",
    ]
    assert not _races(both[1:]), "one kernel is compared with nothing"
    assert not _races([guest("7.3.4-stock"), guest("7.3.4-series")])


def test_the_stress_has_swap_of_either_kind() -> None:
    for loop, word in ((True, "loop"), (False, "zram")):
        made = stress.script(60, 7, swap=True, loop=loop)
        assert f"{word} " in made.text()
        assert "/gcprobe stress 60 7" in made.text()
        assert [job.subject for job in made.jobs if job.subject] == [Hazard("stress", 7)]
    assert "zram " not in stress.script(60, 7, swap=False, loop=False).text()
    assert "/gcprobe stress 60 7 sequences" in stress.script(60, 7, swap=True, loop=True, alone=True).text()


def test_swap_is_a_property_of_the_kernel() -> None:
    assert LocalKernel("1", "/k", (), "x", ("zram",)).swap
    assert LocalKernel("1", "/k", ("/zram.ko",), "x").swap
    assert not LocalKernel("1", "/k", (), "x", ("loop",)).swap


def test_a_kernel_of_a_build_tree_says_what_is_in_it(tmp_path: Path) -> None:
    image = tmp_path / "arch/x86/boot/bzImage"
    image.parent.mkdir(parents=True)
    image.write_bytes(bzimage("7.3.4-own"))
    assert not from_path(image).swap
    (tmp_path / ".config").write_text("CONFIG_ZRAM=y\nCONFIG_BLK_DEV_LOOP=m\n# CONFIG_CRYPTO_LZO is not set\n")
    assert from_path(image).builtin == ("zram",)
    assert from_path(image).swap


@pytest.mark.needs("static")
def test_the_stress_does_not_run_on_a_host() -> None:
    done = subprocess.run(
        [programs.build() / "gcprobe", "stress", "1", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "it runs only in guests" in done.stderr
    assert done.stdout == ""


@pytest.mark.needs("qemu", "guest_kernel", "static")
@pytest.mark.timeout(280)
def test_a_short_stress_in_a_guest(tmp_path: Path) -> None:
    run("stress", "6.18", "--minutes", "0.1", "--seeds", "1", "--out", tmp_path / "r", timeout=270)
    (one,) = results_in(tmp_path / "r")
    assert [verdict.subject for verdict in one.verdicts] == [Hazard("stress", 1)]
    assert "pages moved" in one.verdicts[0].text
    steps = re.search(r"(\d+) random sequences, (\d+) steps of them", one.verdicts[0].text)
    assert steps
    assert int(steps[2]) > 0
    # A pinned large folio would hang the movers of this kernel, and a thread that holds one the address space.
    assert "pins of small folios only" in one.verdicts[0].text


@pytest.mark.parametrize(("change", "code"), [(1.014, False), (1.016, True), (0.9, False)])
def test_small_folios_that_cost_more_fail_the_comparison(change: float, code: bool) -> None:
    small, large = scenario("small", 0, 2 << 20), scenario("mthp", 4, 2 << 20)
    made = [
        guest_result(STOCK, {small: 172.0, large: 10.0}, noise=0),
        guest_result(PATCHED, {small: 172.0 * change, large: 11.0}, noise=0),
    ]
    limits = Limits(fail_above=None, small_above=1.5)
    assert worse(rows(made, STOCK, PATCHED), limits) is code
