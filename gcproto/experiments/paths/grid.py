"""The scenario grid: which source, arm, granule, alignment and thread count are measured together.

A *group* is what is compared inside: one source, order, alignment and number of threads.  Its arms run next to each
other in every round.  Only what makes sense is in the grid: no split ahead of small folios, no granule for memcpy.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from gcproto._native import lib
from gcproto.experiments.paths.names import ARMS, KINDS, SWAP_KINDS, SWAPIN_ARMS, order_of
from gcproto.host.machine import Machine
from gcproto.results.schema import ANY, CACHE, CONSECUTIVE, MEMORY, SHUFFLED, PathScenario, with_fields
from gcproto.rows import arm_is, source_is
from gcproto.sizes import KIB, MIB, parse_size, size_text

WHOLE = "whole"
FOLIO = "folio"
PAGE = "page"
LARGE = "large"
"""2 MiB, or a folio if that is larger: with base pages of 4 KiB 2 MiB, which is a THP."""
TABLE = "table"
"""What a page table maps, or the whole range if that is less."""
NAMED = (PAGE, FOLIO, LARGE, TABLE, WHOLE)
GRANULES = (PAGE, "16k", "64k", FOLIO, "1m", "2m", LARGE, TABLE, WHOLE)
"""Granules by name; sizes below the base page of the machine fall away."""
CALL = 2 * MIB
MOST_FOLIO = 64 * MIB
"""Larger folios are in no default grid: their ranges have hundreds of MiB. A THP of pages of 64 KiB has 512 MiB."""
COLD_THPS = 32
"""Least THPs of a range beyond the caches. The code of the first call is cold as well, and must not count for much."""
COLD_THP_BYTES = 64 * MIB


@dataclass
class Choice:
    """What the user chose; empty or None means the default grid's."""

    sources: list[str] = field(default_factory=list)
    arms: list[str] = field(default_factory=list)
    granules: list[str] = field(default_factory=list)
    alignments: list[str] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    working_sets: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    memory: int | None = None
    quick: bool = False
    swap: bool = False


@dataclass(frozen=True)
class Block:
    """A part of the default grid: each source with each arm at each granule (arms may name their own granules)."""

    sources: tuple[str, ...]
    arms: tuple[str, ...]
    granules: tuple[str, ...]
    alignment: str = "congruent"
    threads: int = 1
    memory: int = 8 * MIB
    aa: bool = False
    working_set: str = CACHE
    frames: str = ANY


def parse_source(text: str, machine: Machine) -> tuple[str, int]:
    """``small``, ``mthp-64k``, ``pinned-2m``, ... to (name, order).

    Raises:
        ValueError: unknown name, or a size that folios of this machine do not have.

    """
    name, _, suffix = text.partition("-")
    known = {one for one in KINDS if not source_is(one, lib.GCP_SOURCE_UNUSED)}
    if name not in known:
        raise ValueError(f"unknown source {name!r}; known: {', '.join(sorted(known))}")
    size = parse_size(suffix) if suffix else None
    if size is not None and not source_is(name, lib.GCP_SOURCE_LARGE):
        raise ValueError(f"{name} comes in one size only: say {name}, or mthp-{suffix} for folios of that size")
    if source_is(name, lib.GCP_SOURCE_SIZED) and size is None:
        raise ValueError(f"{name} needs a size: {name}-64k")
    if size is not None and (size < machine.page_size or size > machine.pmd_size or size & (size - 1)):
        sizes = f"a power of 2 from {machine.page_size} to {machine.pmd_size} bytes"
        raise ValueError(f"{suffix} is not a folio size here: {sizes}")
    return name, order_of(name, size, machine)


def source_text(source: str, order: int, machine: Machine) -> str:
    """The inverse of parse_source, for messages."""
    if order == 0 or source_is(source, lib.GCP_SOURCE_PMD):
        return source
    return f"{source}-{size_text(machine.page_size << order)}"


