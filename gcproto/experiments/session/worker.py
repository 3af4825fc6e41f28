"""The worker: a process that runs workloads on heaps and nothing else, so that one that hangs can be killed."""

import sys

from gcproto.experiments.session.request import SessionRequest
from gcproto.experiments.session.run import run
from gcproto.heap.compiled import compile_all
from gcproto.heap.workloads import workload
from gcproto.host.child import serve


class _Compiling:
    """Says on standard error that code is compiled: each function on a terminal, else one line."""

    def __init__(self) -> None:
        self._told = False
        self._terminal = sys.stderr.isatty()

    def begins(self, name: str, number: int, count: int) -> None:
        """A function is compiled next; see `compile_all`."""
        if self._terminal:
            self._write(f"\rgcproto: compiling {number + 1} of {count}: {name.rsplit('.', 2)[-2]:<12}")
        elif not self._told:
            self._write("gcproto: compiling; the next run finds it in the cache\n")
        self._told = True

    def ended(self) -> None:
        """All are compiled."""
        if self._terminal:
            self._write("\rgcproto: compiled; the next run finds it in the cache       \n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def prepare(name: str) -> None:
    """Compile what a workload needs, and say so if that takes a while; with a warm cache it is silent."""
    workload(name)
    said = _Compiling()
    if compile_all(said.begins):
        said.ended()


def main() -> None:
    """Serve requests until the pipe is closed."""

    def answer(request: SessionRequest) -> object:
        prepare(request.workload)
        return run(request)

    serve(SessionRequest, answer)  # type: ignore[arg-type]
