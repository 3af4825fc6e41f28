"""gcproto as a process of its own, as root or as the user `nobody`."""

import os
import shutil
import site
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
SETPRIV = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all")
COMMAND = (sys.executable, "-m", "gcproto.cli.main")


def run_gcproto(
    *args: str, timeout: float = 100, env: dict[str, str] | None = None, cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a gcproto command to its end."""
    return subprocess.run(
        [*COMMAND, *args],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **(env or {})},
        cwd=cwd,
    )


PROBE = "import subprocess, sys, gcproto._native, scipy, rich; subprocess.run([sys.executable, '-c', ''], check=True)"


def _works(python: str, env: dict[str, str]) -> bool:
    command = [*SETPRIV, python, "-c", PROBE]
    done = subprocess.run(command, capture_output=True, check=False, cwd="/", env={**os.environ, **env})
    return done.returncode == 0


@cache
def unprivileged_python() -> tuple[str, dict[str, str]] | None:
    """An interpreter and an environment with which the user `nobody` can run gcproto; None if there is none.

    A clone or an interpreter below root's home can't be reached by other users.  Then another interpreter of the same
    version is looked for, and packages that can't be reached are copied.
    """
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    pythons = [sys.executable, str(Path(sys.base_prefix) / "bin" / name), f"/usr/bin/{name}", f"/usr/local/bin/{name}"]
    packages = site.getsitepackages()[0]
    in_place = {"PYTHONPATH": f"{ROOT}:{packages}"}
    for env in ({}, in_place):
        for python in pythons:
            if _works(python, env):
                return python, env
    folder = Path(tempfile.mkdtemp(prefix="gcproto-nobody-"))
    folder.chmod(0o755)
    shutil.copytree(ROOT / "gcproto", folder / "src" / "gcproto")
    shutil.copytree(packages, folder / "packages")
    copied = {"PYTHONPATH": f"{folder / 'src'}:{folder / 'packages'}"}
    for python in pythons:
        if _works(python, copied):
            return python, copied
    shutil.rmtree(folder)
    return None


def run_unprivileged(*args: str, timeout: float = 100, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a gcproto command as the user `nobody`, in a folder that this user can't write."""
    found = unprivileged_python()
    assert found, "the marker `needs('nobody')` comes first"
    python, env = found
    return subprocess.run(
        [*SETPRIV, python, "-m", "gcproto.cli.main", *args],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **env, "HOME": "/"},
        cwd=cwd,
    )
