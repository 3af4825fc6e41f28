"""Arms and sources are rows of tables in C: what Python asks of them."""

import pytest

from gcproto._native import ffi, lib
from gcproto.chars import text_of
from gcproto.experiments.paths.grid import applies
from gcproto.experiments.paths.names import ARMS as NUMBERS
from gcproto.results.comparison.effects import CLASSES, arm_class
from gcproto.results.schema import PathScenario
from gcproto.rows import ARMS, SOURCES, Row, arm_is, arms_with, source_is, sources_with

MOVES, REGISTERS = lib.GCP_ARM_MOVES, lib.GCP_ARM_REGISTERS
HOLES, UNUSED = lib.GCP_SOURCE_HOLES, lib.GCP_SOURCE_UNUSED


@pytest.mark.parametrize("row", ARMS.values(), ids=lambda row: row.name)
def test_an_arm_is_found_by_its_name_and_makes_sense(row: Row) -> None:
    assert lib.gcp_arm_find(row.name.encode()) == row.number == NUMBERS[row.name]
    assert text_of(lib.gcp_arm_name(row.number)) == row.name
    assert row.has(REGISTERS) or not row.has(MOVES), "MOVE needs a registered destination"
    assert not (row.has(lib.GCP_ARM_GAUGE) and row.has(REGISTERS)), "the kernel takes no part in a gauge"
    assert any(
        applies(source, order, row.name, alignment)
        for source in SOURCES
        for order in (0, 4)
        for alignment in ("congruent", "skewed")
    ), "an arm without a source is never measured"
    assert arm_class(PathScenario("small", 0, row.name, 4096, "congruent", 1, 512)) in CLASSES


def test_arms_by_what_they_are() -> None:
    """Of the arms that claims, records and defaults name: rows that are added for an experiment are not listed here."""
    named = {"move", "copy", "copy_discard", "move_fallback", "move_holes", "split_move", "mremap", "memcpy_touched"}
    named |= {"memcpy_untouched", "zeropage", "tao", "canary", "move_bare", "swapin", "move_swapin"}
    assert named <= set(ARMS)
    assert named & set(arms_with(MOVES)) == {name for name in named if "move" in name} | {"tao"}
    assert named & set(arms_with(lib.GCP_ARM_SWAPS_IN)) == {"swapin", "move_swapin"}
    assert named & set(arms_with(lib.GCP_ARM_GAUGE)) == {"memcpy_touched"}
    assert named & set(arms_with(lib.GCP_ARM_READS_CONTENTS)) == {"copy", "copy_discard", "memcpy_untouched", "tao"}


def test_sources_by_what_they_are() -> None:
    assert set(sources_with(lib.GCP_SOURCE_SWAPS)) == {"swapped", "swapcache"}
    assert set(sources_with(lib.GCP_SOURCE_LARGE)) == {"mthp", "forked", "pinned", "swapped", "swapcache"}
    assert sources_with(UNUSED) == ("none",)
    assert all(source_is(name, lib.GCP_SOURCE_ZEROES) for name in sources_with(HOLES))
    for name, number in (("small", lib.GCP_SOURCE_PLAIN), ("swapcache", lib.GCP_SOURCE_SWAPCACHE)):
        assert SOURCES[name].number == number, "C asks for these by their numbers"


def test_names_of_other_versions_are_nothing_in_particular() -> None:
    assert not arm_is("teleport", 0xFFFF)
    assert not source_is("cheese", 0xFFFF)
    assert lib.gcp_arm_find(b"teleport") == -1
    assert lib.gcp_arm_name(len(ARMS)) == ffi.NULL
    assert arm_class(PathScenario("small", 0, "teleport", 4096, "congruent", 1, 512)) == "tables"
