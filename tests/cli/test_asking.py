"""What a machine lacks is asked before anything is measured: privileges, memory, a folder for compiled code."""

import fcntl
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcproto.claims.needs import missing
from gcproto.errors import ExitCode, GcprotoError
from gcproto.host import memory
from gcproto.host.doctor import survey
from gcproto.process import cache_folder
from tests.support.processes import COMMAND, NOBODY, run_unprivileged

SECONDS = 30
"""What is refused at once takes less, however busy the machine is."""
MIB = 1 << 20


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder of the user `nobody`, which pytest's own are not."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp())
    os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.needs("nobody", "move")
class TestUnprivileged:
    def test_claims_judge_the_rest(self, open_folder: Path) -> None:
        for _ in range(3):  # a machine that is disturbed leaves claims without rounds: that says nothing about rights
            done = run_unprivileged("claims", "T1", "T5", "T16", "--out", str(open_folder), cwd=Path("/"))
            if "INVALID: too many rounds" not in " ".join(done.stdout.split()):
                break
        assert done.returncode == ExitCode.OK, done.stderr
        assert "claim T5 can't be judged here" in done.stderr.partition("measuring")[0], "it is asked before"
        text = " ".join(done.stdout.split())
        assert re.search(r"T1 in part .* page frame numbers can't be read here", text)
        assert re.search(r"T5 not testable here .* not root", text)
        assert re.search(r"T16 (confirmed|refuted|in part)", text)

    def test_claims_of_which_none_can_be_judged(self, open_folder: Path) -> None:
        done = run_unprivileged("claims", "T5", "--out", str(open_folder), cwd=Path("/"), timeout=SECONDS)
        assert done.returncode == ExitCode.UNABLE
        assert "no claim could be judged here" in done.stderr

    def test_predict_refuses_at_once(self, open_folder: Path) -> None:
        done = run_unprivileged("predict", "--out", str(open_folder), cwd=Path("/"), timeout=SECONDS)
        assert done.returncode == ExitCode.UNABLE
        assert "changes folio sizes" in done.stderr
        assert "why: this user is not root" in done.stderr
        assert list(open_folder.iterdir()) == []

    @pytest.mark.timeout(200)
    def test_a_heap_without_a_home(self, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TMPDIR", str(open_folder))
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
        words = (
            "gc",
            "--live",
            "1m",
            "--heap",
            "4x",
            "--operations",
            "2000",
            "--rounds",
            "1",
            "--modes",
            "copy,memmove",
        )
        done = run_unprivileged(*words, "--out", str(open_folder / "r"), cwd=Path("/"), timeout=180)
        assert done.returncode == ExitCode.OK, done.stderr
        folder = open_folder / f"gcproto-{NOBODY}"
        assert done.stderr.count(f"files kept between runs are in {folder}: ") == 1
        assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (NOBODY, 0o700)
        again = run_unprivileged(*words, "--out", str(open_folder / "r"), cwd=Path("/"), timeout=180)
        assert "compiling" not in again.stderr


def test_needs_are_words_that_are_known() -> None:
    from gcproto.claims.needs import CAPABILITIES
    from gcproto.claims.rows import CLAIMS

    found = survey()
    names = {row.name for row in found.rows}
    assert set(CAPABILITIES.values()) <= names
    for claim in CLAIMS:
        assert set(claim.needs) <= {*CAPABILITIES, "folios", "thp"}
        missing(claim, found)


class TestCacheFolder:
    def test_a_folder_of_this_user(self, tmp_path: Path) -> None:
        assert cache_folder.objection(tmp_path / "new") == ""
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700

    @pytest.mark.needs("root")
    def test_of_another_user(self, tmp_path: Path) -> None:
        (tmp_path / "theirs").mkdir()
        os.chown(tmp_path / "theirs", NOBODY, NOBODY)
        assert "belongs to another user" in cache_folder.objection(tmp_path / "theirs")

    def test_that_others_can_write(self, tmp_path: Path) -> None:
        (tmp_path / "open").mkdir()
        (tmp_path / "open").chmod(0o777)
        assert "can be written by other users" in cache_folder.objection(tmp_path / "open")

    def test_a_link_where_everybody_may_write(self, tmp_path: Path) -> None:
        (tmp_path / "mine").mkdir(mode=0o700)
        (tmp_path / "link").symlink_to(tmp_path / "mine")
        assert cache_folder.objection(tmp_path / "link", private=True)
        assert cache_folder.objection(tmp_path / "mine", private=True) == ""

    def test_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert "can't be made" in cache_folder.objection(tmp_path / "file")


def hierarchy(folder: Path, kind: str, limits: dict[str, str], used: int, cache: int = 0) -> Path:
    """A process's files in /proc, and memory cgroups of which each has its limit.

    Args:
        folder: for all of it.
        kind: ``cgroup2``, or ``memory`` of v1.
        limits: by path below the mount, as its file says.
        used: bytes, of each group.
        cache: of them, those that it can drop.

    """
    place = folder / "a mount"
    two = kind == "cgroup2"
    for path, limit in limits.items():
        group = place / path.strip("/")
        group.mkdir(parents=True, exist_ok=True)
        (group / ("memory.max" if two else "memory.limit_in_bytes")).write_text(f"{limit}\n")
        (group / ("memory.current" if two else "memory.usage_in_bytes")).write_text(f"{used}\n")
        name = "inactive_file" if two else "total_inactive_file"
        (group / "memory.stat").write_text(f"anon 1\n{name} {cache}\n")
    proc = folder / "proc"
    proc.mkdir()
    own = max(limits, key=len)
    (proc / "cgroup").write_text(f"0::{own}\n" if two else f"5:cpu:/x\n4:memory:{own}\n0::/\n")
    mounted = str(place).replace(" ", "\\040")
    what = "cgroup2 cgroup2 rw" if two else "cgroup cgroup rw,memory"
    (proc / "mountinfo").write_text(f"31 23 0:28 / {mounted} rw,relatime - {what}\n")
    return proc


class TestCgroups:
    @pytest.mark.parametrize(("kind", "unlimited"), [("cgroup2", "max"), ("memory", "9223372036854771712")])
    def test_the_least_of_all_levels(self, kind: str, unlimited: str, tmp_path: Path) -> None:
        limits = {"/": unlimited, "/upper": str(100 * MIB), "/upper/own": str(300 * MIB)}
        found = list(memory.cgroups(hierarchy(tmp_path, kind, limits, 40 * MIB, 10 * MIB)))
        assert sorted(one.bytes // MIB for one in found) == [70, 270]
        assert "upper" in min(found, key=lambda one: one.bytes).limit

    @pytest.mark.parametrize(("kind", "unlimited"), [("cgroup2", "max"), ("memory", "9223372036854771712")])
    def test_no_limit(self, kind: str, unlimited: str, tmp_path: Path) -> None:
        assert list(memory.cgroups(hierarchy(tmp_path, kind, {"/own": unlimited}, MIB))) == []

    def test_more_used_than_allowed(self, tmp_path: Path) -> None:
        (room,) = memory.cgroups(hierarchy(tmp_path, "cgroup2", {"/own": str(MIB)}, 2 * MIB))
        assert room.bytes == 0

    def test_a_container_sees_a_part(self, tmp_path: Path) -> None:
        """Of a part that is mounted, the group's name has the part's root before it."""
        proc = hierarchy(tmp_path, "cgroup2", {"/own": str(100 * MIB)}, 0)
        (proc / "cgroup").write_text("0::/docker/abc/own\n")
        mounts = (proc / "mountinfo").read_text()
        (proc / "mountinfo").write_text(mounts.replace("0:28 / ", "0:28 /docker/abc "))
        (room,) = memory.cgroups(proc)
        assert room.bytes == 100 * MIB

    def test_nothing_is_known(self, tmp_path: Path) -> None:
        assert list(memory.cgroups(tmp_path)) == []

    def test_what_does_not_fit_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(memory, "cgroups", lambda: iter([memory.Room(300 * MIB, "memory.max is 300 MiB")]))
        memory.need("a heap", 100 * MIB, "choose less")
        with pytest.raises(GcprotoError, match="a heap does not fit") as caught:
            memory.need("a heap", 200 * MIB, "choose less")
        assert "memory.max is 300 MiB" in caught.value.why
        assert caught.value.code == ExitCode.UNABLE


def memory_group() -> Path | None:
    """A new memory cgroup that this process may make; None where it may not."""
    for top in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
        if not (top / "cgroup.procs").exists():
            continue
        group = top / f"gcproto-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        if (group / "memory.max").exists() or (group / "memory.limit_in_bytes").exists():
            return group
        group.rmdir()
    return None


@pytest.mark.needs("root", "move")
@pytest.mark.parametrize(
    "words",
    [("gc", "--live", "64m"), ("gc", "policies", "--live", "64m"), ("gc", "window"), ("bench", "--size", "128m")],
    ids=" ".join,
)
def test_a_cgroup_smaller_than_the_heap(words: tuple[str, ...], tmp_path: Path) -> None:
    group = memory_group()
    if group is None:
        pytest.skip("no memory cgroup can be made")
    limit = next(path for name in ("memory.max", "memory.limit_in_bytes") if (path := group / name).exists())
    limit.write_text(str(150 * MIB))
    try:
        done = subprocess.run(
            [*COMMAND, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            cwd=tmp_path,
            preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())),
        )
    finally:
        group.rmdir()
    assert done.returncode == ExitCode.UNABLE, done.stderr
    assert "does not fit" in done.stderr
    assert f"{limit} is 150 MiB" in done.stderr


@pytest.mark.needs("nobody")
def test_a_run_that_lives_has_left_nothing_behind() -> None:
    """Without privilege too: its journal is there, and so is its lock."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "journal.json").write_text('{"pid":1,"undo":[]}')
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.environ["GCPROTO_STATE"] = str(folder)
            lives = run_unprivileged("doctor", cwd=Path("/"))
        died = run_unprivileged("doctor", cwd=Path("/"))
    finally:
        del os.environ["GCPROTO_STATE"]
        shutil.rmtree(folder)
    assert "has died" not in lives.stderr
    assert "settings changed" not in lives.stderr
    assert "a run of root that died has left settings changed" in died.stderr
    assert lives.returncode == died.returncode == ExitCode.OK