def default_blocks(machine: Machine) -> list[Block]:
    """The default grid (measured in at most four minutes on two cores)."""
    mid = machine.mid_order
    mid_source, thp = _large_sources(machine)
    others = tuple(
        f"mthp-{size_text(machine.page_size << order)}"
        for order in machine.anon_orders
        if order not in {mid, machine.pmd_order} and _is_small_enough(order, machine)
    )
    pmd = size_text(machine.pmd_size)
    shared = (f"forked-{pmd}", f"pinned-{pmd}") if thp else ()
    main = ("small", *mid_source, *thp)
    every = GRANULES
    few = ("64k", LARGE)
    return [
        Block(main, ("move", "copy", "copy_discard"), every, aa=True),
        Block(main, ("mremap",), (PAGE, "64k", LARGE, TABLE, WHOLE)),
        Block(main, ("memcpy_touched", "memcpy_untouched"), (LARGE,)),
        Block((*mid_source, *thp), ("split_move",), (FOLIO, "64k", LARGE)),
        Block(main, ("tao",), few),
        Block(others, ("move", "copy"), (FOLIO, LARGE)),
        Block(main, ("move", "copy", "mremap"), ("64k", LARGE), alignment="skewed"),
        *_beyond_the_cache(main, machine, (PAGE, LARGE)),
        *live_blocks(machine),
        Block(("zero", "forked", "pinned"), ("move", "copy", "move_fallback"), few, memory=4 * MIB),
        Block(("hole",), ("move", "move_holes", "zeropage", "copy"), few, memory=4 * MIB),
        Block(shared, ("move", "copy", "move_fallback"), (LARGE,), memory=4 * MIB),
    ]


