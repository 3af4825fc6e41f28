"""The lab: runs rounds in a worker process, under a watchdog."""

import errno

from gcproto.experiments.frame import TRIES
from gcproto.experiments.paths.round import DISTURBED, UNABLE, Request, Round
from gcproto.host.child import Child, WorkerDied

__all__ = ["Lab", "WorkerDied"]


class Lab(Child[Request, Round]):
    """A worker process for rounds.

    Args:
        timeout: seconds that one round may take before its worker is killed.

    """

    def __init__(self, timeout: float = 20.0) -> None:
        super().__init__("gcproto.experiments.paths.worker", Round, timeout)

    def repeat(self, request: Request) -> tuple[Round, int]:
        """Run a round until it is the one asked for, or has been tried often enough (gcproto.experiments.frame.TRIES).

        Its source may come out otherwise, or another process may keep its second thread from running.

        Args:
            request: the round.

        Returns:
            the last one, and how many were disturbed by another process.

        """
        disturbed = 0
        for _ in range(TRIES):
            done = self.run(request)
            disturbed += done.status == DISTURBED
            if done.status != DISTURBED and (done.status != UNABLE or done.err != errno.EAGAIN):
                break
        return done, disturbed
