"""The clock that pytest-benchmark reads: seconds that C measured around the work, and nothing else."""


class KernelClock:
    """A sum of measured times; its differences are the durations of rounds.

    Pedantic mode reads the timer once before and once behind each round and never calibrates it, so the duration of a
    round is exactly what was added in between: no Python and no cffi is in it.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def add_ns(self, ns: int) -> None:
        """Add a time in nanoseconds."""
        self.seconds += ns * 1e-9

    def __call__(self) -> float:
        """Seconds so far."""
        return self.seconds


CLOCK = KernelClock()
