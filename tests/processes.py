"""gcproto as a process of its own, as root or as nobody."""

import os
import shutil
import site
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
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


@cache
def _reachable_copy() -> tuple[str, dict[str, str]]:
    """An interpreter and an environment with which nobody can import gcproto.

    A clone below a home folder can't be read by other users; what they need is copied then.
    """
    done = subprocess.run(
        [*SETPRIV, sys.executable, "-c", "import gcproto._native, scipy, rich, click"],
        capture_output=True,
        check=False,
        cwd="/",
    )
    if done.returncode == 0:
        return sys.executable, {}
    folder = Path(tempfile.mkdtemp(prefix="gcproto-nobody-"))
    folder.chmod(0o755)
    shutil.copytree(ROOT / "gcproto", folder / "src" / "gcproto")
    shutil.copytree(site.getsitepackages()[0], folder / "packages")
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    return str(base), {"PYTHONPATH": f"{folder / 'src'}:{folder / 'packages'}"}


def run_unprivileged(*args: str, timeout: float = 100, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a gcproto command as nobody, in a folder that nobody can write."""
    python, env = _reachable_copy()
    return subprocess.run(
        [*SETPRIV, python, "-m", "gcproto.cli.main", *args],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **env, "HOME": "/"},
        cwd=cwd,
    )
