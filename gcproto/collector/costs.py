"""What evacuating a page costs on this kernel, found out in some milliseconds when a heap is made.

Rounds of the path lab's engine on 2 MiB each, or on one folio if that is larger. They are proven like any other
(contents, split counters): the same code that ``gcproto bench`` measures with.  A policy that chooses by measured facts
asks for these figures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from gcproto._native import ffi, lib
from gcproto.host.machine import machine
from gcproto.rows import ARMS
from gcproto.sizes import MIB

if TYPE_CHECKING:
    from gcproto._native import gcp_prover_ptr, gcp_round_ptr

ROUNDS = 3
TRIES = 3
"""A source that did not come out as it should is made again."""
CALL = 2 * MIB


@dataclass(frozen=True)
class Costs:
    """ns per base page for folios of one order, aligned, in one call (see above); None: it could not be measured.

    Attributes:
        order: of the folios.
        move: UFFDIO_MOVE of them, split or whole as this kernel does it;  folios_kept: whether it kept them whole.
        copy: UFFDIO_COPY, and giving the source back.
        split: having them split ahead;  move_split: moving them then, as small ones.
        shoot_down: ns that one interruption costs a mutator on another processor; 0: there is none.

    """

    order: int
    move: float | None
    copy: float | None
    split: float | None
    move_split: float | None
    folios_kept: bool
    shoot_down: float = 0.0


def _bytes(order: int) -> int:
    """Of a round."""
    return max(CALL, machine().page_size << order)


def _rounds(prover: "gcp_prover_ptr", order: int, arm: int, seed: int) -> "list[gcp_round_ptr]":
    found = []
    for number in range(ROUNDS):
        for attempt in range(TRIES):
            scenario = ffi.new("struct gcp_scenario *")
            done = ffi.new("struct gcp_round *")
            scenario.source, scenario.arm, scenario.order = lib.GCP_SOURCE_PLAIN, arm, order
            scenario.pages, scenario.granule = _bytes(order) // machine().page_size, _bytes(order)
            scenario.cpu = scenario.touch_cpu = -1
            scenario.seed = seed + number * TRIES + attempt
            lib.gcp_round_run(prover, scenario, done)
            if done.status == lib.GCP_ROUND_VALID:
                found.append(done)
                break
    return found


def measure(order: int, seed: int = 1, shoot_down: float = 0.0) -> Costs:
    """Measure folios of one order; memory must be had in them (the setting is the caller's).

    Args:
        order: of the folios.
        seed: of contents.
        shoot_down: what is known of that already, ns.

    """
    prover = ffi.new("struct gcp_prover *")
    pages = _bytes(order) // machine().page_size
    if lib.gcp_prover_init(prover) < 0:
        return Costs(order, None, None, None, None, False)
    try:
        moves = _rounds(prover, order, ARMS["move"].number, seed)
        copies = _rounds(prover, order, ARMS["copy_discard"].number, seed)
        splits = _rounds(prover, order, ARMS["split_move"].number, seed) if order else []
    finally:
        lib.gcp_prover_deinit(prover)

    def middle(rounds: "list[gcp_round_ptr]", value: "Callable[[gcp_round_ptr], int]") -> float | None:
        return median(value(one) / pages for one in rounds) if rounds else None

    return Costs(
        order,
        move=middle(moves, lambda one: one.ns),
        copy=middle(copies, lambda one: one.ns),
        split=middle(splits, lambda one: one.split_ns),
        move_split=middle(splits, lambda one: one.ns - one.split_ns),
        folios_kept=bool(order and moves and all(one.folios_split == 0 for one in moves)),
        shoot_down=shoot_down,
    )
