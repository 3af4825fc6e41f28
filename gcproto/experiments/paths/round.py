"""One round across the process boundary: what is asked of the worker and what it answers."""

from typing import TYPE_CHECKING

import msgspec

from gcproto._native import ffi, lib
from gcproto.chars import text_of
from gcproto.experiments.paths.names import ARMS, FRAMES, KINDS, WORKING_SETS
from gcproto.results.schema import PathScenario
from gcproto.structs import numbers_of

if TYPE_CHECKING:
    from gcproto._native import gcp_prover_ptr


class Request(msgspec.Struct):
    """A round to run; fields as in ``struct gcp_scenario`` (native/paths/round.h)."""

    source: int
    order: int
    arm: int
    skew_pages: int
    granule: int
    pages: int
    cpu: int
    touch_cpu: int
    slow_permille: int
    seed: int
    frames: int = 0
    working_set: int = 0
    lose_page: int = 0


class Round(msgspec.Struct):
    """A round that was run; fields as in ``struct gcp_round``."""

    status: int
    err: int
    ns: int
    split_ns: int
    swapin_ns: int
    calls: int
    account: dict[str, int]
    have: int
    pfn_kept: int
    pfn_changed: int
    contents: int
    source_gone: int
    folios: int
    folios_split: int
    pmd_splits: int
    order_after: list[int]
    swapped_before: int
    swapped_after: int
    cached_before: int
    path: str
    reason: str
    frames_pairs: int = 0
    frames_adjacent: int = 0
    frames_blocks: int = 0
    target_pairs: int = 0
    target_adjacent: int = 0
    target_blocks: int = 0
    range_bytes: int = 0
    streamed_bytes: int = 0


VALID: int = lib.GCP_ROUND_VALID
INVALID: int = lib.GCP_ROUND_INVALID
UNABLE: int = lib.GCP_ROUND_UNABLE
FAILED: int = lib.GCP_ROUND_FAILED
DISTURBED: int = lib.GCP_ROUND_DISTURBED


def request_for(scenario: PathScenario, cpu: int, touch_cpu: int, seed: int, slow_permille: int = 0) -> Request:
    """The request for one round of a scenario.

    Args:
        scenario: what to measure.
        cpu: processor of the working thread, -1 for any.
        touch_cpu: processor of the thread that touches memory meanwhile, where the scenario has one.
        seed: of contents and of the order of page frames.
        slow_permille: test aid: the work is drawn out by so much.

    """
    return Request(
        source=KINDS[scenario.source],
        order=scenario.order,
        arm=ARMS[scenario.arm],
        skew_pages=1 if scenario.alignment == "skewed" else 0,
        granule=scenario.granule_bytes,
        pages=scenario.pages,
        cpu=cpu,
        touch_cpu=touch_cpu if scenario.threads > 1 else -1,
        slow_permille=slow_permille,
        seed=seed,
        frames=FRAMES[scenario.frames],
        working_set=WORKING_SETS[scenario.working_set],
    )


def run(prover: "gcp_prover_ptr", request: Request) -> Round:
    """Run a round in this process (it may hang on kernels with known bugs: see gcproto.experiments.paths.lab)."""
    scenario = ffi.new("struct gcp_scenario *", msgspec.to_builtins(request))
    got = ffi.new("struct gcp_round *")
    lib.gcp_round_run(prover, scenario, got)
    return Round(
        **numbers_of(got),
        account=numbers_of(got.account),
        order_after=list(got.order_after),
        path=text_of(got.path),
        reason=text_of(got.reason),
    )


def new_prover() -> "gcp_prover_ptr":
    """A prover (native/base/proof.h) for the life of this process."""
    prover = ffi.new("struct gcp_prover *")
    lib.gcp_prover_init(prover)
    return prover
