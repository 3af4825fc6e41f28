"""The sum of stress runs is exact: by kernel and swap device, with what was wrong."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.stress import lines, main, sums
from gcproto.results.schema import Console, Hazard, Result, Verdict
from tests.support.result_maker import result

COUNTS = "{} rounds, 10 moves, {} pages moved, 3 EEXIST/ENOENT/EAGAIN, 4 steps of them, 7 pages in zswap"
LACKS = "merging by KSM: unavailable (No such file or directory)"
TEXT = f"{COUNTS}; {LACKS}; counters since the first round: nr_anon of 64 KiB was 1 and is 9"


def stress(*verdicts: Verdict) -> Result:
    return msgspec.structs.replace(result([]), verdicts=list(verdicts))


def test_runs_add_up_by_kernel_and_device() -> None:
    race = Verdict(Console(), "differs", "2 data races by KCSAN: a / b, c / d")
    found = sums(
        [
            stress(Verdict(Hazard("stress", 1), "fine", TEXT.format(2, 100), 30.0)),
            stress(Verdict(Hazard("stress", 3), "differs", TEXT.format(3, 50), 20.0), race),
            stress(Verdict(Hazard("stress", 2), "fine", "1 round, 5 pages moved", 10.0)),
            stress(Verdict(Hazard("ksm"), "fine", "1 round, 5 pages moved", 10.0)),
        ]
    )
    zram, loop = (one for (_, device), one in sorted(found.items(), key=lambda item: item[0][1] != "zram"))
    assert (zram.guests, zram.seconds, loop.guests, loop.seconds) == (2, 50.0, 1, 10.0)
    assert (zram.counts["rounds"], zram.counts["pages moved"], loop.counts["rounds"]) == (5, 150, 1)
    assert zram.counts["EEXIST/ENOENT/EAGAIN"] == 6
    assert "9" not in "".join(zram.counts), "the values of counters are not counts of the stress"
    assert zram.verdicts == {"fine": 1, "differs": 1, "console with data races": 1}
    assert zram.races == {"a / b", "c / d"}
    assert zram.lacks == {LACKS}
    assert len(zram.faults) == 1
    assert lines(found)[-1] == "in all 3 guests, 60 s (0.02 h), 155 pages moved, 8 steps"
    assert not sums([stress()])


def test_folders_without_a_stress_are_no_sum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in (
        ([], "usage"),
        ([str(tmp_path / "none")], "no folder"),
        ([str(tmp_path)], "no result of a stress"),
    ):
        assert main(words) == 2
        shown = capsys.readouterr()
        assert message in shown.err
        assert not shown.out
