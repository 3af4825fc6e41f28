"""A root file system for guests of another architecture: what belongs into it, and how guests get it."""

from pathlib import Path

import pytest

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.architecture import AMD64, ARM64
from gcproto.kernels.guest import host_files, root
from gcproto.kernels.guest.script import Measure
from gcproto.kernels.guest.sizes import Sizes
from gcproto.kernels.run import heap
from gcproto.results.schema import UNIT_INSTRUCTIONS
from tests.support.processes import run_gcproto

LOCK = """\
click==8.5.1 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via gcproto (pyproject.toml)
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:cc
    # via numba
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:dd
pycparser==3.12 ; implementation_name != 'PyPy' \\
    --hash=sha256:ee
"""


def test_entries_are_those_of_the_guests_python() -> None:
    assert root.locked(LOCK) == {
        "click": "click==8.5.1 --hash=sha256:aa --hash=sha256:bb\n",
        "numpy": "numpy==2.4.6 --hash=sha256:cc\n",
        "pycparser": "pycparser==3.12 --hash=sha256:ee\n",
    }
    assert root.locked(LOCK, "3.13")["numpy"].startswith("numpy==2.5.5 ")


def test_every_entry_of_the_lock_file_is_read_with_its_hashes() -> None:
    text = root.lock_file().read_text(encoding="utf-8")
    found = root.locked(text)
    names = {line.split("==")[0] for line in text.splitlines() if line[:1].isalpha()}
    assert found.keys() == names
    assert all(" --hash=sha256:" in entry for entry in found.values())
    assert {root.FROM_SOURCE, *root.NOT_NEEDED} <= names


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GcprotoError, match="mmdebstrap is not installed") as caught:
        root.make(ARM64)
    assert "apt-get install --no-install-recommends mmdebstrap" in str(caught.value)
    made = root.Root(tmp_path, "/usr/bin/python3.11", "/opt/x")
    with pytest.raises(GcprotoError, match="qemu-aarch64-static is not installed"):
        root.compiled(made, ARM64, 4096, ("trees",))


def test_a_root_that_does_not_run_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = tmp_path / "qemu-aarch64-static"
    emulator.write_text("#!/bin/sh\necho no such file >&2\nexit 1\n")
    emulator.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(GcprotoError, match="can't be compiled for guests of arm64") as caught:
        root.compiled(root.Root(tmp_path, "/usr/bin/python3.11", "/opt/x"), ARM64, 16384, ("trees",))
    assert "no such file" in str(caught.value)


def test_guests_of_this_machines_kind_need_none() -> None:
    assert heap.root_of(AMD64) is None
    done = run_gcproto("kernels", "root")
    assert done.returncode == ExitCode.USAGE
    assert "guests of amd64 need no root file system" in " ".join(done.stderr.split())


def test_the_guest_sees_the_root_and_nothing_above_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_files, "daemon", lambda: None)
    with host_files.shared(tmp_path, 512, "/a/root") as words:
        assert any("path=/a/root,readonly=on" in word for word in words)
    for program in ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"):
        (where,) = [word for word in host_files._words(Path(program), Path("/s"), "/a/root") if "/a/root" in word]
        assert where.endswith("=/a/root")


def test_the_script_uses_the_roots_python_and_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def compiled(made: root.Root, _architecture: object, page_size: int, _workloads: object) -> Path:
        asked.append(page_size)
        return made.folder / "opt/compiled/0123"

    monkeypatch.setattr(root, "compiled", compiled)
    made = root.Root(tmp_path, "/usr/bin/python3.11", "/opt/gcproto-1:/opt/site")
    script = heap.script(Measure(21, 2, 512, UNIT_INSTRUCTIONS, 7, Sizes(16384)), 2, made, ARM64)
    assert asked == [16384]
    jobs = {job.name: job.command for job in script.jobs}
    assert jobs["bring-compiled"] == ("/bin/cp", "-r", "/opt/compiled/0123", heap.IN_GUEST)
    for name in ("window", "workload"):
        assert "/usr/bin/python3.11" in jobs[name]
        assert "PYTHONPATH=/opt/gcproto-1:/opt/site" in jobs[name]