def _large_sources(machine: Machine) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The mTHP of the main table, and the THP, as names of sources; none where the machine has none."""
    mid = machine.mid_order
    mthp = (f"mthp-{size_text(machine.page_size << mid)}",) if mid else ()
    has_thp = machine.pmd_order in machine.anon_orders and _is_small_enough(machine.pmd_order, machine)
    return mthp, ("thp",) if has_thp else ()


def _is_small_enough(order: int, machine: Machine) -> bool:
    """Whether the default grid has folios of that order."""
    return machine.page_size << order <= MOST_FOLIO


def omitted(machine: Machine) -> Iterator[tuple[str, str]]:
    """What the default grid omits because of the page size: names of sources, and why."""
    large = [order for order in machine.anon_orders if not _is_small_enough(order, machine)]
    why = f"the default grid has no folios above {size_text(MOST_FOLIO)}, so that its ranges fit the memory"
    for order in large:
        name = "thp" if order == machine.pmd_order else "mthp"
        yield source_text(name, order, machine), why
    if machine.pmd_order in machine.anon_orders and machine.pmd_order not in large and not _has_cold_thps(machine):
        yield "thp beyond the cache", f"{COLD_THPS} THPs of {size_text(machine.pmd_size)} would be needed at least"


def _has_cold_thps(machine: Machine) -> bool:
    return COLD_THPS * machine.pmd_size <= COLD_THP_BYTES


def live_blocks(machine: Machine) -> list[Block]:
    """What the default grid measures beside a second live thread, the normal case of a concurrent collector.

    The arms of the comparison at each granule, and once each way that asks the second thread's processor to drop TLB
    entries: splitting, mremap, and moves that pages refuse.
    """
    mid_source, thp = _large_sources(machine)
    main = ("small", *mid_source, *thp)
    return [
        Block(main, ("move", "copy", "copy_discard"), (PAGE, "64k", LARGE, TABLE), threads=2),
        Block(main, ("mremap",), (TABLE,), threads=2),
        Block((*mid_source, *thp), ("split_move",), (LARGE,), threads=2),
        Block(("forked", "pinned"), ("move", "copy", "move_fallback"), ("64k",), threads=2, memory=4 * MIB),
    ]


def quick_blocks(machine: Machine) -> list[Block]:
    """The short grid (at most 45 seconds).

    mremap below the size of a page table is in the default grid only.  Each call splits a mapping.  The cost of that
    switches between two levels for minutes at a time: 310 and 400 ns per page at 64 KiB on 6.18.
    """
    mid_source, thp = _large_sources(machine)
    main = ("small", *mid_source, *thp)
    return [
        Block(main, ("move", "copy", "copy_discard"), (PAGE, "64k", LARGE, TABLE), memory=4 * MIB, aa=True),
        Block(main, ("mremap",), (TABLE,), memory=4 * MIB),
        Block((*mid_source, *thp), ("split_move",), (LARGE,), memory=4 * MIB),
        Block(main, ("memcpy_touched", "memcpy_untouched"), (LARGE,), memory=4 * MIB),
        Block(main, ("move", "copy"), (LARGE,), alignment="skewed", memory=4 * MIB),
        Block(main, ("move", "copy", "copy_discard"), (PAGE, LARGE), threads=2, memory=4 * MIB),
        *_beyond_the_cache(("small",), machine, (LARGE,)),
        Block(("zero", "forked", "pinned"), ("move", "copy", "move_fallback"), ("64k",), memory=2 * MIB),
        Block(("hole",), ("move", "move_holes", "zeropage", "copy"), ("64k",), memory=2 * MIB),
    ]


def _beyond_the_cache(sources: tuple[str, ...], machine: Machine, granules: tuple[str, ...]) -> Iterator[Block]:
    """What the same costs where neither contents nor page tables nor the memory map are in the caches.

    Alone and beside a second live thread.  Small folios on consecutive page frames, and on shuffled ones as a heap has
    them that was evacuated before.  Nothing where the size of the last-level cache is unknown: such memory can't be
    made there.
    """
    if not machine.llc_bytes:
        return
    arms = ("move", "copy", "copy_discard")
    for source in sources:
        # A THP moves in a microsecond: the code of the first call, which is cold as well, would be half of 16 MiB's.
        least = COLD_THP_BYTES if source == "thp" else MIB
        if source == "thp" and not _has_cold_thps(machine):
            continue
        frames = (CONSECUTIVE, SHUFFLED) if source == "small" else (ANY,)
        for threads in (1, 2):
            for order in frames:
                sizes = granules if order != SHUFFLED else granules[-1:]
                yield Block((source,), arms, sizes, threads=threads, memory=least, working_set=MEMORY, frames=order)


def _working_set(block: Block, total: int, machine: Machine) -> str:
    """The block's; a range that was chosen larger than half the last-level cache, or whose size is unknown, is any."""
    if block.working_set == CACHE and not 0 < 2 * total <= machine.llc_bytes:
        return ANY
    return block.working_set


def swap_blocks(machine: Machine, quick: bool) -> list[Block]:
    """What ``--swap`` adds: swapped out, and swapped out but still in the swap cache; and swapped in again."""
    mid = machine.mid_order
    sizes = [f"-{size_text(machine.page_size << mid)}"] if mid else []
    sources = tuple(f"{kind}{size}" for kind in ("swapped", "swapcache") for size in ("", *sizes))
    granules = ("64k",) if quick else (PAGE, "64k", LARGE)
    out = tuple(f"swapped{size}" for size in ("", *sizes))
    return [
        Block(sources, ("move", "copy", "move_fallback"), granules, memory=2 * MIB),
        Block(out, ("copy", *SWAPIN_ARMS), (LARGE,), memory=2 * MIB),
        Block(out, ("copy", "move_swapin"), (LARGE,), alignment="skewed", memory=2 * MIB),
    ]


