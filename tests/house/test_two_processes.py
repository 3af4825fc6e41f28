"""A session in two processes counts each test once, whatever becomes of the second process."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import two_processes
from tests.support.processes import ROOT

CONFTEST = """
from tests.support import two_processes

two_processes.GUESTS = ("tests/test_guest",)
two_processes.PURE = ("tests/test_pure",)
two_processes.WORTH = 3
two_processes.QUIET_SECONDS = 2.0


def pytest_configure(config):
    config.pluginmanager.register(two_processes.plugin())
"""
GUEST = """
import time
from pathlib import Path


def test_guest():
    deadline = time.monotonic() + 10
    while not Path("pure_b").exists():
        assert time.monotonic() < deadline, "the second process did not run the last file meanwhile"
        time.sleep(0.02)
"""
PURE = """
import os
from pathlib import Path


def test_first():
    Path(__file__).parents[1].joinpath("{name}").write_text(str(os.getpid()))


{body}


def test_last():
    pass
"""
ALONE = """
import os
from pathlib import Path


def test_the_others_have_ended():
    second = Path("pure_b").read_text()
    assert not Path("/proc", second).exists()
    assert int(second) != os.getpid()
"""


def session(folder: Path, body: str, *options: str, guest: str = GUEST) -> "subprocess.CompletedProcess[str]":
    """Run a project with a guest, two pure files, the second with tests of its own, and a test that runs alone."""
    (folder / "pytest.ini").write_text("[pytest]\ntimeout = 20\ntimeout_method = thread\ntestpaths = tests\n")
    (folder / "tests").mkdir()
    files = {
        "conftest": CONFTEST,
        "test_alone": ALONE,
        "test_guest": guest,
        "test_pure_a": PURE.format(name="pure_a", body=""),
        "test_pure_b": PURE.format(name="pure_b", body=body),
    }
    for name, text in files.items():
        (folder / "tests" / f"{name}.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def closing(done: "subprocess.CompletedProcess[str]") -> str:
    """The only closing line."""
    (line,) = re.findall(r"^=+ (\d[^=]*) in [0-9.]+s[^=]* =+$", done.stdout, re.M)
    return str(line)


EACH = """
import pytest
import warnings


def test_wrong():
    found = 1
    assert found == 2


def test_not():
    pytest.skip("no wings")


def test_warns():
    warnings.warn("odd")


@pytest.fixture
def bad():
    yield
    raise RuntimeError("it is left")


def test_ends_badly(bad):
    pass
"""
DIES = """
import os


def test_dies():
    os._exit(7)
"""
HANGS = """
import pytest
import time


@pytest.mark.timeout(1)
def test_hangs():
    time.sleep(50)
"""
STOPS = """
import os
import signal


def test_stops():
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.needs("two_cpus")
def test_each_test_is_counted_once(tmp_path: Path) -> None:
    done = session(tmp_path, EACH)
    assert closing(done) == "1 failed, 8 passed, 1 skipped, 1 warning, 1 error", done.stdout
    assert done.returncode == 1
    for said in ("assert 1 == 2", "no wings", "UserWarning: odd", "RuntimeError: it is left"):
        assert said in done.stdout


@pytest.mark.parametrize(
    ("body", "said"),
    [(DIES, "ended with 7"), (HANGS, "Timeout"), (STOPS, "ended with -9")],
    ids=["7", "hangs", "stops"],
)
@pytest.mark.needs("two_cpus")
def test_what_it_dies_in_has_failed_and_the_rest_runs(body: str, said: str, tmp_path: Path) -> None:
    done = session(tmp_path, body, "--timeout=4")
    assert closing(done) == "1 failed, 6 passed", done.stdout
    assert said in done.stdout
    assert done.returncode == 1


@pytest.mark.needs("two_cpus")
def test_the_first_failure_ends_both(tmp_path: Path) -> None:
    done = session(tmp_path, EACH, "-x")
    assert closing(done).startswith("1 failed")
    assert "stopping after 1 failures" in done.stdout
    assert done.returncode == 1


@pytest.mark.needs("two_cpus")
def test_a_process_that_can_not_begin_is_an_error_and_all_tests_run(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import os\n\nif 'GCPROTO_SECOND_PROCESS' in os.environ:\n    raise ImportError('not here')\n"
    )
    done = session(tmp_path, "", guest="def test_guest():\n    pass")
    assert "not here" in done.stdout
    assert closing(done) == "2 failed, 5 passed"  # the process, and the test that looks for it


def test_what_runs_beside_others_is_there() -> None:
    """The name of a file that has moved would let its tests run alone."""
    listed = (*two_processes.GUESTS, *two_processes.PURE)
    files = [two_processes.file_of(one).rstrip("/") for one in listed]
    assert [file for file in files if not [*ROOT.glob(f"{file}*")]] == []
