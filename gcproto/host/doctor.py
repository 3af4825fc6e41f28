"""The doctor: what this machine can do, which known bugs its kernel has, and which scenarios these disable."""

import platform
from dataclasses import dataclass

import msgspec

from gcproto._native import ffi, lib
from gcproto.host import probes, refusals
from gcproto.host.capability import Capability
from gcproto.host.kernel_files import read
from gcproto.known.bugs import BUGS, Harm, State
from gcproto.known.version import running
from gcproto.rows import SWAP_SOURCES, arms_with

LIVELOCK_TIMEOUT_MS = 2000
RETRY_PAGES = 30_000

MOVE_ARMS = frozenset(arms_with(lib.GCP_ARM_MOVES))


class BugState(msgspec.Struct):
    """A known bug, judged for the running kernel.

    Attributes:
        key, title, effect, harm: see gcproto.known.bugs.
        state: the known state.
        evidence: the version, or the observation when it was provoked.

    """

    key: str
    title: str
    effect: str
    harm: str
    state: str
    evidence: str

    @property
    def may_bite(self) -> bool:
        """Whether it may affect this kernel."""
        return self.state in {State.PRESENT, State.BY_VERSION}


@dataclass(frozen=True)
class ScenarioOff:
    """Scenarios that are not run here.

    Args:
        text: the scenarios, in words.
        reason: the reason; remedy: what to do.
        arms: arms that are off; None means all.
        sources: sources that are off; None means all.
        large_only: only sources of large folios.
        forcible: ``bench --force`` still runs them.

    """

    text: str
    reason: str
    remedy: str = ""
    arms: frozenset[str] | None = None
    sources: frozenset[str] | None = None
    large_only: bool = False
    forcible: bool = False

    def matches(self, source: str, order: int, arm: str) -> bool:
        """Whether a scenario is among these."""
        if self.arms is not None and arm not in self.arms:
            return False
        if self.sources is not None and source not in self.sources:
            return False
        return order > 0 or not self.large_only


@dataclass
class Survey:
    """The doctor's report.

    Args:
        kernel: release.
        via: how userfaultfd can be opened (``lib.GCP_VIA_*``); via_reason: why it can't.
        rows: capabilities.
        bugs: known bugs.
        scenarios_off: scenarios that are not run here.

    """

    kernel: str
    via: int
    via_reason: str
    rows: list[Capability]
    bugs: list[BugState]
    scenarios_off: list[ScenarioOff]


def survey() -> Survey:
    """Examine this machine; takes a few milliseconds, or two seconds if MOVE livelocks."""
    offer = probes.offer()
    rows = [
        *probes.userfaultfd(offer),
        *refusals.refusals(offer, refusals.process()),
        *probes.folios(),
        *probes.swap(),
        *probes.proof(),
        *probes.machine(),
    ]
    bugs = _bugs(has_move=offer.move_err == 0)
    via_reason = f"device node: {probes.error_text(offer.device_err)}; " if offer.device_err else ""
    via_reason += f"system call: {probes.error_text(offer.user_err)}" if offer.user_err else ""
    return Survey(
        platform.release(),
        int(offer.via),
        via_reason,
        rows,
        bugs,
        _scenarios_off(int(offer.move_err), rows, {bug.key: bug for bug in bugs}),
    )


def _bugs(*, has_move: bool) -> list[BugState]:
    if not has_move:
        return []
    version = running()
    found = []
    for bug in BUGS:
        state, evidence = bug.state_by_version(version), f"version {version}"
        if bug.probe == "livelock":
            state, evidence = _livelock(state, evidence)
        elif bug.probe == "retry" and state is State.BY_VERSION:
            state, evidence = _retry(state, evidence)
        elif bug.probe.startswith("symbol ") and state is State.BY_VERSION:
            state, evidence = _symbol(bug.probe.removeprefix("symbol "), state, evidence)
        found.append(BugState(bug.key, bug.title, bug.effect, bug.harm, state, evidence))
    return found


