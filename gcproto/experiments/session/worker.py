"""The worker: a process that runs workloads on heaps and nothing else, so that one that hangs can be killed."""

import sys

from gcproto.experiments.session.request import SessionRequest
from gcproto.experiments.session.run import run
from gcproto.heap.compiled import compile_all
from gcproto.heap.workloads import workload
from gcproto.host.child import serve


def _say(name: str, number: int, count: int) -> None:
    sys.stderr.write(f"\rgcproto: compiling {number + 1} of {count}: {name.rsplit('.', 2)[-2]:<12}")
    sys.stderr.flush()


def prepare(name: str) -> None:
    """Compile what a workload needs, and say so if that takes a while; with a warm cache it is silent."""
    workload(name)
    if compile_all(_say):
        sys.stderr.write("\rgcproto: compiled; the next run finds it in the cache       \n")
        sys.stderr.flush()


def main() -> None:
    """Serve requests until the pipe is closed."""

    def answer(request: SessionRequest) -> object:
        prepare(request.workload)
        return run(request)

    serve(SessionRequest, answer)  # type: ignore[arg-type]
