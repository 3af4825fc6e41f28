"""The worker: a process that runs rounds and nothing else, so that one that hangs can be killed.

It has an address space of its own with few mappings and no threads but the scenario's, and it dies with its parent.
One request a line on standard input, one answer a line on standard output.
"""

import ctypes
import os
import signal
import sys

import msgspec

from gcproto.paths.round import Request, new_prover, run

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve requests until the pipe is closed."""
    # Ctrl-C goes to the whole process group; the parent decides what becomes of the round.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1 and "--orphan-ok" not in sys.argv:
        return
    prover = new_prover()
    decoder = msgspec.json.Decoder(Request)
    encoder = msgspec.json.Encoder()
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(encoder.encode(run(prover, decoder.decode(line))) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
