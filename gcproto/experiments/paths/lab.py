"""The lab: runs rounds in a worker process, under a watchdog."""

from gcproto.experiments.paths.round import Request, Round
from gcproto.host.child import Child, WorkerDied

__all__ = ["Lab", "WorkerDied"]


class Lab(Child[Request, Round]):
    """A worker process for rounds.

    Args:
        timeout: seconds that one round may take before its worker is killed.

    """

    def __init__(self, timeout: float = 20.0) -> None:
        super().__init__("gcproto.experiments.paths.worker", Round, timeout)