def applies(source: str, order: int, arm: str, alignment: str) -> bool:
    """Whether an arm has a meaning for a source."""
    congruent, unused = alignment == "congruent", source_is(source, lib.GCP_SOURCE_UNUSED)
    hole = source_is(source, lib.GCP_SOURCE_HOLES) and not unused
    if arm_is(arm, lib.GCP_ARM_SPLITS):
        return order > 0 and source not in SWAP_KINDS
    if arm_is(arm, lib.GCP_ARM_SWAPS_IN):
        return source == "swapped" and (congruent or not arm_is(arm, lib.GCP_ARM_STAYS))
    if arm_is(arm, lib.GCP_ARM_HOLES):
        return hole or (unused and arm_is(arm, lib.GCP_ARM_NO_SOURCE))
    if arm_is(arm, lib.GCP_ARM_NO_SOURCE):
        return unused
    if arm_is(arm, lib.GCP_ARM_BY_USER):
        return congruent and not hole and not unused
    return True


def granule_bytes(name: str, order: int, total: int, machine: Machine) -> int | None:
    """Bytes of a named granule; None where it is not a multiple of the base page or larger than the range."""
    folio = machine.page_size << order
    named = {
        WHOLE: total,
        TABLE: min(machine.pmd_size, total),
        FOLIO: folio,
        LARGE: max(CALL, folio),
        PAGE: machine.page_size,
    }
    size = named[name] if name in named else parse_size(name)
    return size if size % machine.page_size == 0 and size <= total else None


def _unit(order: int, machine: Machine) -> int:
    """Bytes of which a range has a whole number: PMDs, so that every arm has the same page tables.

    Where a PMD is larger than the folios of the default grid, it is the large call: a range lies in one page table.
    """
    return machine.pmd_size if machine.pmd_size <= MOST_FOLIO else max(CALL, machine.page_size << order)


