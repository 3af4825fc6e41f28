"""Comparing two kernels by several boots: what boots of one kernel differ by is not a change of the kernel."""

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from gcproto.errors import ExitCode, GcprotoError
from gcproto.report.terminal.boots import print_boots
from gcproto.results.comparison.boots import BootComparison, compare_boots
from gcproto.results.comparison.compare import OTHER_BOOTS
from gcproto.results.schema import Result
from gcproto.results.store import save
from tests.support.processes import run_gcproto
from tests.support.result_maker import noisy_run


def boot(number: int, release: str, *, move: float = 1.0, drift: float = 1.0, same_boot: str = "") -> Result:
    """A run in the boot of that number; ``move`` is a factor on the arm."""
    found = noisy_run(number, arms={"move": move}, drift=drift)
    found.environment["kernel"] = {"release": release, "boot": same_boot or f"boot-{number}"}
    producer = msgspec.structs.replace(found.producer, started=f"2026-11-27T10:{number:02}:00+00:00")
    return msgspec.structs.replace(found, producer=producer, run_id=f"{number:012x}")


def kernels(factors: Sequence[tuple[float, float]]) -> tuple[list[Result], list[Result]]:
    """Boots of stock and patched in turns; their factors on MOVE."""
    base = [boot(4 * i + 3 * (i % 2), "7.3.4-stock", move=one) for i, (one, _) in enumerate(factors)]
    new = [boot(4 * i + 1, "7.3.4-patched", move=other, drift=1.1) for i, (_, other) in enumerate(factors)]
    return base, new


def changed(found: BootComparison) -> set[str]:
    return {one.arm for one in found.arms if one.changed}


def test_a_faster_kernel_is_found_and_a_slower_machine_is_not() -> None:
    found = compare_boots(*kernels([(1.0, 0.5)] * 3))
    assert changed(found) == {"move"}
    assert {one.ratio.runs for one in found.lines} == {3}
    (move,) = (one for one in found.arms if one.arm == "move")
    assert move.ratio.value == pytest.approx(0.5, rel=0.05)
    assert (found.base, found.new) == ("7.3.4-stock", "7.3.4-patched")
    assert OTHER_BOOTS not in found.warnings, "there are several"
    assert [text for text in found.warnings if "turns" in text or "share their boot" in text] == []
    assert found.regressions(0.0) == []
    console = Console(file=StringIO(), width=120)
    print_boots(found, console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "3 pairs of boots, 7.3.4-stock and 7.3.4-patched" in " ".join(shown.split())
    assert "faster" in shown
    assert "slower" not in shown


def test_what_boots_of_one_kernel_differ_by_is_not_marked() -> None:
    """Each pair alone would mark 20 %."""
    found = compare_boots(*kernels([(1.0, 1.2), (1.2, 1.0), (1.0, 1.2), (1.2, 1.0)]))
    assert changed(found) == set()
    (move,) = (one for one in found.arms if one.arm == "move")
    assert move.ratio.tau == pytest.approx(0.2, rel=0.4)
    assert [one for pair in found.pairs for one in pair.arms if one.arm == "move" and one.significant]


def test_boots_that_did_not_take_turns_are_said() -> None:
    base = [boot(number, "7.3.4-stock") for number in (1, 2)]
    new = [boot(number, "7.3.4-patched") for number in (3, 4)]
    assert any("did not take turns" in text for text in compare_boots(base, new).warnings)


def test_results_of_one_boot_are_said_and_those_without_a_pair() -> None:
    base = [boot(1, "7.3.4-stock", same_boot="x"), boot(3, "7.3.4-stock", same_boot="x"), boot(5, "7.3.4-stock")]
    new = [boot(2, "7.3.4-patched"), boot(4, "7.3.4-patched")]
    found = compare_boots(base, new)
    assert any("2 results share their boot" in text for text in found.warnings)
    assert any("BASE has 3 results and NEW has 2" in text for text in found.warnings)
    assert len(found.pairs) == 2


def test_one_boot_is_refused_and_so_are_two_kernels_in_a_folder() -> None:
    base, new = kernels([(1.0, 1.0)] * 2)
    with pytest.raises(GcprotoError, match="NEW has 1 result; a comparison of boots needs 2") as caught:
        compare_boots(base, new[:1])
    assert caught.value.code == ExitCode.USAGE
    with pytest.raises(GcprotoError, match="BASE has results of 2 kernels"):
        compare_boots([*base, new[0]], new)


def test_through_the_command(tmp_path: Path) -> None:
    for side, some in zip(("stock", "patched"), kernels([(1.0, 1.5)] * 3), strict=True):
        for one in some:
            save(one, tmp_path / side)
    words = ("compare", str(tmp_path / "stock"), str(tmp_path / "patched"))
    done = run_gcproto(*words, "--fail-above", "10", "--json")
    assert done.returncode == ExitCode.NO, done.stderr
    assert "beyond 10 %" in done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "gcproto.compare-boots/1"
    assert len(document["pairs"]) == 3
    mixed = run_gcproto("compare", str(tmp_path / "stock"), str(next((tmp_path / "patched").iterdir())))
    assert mixed.returncode == ExitCode.USAGE
    assert "is not a folder" in mixed.stderr
    same = run_gcproto("compare", str(tmp_path / "stock"), str(tmp_path / "patched/../stock"))
    assert same.returncode == ExitCode.USAGE
    assert "the same folder" in same.stderr
