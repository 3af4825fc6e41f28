"""The doctor: every no has its reason, bugs are judged by behaviour where that is harmless, nothing needs root."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcproto._native import ffi, lib
from gcproto.host import environment
from gcproto.host.doctor import MOVE_ARMS, ScenarioOff, _symbol, survey
from gcproto.host.machine import machine
from gcproto.known.bugs import BUGS, State
from gcproto.known.version import KernelVersion, parse, running
from tests.support.processes import run_gcproto, run_unprivileged

BY_KEY = {bug.key: bug for bug in BUGS}


@given(st.integers(2, 99), st.integers(0, 99), st.integers(0, 999), st.sampled_from(["", "-1-amd64", "-rc3+", "+"]))
def test_versions(major: int, minor: int, patch: int, rest: str) -> None:
    assert parse(f"{major}.{minor}.{patch}{rest}") == (major, minor, patch)
    assert parse(f"{major}.{minor}{rest}") == (major, minor, 0)


def test_no_version() -> None:
    with pytest.raises(ValueError, match="no version"):
        parse("next-20261124")


@pytest.mark.parametrize(
    ("key", "version", "state"),
    [
        ("swapcache-rmap", (6, 7, 0), State.ABSENT),
        ("swapcache-rmap", (6, 8, 0), State.BY_VERSION),
        ("swapcache-rmap", (6, 12, 19), State.BY_VERSION),
        ("swapcache-rmap", (6, 12, 20), State.FIXED),
        ("swapcache-rmap", (6, 11, 99), State.BY_VERSION),
        ("swapcache-rmap", (6, 14, 0), State.FIXED),
        ("huge-zero-pfn", (6, 15, 0), State.ABSENT),
        ("huge-zero-pfn", (6, 18, 19), State.BY_VERSION),
        ("huge-zero-pfn", (6, 18, 20), State.FIXED),
        ("huge-zero-pfn", (6, 19, 9), State.BY_VERSION),
        ("huge-zero-pfn", (6, 19, 10), State.FIXED),
        ("livelock-references", (7, 3, 3), State.BY_VERSION),
        ("livelock-references", (7, 3, 4), State.FIXED),
        ("livelock-references", (6, 12, 118), State.FIXED),
        ("retry-eexist", (6, 17, 13), State.ABSENT),
        ("retry-eexist", (6, 18, 50), State.BY_VERSION),
        ("retry-eexist", (6, 18, 51), State.FIXED),
        ("retry-eexist", (7, 0, 13), State.BY_VERSION),
        ("retry-eexist", (7, 2, 4), State.BY_VERSION),
        ("retry-eexist", (7, 2, 5), State.FIXED),
        ("retry-eexist", (7, 3, 0), State.FIXED),
        ("uffd-wp-swap", (9, 0, 0), State.BY_VERSION),
    ],
)
def test_bugs_by_version(key: str, version: tuple[int, int, int], state: State) -> None:
    assert BY_KEY[key].state_by_version(KernelVersion(*version)) is state


def test_bugs_have_their_cve() -> None:
    """A reader searches for the number that the advisory has."""
    for key, cve in (
        ("huge-pmd-checks", "CVE-2024-46787"),
        ("swapcache-rmap", "CVE-2025-21984"),
        ("swapcache-race", "CVE-2025-38242"),
        ("pmd-migration", "CVE-2025-38686"),
        ("unpinned-recheck", "CVE-2024-27007"),
        ("huge-zero-pfn", "CVE-2026-31397"),
    ):
        assert cve in BY_KEY[key].title


def test_every_no_has_a_reason() -> None:
    found = survey()
    groups = {row.group for row in found.rows}
    assert groups == {"userfaultfd", "who refuses", "folios", "swap", "proof", "machine"}
    for row in found.rows:
        assert row.able or row.reason, row
    names = {row.name for row in found.rows}
    assert {"UFFDIO_MOVE", "feature SIGBUS", "/dev/userfaultfd", "zram", "loop device", "/proc/kpageflags"} <= names


@pytest.mark.needs("move", "io_uring", "thp")
def test_the_livelock_is_asked_of_the_kernel() -> None:
    """Either EBUSY at once, or the child had to be killed; never a guess."""
    err = ffi.new("int32_t *")
    seen = lib.gcp_ability_livelock(3000, err)
    assert seen in {lib.GCP_LIVELOCK_NO, lib.GCP_LIVELOCK_YES}
    bug = next(bug for bug in survey().bugs if bug.key == "livelock-references")
    assert bug.evidence.startswith("provoked")
    assert bug.state == (State.FIXED if seen == lib.GCP_LIVELOCK_NO else State.PRESENT)


@pytest.mark.needs("move", "io_uring", "thp")
def test_a_slow_machine_is_no_livelock() -> None:
    """What comes before MOVE takes more than a millisecond on any machine."""
    err = ffi.new("int32_t *")
    assert lib.gcp_ability_livelock(1, err) == lib.gcp_ability_livelock(3000, err)


@pytest.mark.needs("move", "two_cpus")
def test_a_move_that_denies_itself_is_provoked() -> None:
    """One mover, no other thread at the destination: EEXIST can only be the kernel's own."""
    moved, refused = ffi.new("uint64_t *"), ffi.new("uint64_t *")
    for granule in (1, 16):
        assert lib.gcp_ability_retry(5000, granule * machine().page_size, moved, refused) == 0, (
            "contents are right in any case"
        )
    bug = next(bug for bug in survey().bugs if bug.key == "retry-eexist")
    if running() < (6, 18, 0):
        assert bug.state == State.ABSENT
    else:
        assert "provoked" in bug.evidence


def test_a_backport_shows_in_the_kernels_symbols() -> None:
    """On any kernel: what the version can't tell, a function that is there or not does."""
    state, evidence = _symbol("move_pages_ptes_no_such", State.BY_VERSION, "version 6.12.0")
    assert state in {State.PRESENT, State.BY_VERSION}
    if state is State.PRESENT:
        assert "no move_pages_ptes_no_such" in evidence
        assert _symbol("kallsyms_lookup_name", State.BY_VERSION, "")[0] is State.FIXED


def test_scenarios_off_match() -> None:
    off = ScenarioOff("x", "y", arms=MOVE_ARMS, sources=frozenset({"pinned"}), large_only=True)
    assert off.matches("pinned", 9, "move")
    assert not off.matches("pinned", 0, "move")
    assert not off.matches("small", 9, "move")
    assert not off.matches("pinned", 9, "copy")


def test_json() -> None:
    done = run_gcproto("doctor", "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert set(document) == {"schema", "kernel", "capabilities", "bugs", "scenarios_off"}


@pytest.mark.needs("nobody")
def test_without_root(tmp_path: Path) -> None:
    done = run_unprivileged("doctor", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)["capabilities"]}
    for name in ("root", "zram", "loop device", "page frame numbers"):
        assert rows[name]["able"] is False
        assert rows[name]["reason"]
        assert rows[name]["remedy"]
    text = run_unprivileged("doctor", cwd=tmp_path)
    assert text.returncode == 0
    assert "what to do: run as root" in " ".join(text.stdout.split())


def test_environment_names_what_a_reader_will_ask() -> None:
    found = environment.capture()
    assert found["kernel"]["release"]
    assert found["cpu"]["model"]
    assert found["page_size"] >= 4096
    assert set(found["build"]) == {"hash", "compiler", "flags", "git"}
    assert found["thp"]["enabled"]
    json.dumps(found)
