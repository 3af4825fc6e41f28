"""How often another processor's TLB is flushed: the rules, and the kernel's own count beside them."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from gcproto._native import lib
from gcproto.experiments.paths.names import ARMS, KINDS
from gcproto.experiments.paths.round import VALID, Request, new_prover, run
from gcproto.host.machine import choose_cpus, machine
from gcproto.host.settings import Settings
from gcproto.model.dispositions import dispositions
from gcproto.model.fit import row_of
from gcproto.model.kinds import SHOOT_DOWN, SHOOT_DOWN_LONG
from gcproto.model.shoot_downs import RULES, Moves, long_ones, rule_of, shoot_downs
from tests.support.result_maker import measurement, result, scenario

BATCHED, EACH = RULES
PAGES = 2048
TABLE = 512


@pytest.mark.parametrize(
    ("did", "batched", "each"),
    [
        (Moves(calls=2048, pages=2048), 2048, 2048),
        (Moves(calls=128, pages=2048), 128, 2048),
        (Moves(calls=1, pages=2048, tables=3), 4, 2048),
        (Moves(calls=4, pages=2048, split=128), 256, 2176),
        (Moves(calls=128, pages=2048, split=8), 136, 2056),
        (Moves(calls=128, pages=2048, split_mapped_whole=4), 136, 2056),
        (Moves(calls=8, pages=2048, split_mapped_whole=4), 16, 2056),
        (Moves(calls=4, whole=4), 4, 4),
        (Moves(calls=5, pages=100, whole=4), 5, 104),
        (Moves(discards=1), 1, 1),
        (Moves(), 0, 0),
    ],
)
def test_counts_of_the_rules(did: Moves, batched: int, each: int) -> None:
    assert shoot_downs(did, BATCHED) == batched
    assert shoot_downs(did, EACH) == each


def test_the_rule_is_that_of_the_kernel_of_the_result() -> None:
    assert rule_of("6.18.44") is BATCHED
    assert rule_of("7.3.4-rc1") is BATCHED
    assert rule_of("6.17.13+deb14") is EACH
    assert rule_of("6.8.0") is EACH


def rounds(release: str, threads: int, arm: str = "move") -> float:
    """What rows of a path's rounds have of it: 8 MiB of 64 KiB mTHPs, split, in calls of 2 MiB."""
    asked = scenario(arm, 2 << 20, "mthp", order=4, threads=threads, pages=PAGES)
    one = measurement(asked, [800.0] * 4, folios=4 * 128, folios_split=4 * 128 if arm == "move" else 0)
    one.outcome.calls = 4 * (5 if arm == "copy_discard" else 4)
    one.outcome.moved = 4 * PAGES if arm == "move" else 0
    made = result([one], kernel={"release": release})
    row = row_of(next(dispositions([made])))
    return row.get(SHOOT_DOWN, 0.0) + row.get(SHOOT_DOWN_LONG, 0.0)


def test_rounds_with_a_second_thread_have_them_and_others_have_not() -> None:
    assert rounds("6.18.44", 1) == 0
    assert rounds("6.18.44", 2) == 256
    assert rounds("6.12.43", 2) == 2176
    assert rounds("6.18.44", 2, "copy") == 0
    assert rounds("6.18.44", 2, "copy_discard") == 1


def test_long_batches_and_discards_drop_the_whole_tlb() -> None:
    assert long_ones(Moves(calls=128, pages=2048), BATCHED) == 0  # 16 pages each
    assert long_ones(Moves(calls=4, pages=2048), BATCHED) == 4
    assert long_ones(Moves(calls=4, pages=2048, split=128), BATCHED) == 0
    assert long_ones(Moves(calls=8, pages=2048, split=8), BATCHED) == 8  # and one short at each split
    assert long_ones(Moves(calls=4, pages=2048), EACH) == 0
    assert long_ones(Moves(discards=1), EACH) == 1


def counted(cpu: int) -> int:
    """TLB shoot-downs that a processor has served."""
    text = Path("/proc/interrupts").read_text(encoding="utf-8")
    head = [int(name.removeprefix("CPU")) for name in text.splitlines()[0].split()]
    line = re.search(r"TLB:((?:\s+\d+)+)", text)
    assert line
    return int(line[1].split()[head.index(cpu)])


@pytest.mark.needs("move", "mthp", "pfn", "two_cpus", "tlb_counts")
@pytest.mark.parametrize(
    ("order", "arm", "granule", "did"),
    [
        (0, "move", 4096, Moves(calls=PAGES, pages=PAGES)),
        (0, "move", 64 << 10, Moves(calls=128, pages=PAGES)),
        (0, "move", 2 << 20, Moves(calls=4, pages=PAGES)),
        (4, "move", 2 << 20, Moves(calls=4, pages=PAGES, split=128)),
        (9, "move", 64 << 10, Moves(calls=128, pages=PAGES, split_mapped_whole=4)),
        (9, "move", 2 << 20, Moves(calls=4, whole=4)),
        (0, "copy", 64 << 10, Moves()),
    ],
)
def test_this_kernel_counts_as_its_rule_does(order: int, arm: str, granule: int, did: Moves) -> None:
    """To a tenth and six, in one of nine rounds: others' work on the machine is flushed and counted as well."""
    if machine().page_size != 4096:
        pytest.skip("the figures are for pages of 4 KiB")
    allowed = os.sched_getaffinity(0)  # a round pins the thread that works
    cpu, other = choose_cpus()
    prover: Any = new_prover()
    kind = "small" if order == 0 else "thp" if order == machine().pmd_order else "mthp"
    found = []
    with Settings() as settings:
        settings.quiet_khugepaged()
        settings.mthp_only(order or None)
        for seed in range(9):
            request = Request(KINDS[kind], order, ARMS[arm], 0, granule, PAGES, cpu, other, 0, seed)
            before = counted(other)
            done = run(prover, request)
            if done.status == VALID:
                found.append(counted(other) - before)
    os.sched_setaffinity(0, allowed)
    lib.gcp_prover_deinit(prover)
    expected = shoot_downs(did, rule_of(Path("/proc/sys/kernel/osrelease").read_text(encoding="utf-8")))
    assert min((abs(count - expected) for count in found), default=PAGES) <= 0.1 * expected + 6, (found, expected)