def _livelock(state: State, evidence: str) -> tuple[State, str]:
    """Provoke it in a child under a watchdog, because vendors carry this fix earlier than its release."""
    err = ffi.new("int32_t *")
    seen = lib.gcp_ability_livelock(LIVELOCK_TIMEOUT_MS, err)
    if seen == lib.GCP_LIVELOCK_NO:
        return State.FIXED, "provoked: EBUSY at once"
    if seen == lib.GCP_LIVELOCK_YES:
        return State.PRESENT, f"provoked: killed after {LIVELOCK_TIMEOUT_MS} ms"
    if seen == lib.GCP_LIVELOCK_OTHER:
        what = probes.error_text(int(err[0])) if err[0] else "the page was moved"
        return state, f"{evidence}; provoked: {what}"
    return state, f"{evidence}; could not be provoked: {probes.error_text(int(err[0]))}"


def _retry(state: State, evidence: str) -> tuple[State, str]:
    """Provoke it with one mover, while another thread changes the accessed bits of its pages; harmless."""
    moved, refused = ffi.new("uint64_t *"), ffi.new("uint64_t *")
    err = lib.gcp_ability_retry(RETRY_PAGES, probes.PAGE_SIZE, moved, refused)
    if err:
        return state, f"{evidence}; could not be provoked: {probes.error_text(-int(err))}"
    if int(refused[0]):
        return State.PRESENT, f"provoked: EEXIST for a page that had moved, after {int(moved[0])} others"
    return state, f"{evidence}; not provoked in {int(moved[0])} moves"


def _symbol(name: str, state: State, evidence: str) -> tuple[State, str]:
    """Look for a function that came with a fix. Any user can read its name, unlike its address."""
    symbols = read("/proc/kallsyms")
    if symbols is None:
        return state, f"{evidence}; /proc/kallsyms can't be read"
    if any(line.split()[2] == name for line in symbols.splitlines() if name in line):
        return State.FIXED, f"backported: the kernel has {name}()"
    return State.PRESENT, f"the kernel has no {name}()"


def _scenarios_off(move_err: int, rows: list[Capability], bugs: dict[str, BugState]) -> list[ScenarioOff]:
    off = []
    if move_err:
        why = f"UFFDIO_MOVE does not work here: {probes.error_text(move_err)}"
        off.append(ScenarioOff("every arm that moves", why, "use a kernel from 6.8 on", arms=MOVE_ARMS))
    by_name = {row.name: row for row in rows}
    for name, arms, sources in (
        ("mremap DONTUNMAP", frozenset({"mremap"}), None),
        ("io_uring fixed buffers", None, frozenset({"pinned"})),
        ("zram", None, SWAP_SOURCES),
    ):
        row = by_name[name]
        if not row.able:
            text = f"arm {next(iter(arms))}" if arms else f"sources {', '.join(sorted(sources or ()))}"
            off.append(ScenarioOff(text, f"{name}: {row.reason}", row.remedy, arms=arms, sources=sources))
    force = "run it in a guest, or add --force"

    def bug_off(key: str, text: str, sources: frozenset[str], *, large_only: bool) -> None:
        bug = bugs.get(key)
        if bug and bug.may_bite:
            reason = f"{bug.effect} ({Harm(bug.harm)}): {bug.state}, {bug.evidence}; fixed by {bug.title!r}"
            off.append(ScenarioOff(text, reason, force, MOVE_ARMS, sources, large_only, forcible=True))

    bug_off("livelock-references", "moves of pinned large folios", frozenset({"pinned"}), large_only=True)
    bug_off("swapcache-rmap", "moves of swapped pages", SWAP_SOURCES, large_only=False)
    bug_off("swapcache-race", "moves of swapped pages", SWAP_SOURCES, large_only=False)
    return off