def scenarios_of(block: Block, machine: Machine, memory: int | None) -> Iterator[PathScenario]:
    """All scenarios of a block."""
    least = lib.GCP_MEMORY_MIN_PAGES * machine.page_size if block.working_set == MEMORY else 0
    for text in block.sources:
        source, order = parse_source(text, machine)
        unit = _unit(order, machine)
        total = -(-max(memory or block.memory, least) // unit) * unit
        pages = total // machine.page_size
        for arm in block.arms:
            if not applies(source, order, arm, block.alignment):
                continue
            sizes = {granule_bytes(name, order, total, machine) for name in block.granules} - {None}
            if arm_is(arm, lib.GCP_ARM_NO_GRANULE):
                sizes = {granule_bytes(LARGE, order, total, machine)}  # they know no granule; it has a copy beside it
            for size in sorted(size for size in sizes if size is not None):
                yield PathScenario(
                    source,
                    order,
                    arm,
                    size,
                    block.alignment,
                    block.threads,
                    pages,
                    _working_set(block, total, machine),
                    block.frames,
                )


def _replicas(scenarios: Iterable[PathScenario], machine: Machine) -> Iterator[PathScenario]:
    """A/A pairs: the same work under another name, for move and copy at 64 KiB and in large calls."""
    for one in scenarios:
        large = max(CALL, machine.page_size << one.order)
        if one.arm in {"move", "copy"} and one.granule_bytes in {64 * KIB, large}:
            yield with_fields(one, replica=1)


def build(choice: Choice, machine: Machine) -> list[PathScenario]:
    """The grid for a choice, each scenario once, with the canary and the A/A pairs.

    Raises:
        ValueError: a name that is not known.

    """
    _check(choice, machine)
    blocks = quick_blocks(machine) if choice.quick else default_blocks(machine)
    if choice.swap:
        blocks += swap_blocks(machine, choice.quick)
    if choice.sources:
        blocks = [*_restricted(blocks, choice, machine)]
    found: dict[PathScenario, None] = {}
    for block in blocks:
        arms = tuple(arm for arm in block.arms if not choice.arms or arm in choice.arms or arm == "copy")
        granules = tuple(choice.granules) or block.granules
        if choice.alignments and block.alignment not in choice.alignments:
            continue
        if choice.threads and block.threads not in choice.threads:
            continue
        if not _memory_fits(block, choice):
            continue
        chosen = replace(block, arms=arms, granules=granules)
        made = list(scenarios_of(chosen, machine, choice.memory))
        found.update(dict.fromkeys(made))
        if block.aa:
            found.update(dict.fromkeys(_replicas(made, machine)))
    _see_that_all_is_there(choice, list(found), machine)
    unit = _unit(0, machine)
    canary = PathScenario("none", 0, "canary", unit, "congruent", 1, unit // machine.page_size)
    return [*found, canary]


def _memory_fits(block: Block, choice: Choice) -> bool:
    """Whether a block's memory was asked for; sources that are named are measured in the cache unless it was."""
    usual = [ANY, CACHE] if choice.sources else [ANY, CACHE, MEMORY]
    sets, frames = (
        choice.working_sets or usual,
        choice.frames or ([ANY] if choice.sources else [ANY, CONSECUTIVE, SHUFFLED]),
    )
    return block.working_set in sets and block.frames in frames


def _see_that_all_is_there(choice: Choice, found: list[PathScenario], machine: Machine) -> None:
    """What was asked by name must be in the grid, or be refused: nothing is dropped in silence."""
    arms, sources = {one.arm for one in found}, {(one.source, one.order) for one in found}
    for arm in choice.arms:
        if arm not in arms and arm != "canary":
            chosen = ", ".join(choice.sources) or "the sources of this grid"
            raise ValueError(f"arm {arm} has no meaning for {chosen} in this layout")
    for text in choice.sources:
        if parse_source(text, machine) not in sources:
            raise ValueError(f"source {text} is in no scenario of this choice")
    if not found:
        raise ValueError("no scenario fits this choice")


def _restricted(blocks: list[Block], choice: Choice, machine: Machine) -> Iterator[Block]:
    """Blocks for the chosen sources: what the grid has for them, and the main block for those that it does not have."""
    wanted = [parse_source(text, machine) for text in choice.sources]
    memory: dict[tuple[str, int], int] = {}
    for block in blocks:
        kept = tuple(text for text in block.sources if parse_source(text, machine) in wanted)
        if kept:
            for text in kept if block.working_set != MEMORY else ():
                memory.setdefault(parse_source(text, machine), block.memory)
            yield replace(block, sources=kept)
    for text, one in zip(choice.sources, wanted, strict=True):
        if one not in memory:
            yield Block((text,), ("move", "copy", "copy_discard", "move_fallback"), GRANULES)
    # An arm or a layout that was asked by name is measured even if the default grid does not have it, beside a copy.
    # It has as much memory as the grid has for the source: another amount would be another scenario.
    arms = tuple(arm for arm in choice.arms if arm != "canary")
    granules = tuple(choice.granules) or ("64k", LARGE)
    skewed, live = "skewed" in choice.alignments, 2 in choice.threads
    layouts = [("congruent", 1)] * bool(arms) + [("skewed", 1)] * skewed
    layouts += [("congruent", 2)] * live + [("skewed", 2)] * (skewed and live)
    asked = choice.working_sets or choice.frames
    places = [(kind, frames) for kind in choice.working_sets or [CACHE] for frames in choice.frames or [ANY]]
    layouts = layouts or ([("congruent", 1)] if asked else [])
    for text, one in zip(choice.sources, wanted, strict=True):
        for alignment, threads in layouts:
            names = ("copy", *(arms or ("move",)))
            for kind, frames in places:
                size = memory.get(one, Block.memory)
                yield Block((text,), names, granules, alignment, threads, size, working_set=kind, frames=frames)


def _check(choice: Choice, machine: Machine) -> None:
    for text in choice.sources:
        parse_source(text, machine)
    for arm in choice.arms:
        if arm not in ARMS:
            raise ValueError(f"unknown arm {arm!r}; known: {', '.join(sorted(ARMS))}")
    for name in choice.granules:
        if name not in NAMED and parse_size(name) % machine.page_size:
            raise ValueError(f"granule {name} is not a multiple of the base page ({machine.page_size} bytes)")
    for source in (text for text in choice.sources if parse_source(text, machine)[0] in SWAP_KINDS):
        if not choice.swap:
            raise ValueError(f"source {source} changes swap settings: add --swap")
