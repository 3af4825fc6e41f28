"""What a worker compiles: once, for all workers after it, and with no more libraries than it needs."""

import subprocess
import sys

import pytest

START = """
import sys

from gcproto.heap.compiled import compile_all
from gcproto.heap.workloads import NAMES, workload
import gcproto.experiments.session.worker

told = []
for name in NAMES:
    workload(name)
built = compile_all(lambda *what: told.append(what))
print(built, len(told), "scipy.linalg" in sys.modules)
import scipy.linalg
"""


def start() -> str:
    """The start of a worker that can run any workload."""
    done = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.timeout(300)
def test_a_second_worker_compiles_nothing_and_loads_no_linear_algebra() -> None:
    assert start().endswith(" False")
    assert start() == "0 0 False"
