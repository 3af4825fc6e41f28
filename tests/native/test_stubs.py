"""What mypy knows of the native library: made from its headers, and worth something."""

import subprocess
import sys

import pytest

from tests.support.processes import ROOT

HEAD = """\
from typing import TYPE_CHECKING

from gcproto._native import ffi, lib

if TYPE_CHECKING:
    from gcproto._native import gcp_plan, gcp_plan_ptr

"""


def test_the_stub_is_what_the_headers_make() -> None:
    made = subprocess.run([sys.executable, str(ROOT / "native" / "build" / "stubs.py"), "--check"], check=False)
    assert made.returncode == 0, "make stubs"


@pytest.fixture(scope="module")
def mypy_says(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What mypy says of each of the snippets, by file name, in one run."""
    folder = tmp_path_factory.mktemp("snippets")
    for name, text in {**WRONG, "right": (RIGHT, "")}.items():
        (folder / f"{name}.py").write_text(HEAD + text[0])
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    names = (*WRONG, "right")
    return {name: "\n".join(line for line in done.stdout.splitlines() if f"/{name}.py" in line) for name in names}


WRONG = {
    "field": (
        "def dense(plan: 'gcp_plan') -> int:\n    return plan.dense_edn\n",
        '"gcp_plan" has no attribute "dense_edn"',
    ),
    "argument": ("lib.gcp_region_discard(4096)\n", 'Too few arguments for "gcp_region_discard"'),
    "structure": ("view = ffi.new('struct gcp_plan *')\nlib.gcp_view_deinit(view)\n", 'expected "Pointer[gcp_view]"'),
    "type": ("ffi.new('struct gcp_veiw *')\n", 'No overload variant of "new"'),
    "constant": ("lib.GCP_UNKNOWN = 1\n", "Cannot assign to final attribute"),
    "value": ("def swap(plan: 'gcp_plan_ptr') -> None:\n    plan.kept = '1'\n", "Incompatible types in assignment"),
}
"""By name: what a snippet says, and what mypy says of it."""

RIGHT = """\
def of(plan: 'gcp_plan_ptr') -> int:
    lib.gcp_region_discard(plan.to, plan[0].used_end)
    return plan.dense_end


view = ffi.new("struct gcp_view *")
lib.gcp_view_deinit(view)
lib.gcp_view_deinit(ffi.NULL)
"""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", WRONG)
def test_mypy_sees_what_is_wrong(mypy_says: dict[str, str], name: str) -> None:
    assert WRONG[name][1] in mypy_says[name]


@pytest.mark.timeout(180)
def test_mypy_takes_what_is_right(mypy_says: dict[str, str]) -> None:
    assert mypy_says["right"] == ""
