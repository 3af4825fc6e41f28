"""The parameters of every workload, in the form for compiled code."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIVE, MUTATION, FRAGMENTATION, SEED, OPERATIONS = range(5)
"""Places in the array of parameters."""
COUNT = 5

Parameters = Sequence[int]
"""The parameters for compiled code: an int64 array."""


@dataclass(frozen=True)
class Knobs:
    """Parameters of one mutator's workload.

    Args:
        live_bytes: approximate size of the objects that stay reachable; each workload defines it.
        operations: steps to do, 0: until it is stopped.
        mutation: of 1000 steps, those that write references into old objects.
        fragmentation: of 1000, the share that stays live or dies, as each workload says.
        seed: of everything that is random.

    """

    live_bytes: int
    operations: int = 0
    mutation: int = 100
    fragmentation: int = 500
    seed: int = 1

    def array(self) -> NDArray[np.int64]:
        """For compiled code: int64, in the order of the places above."""
        return np.array(
            [self.live_bytes, self.mutation, self.fragmentation, self.seed, self.operations], dtype=np.int64
        )
