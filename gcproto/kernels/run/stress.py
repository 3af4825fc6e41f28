"""The stress: pages that move under all other operations on them, by seed, in guests."""

from gcproto.kernels.guest.console import WARN
from gcproto.kernels.guest.script import INFO, Job, Script, preamble
from gcproto.kernels.run.check import SWAP_BYTES
from gcproto.results.schema import Hazard

STRESS = "stress"
"""Name of the hazard in the guest's program."""

GRACE = 300
"""Seconds of the guest's clock by which the last round may exceed its time."""


def script(seconds: int, seed: int, *, swap: bool, loop: bool, alone: bool = False) -> Script:
    """One stress of that many seconds of the guest's clock.

    Args:
        seconds: of the guest's clock.
        seed: of everything random.
        swap: the guest can have swap.
        alone: only the random sequences.
        loop: swap on a loop device, which leaves folios in the swap cache, instead of zram.

    """
    steps: list[str | Job] = [*preamble(), WARN, INFO]
    if swap:
        steps.append(f"{'loop' if loop else 'zram'} {SWAP_BYTES}")
    command = ("/gcprobe", "stress", str(seconds), str(seed), *(("sequences",) if alone else ()))
    steps.append(Job(STRESS, command, seconds + GRACE, "other", Hazard(STRESS, seed)))
    return Script(tuple(steps))
