"""The worker: a process that runs rounds and nothing else, so that one that hangs can be killed.

It has an address space of its own with few mappings and no threads but the scenario's.
"""

from gcproto.experiments.paths.round import Request, Round, new_prover, run
from gcproto.host.child import serve


def main() -> None:
    """Serve requests until the pipe is closed."""
    prover = new_prover()

    def answer(request: Request) -> Round:
        return run(prover, request)

    serve(Request, answer)
