"""The contract of UFFDIO_MOVE on this kernel, row by row, and the runner that watches over the rows."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from gcproto.contract import Row, RowResult, Verdict, find, ktap, rows, run_drill, run_row
from gcproto.contract.run import seen
from gcproto.errors import GcprotoError
from gcproto.host.kernel_files import mthp_files, read
from gcproto.host.machine import machine
from gcproto.host.settings import Settings
from gcproto.host.swap_devices import active
from gcproto.kernels.guest import transcript
from gcproto.results.schema import ContractExperiment, ContractRow, Result
from gcproto.results.store import load
from tests.conftest import NEEDS, skip_or_fail
from tests.support.processes import ROOT, run_gcproto

T = TypeVar("T")

ROWS = rows()
SWAP_BYTES = 64 << 20
MTHP_ORDERS = [order for order in machine().anon_orders if order < machine().pmd_order and order > 1]
WORDS = {"root", "pfn", "thp", "mthp", "io_uring", "zram", "loop", "pkeys", "hugetlb", "guard", "soft_dirty", "uffd_wp"}
WORDS |= {"secretmem", "rwp", "memcg"}


@pytest.fixture
def settings() -> Iterator[Settings]:
    """Settings of the machine, put back after the row; for users who may not change them, as they are."""
    with Settings() as opened:
        if opened.may_change():
            opened.quiet_khugepaged()
        yield opened


def enable(settings: Settings, order: int) -> None:
    files = mthp_files()
    size_kib = (machine().page_size << order) // 1024
    if size_kib in files:
        settings.set(files[size_kib], "madvise")


def provide(settings: Settings, row: Row, stack: ExitStack) -> None:
    """Make the settings that a row needs; if one is unavailable, the row says so when it skips."""
    if not settings.may_change():
        return
    if "thp" in row.needs:
        enable(settings, machine().pmd_order)
    if "mthp" in row.needs and MTHP_ORDERS:
        enable(settings, MTHP_ORDERS[len(MTHP_ORDERS) // 2 - 1])
    if "zram" in row.needs:
        stack.enter_context(settings.swap_zram(SWAP_BYTES))
    if "loop" in row.needs:
        stack.enter_context(settings.swap_loop(SWAP_BYTES))
    if "memcg" in row.needs:
        stack.enter_context(settings.memory_group())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row(row: Row, settings: Settings) -> None:
    # A feature of the kernel that no setting brings is never required, whatever else its row needs.
    features = tuple(word for word in row.needs if word not in NEEDS)
    needs = features or row.needs or ("move",)
    with ExitStack() as stack:
        try:
            provide(settings, row, stack)
        except GcprotoError as error:
            skip_or_fail(needs, str(error))
        result = run_row(row.index)
    if result.verdict == Verdict.SKIP:
        skip_or_fail(needs, result.text)
    assert result.verdict == Verdict.OK, f"{row.rule}: {result.text} (kernels: {row.kernels or 'all alike'})"


@pytest.mark.needs("move", "pfn", "mthp")
@pytest.mark.parametrize("order", MTHP_ORDERS)
def test_mthp_rows_with_every_order(order: int, settings: Settings) -> None:
    """Each row for mTHP that needs no swap device, with folios of this one order."""
    settings.mthp_only(order)
    chosen = [row for row in ROWS if "mthp" in row.needs and not {"zram", "loop"} & set(row.needs)]
    assert len(chosen) > 10
    results = [run_row(row.index) for row in chosen]
    assert [(one.row.name, one.text) for one in results if one.verdict != Verdict.OK] == []
    orders = {int(found[1]) for one in results if (found := re.search(r"order (\d+)", one.text))}
    assert orders == {order}, "the rows found the order that is enabled"


def test_rows_are_well_formed() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    for row in ROWS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.name)
        assert re.match(r"[A-Z]|(munmap|mremap|fork) ", row.rule)
        assert not re.search(r"[#\n]|\.$", row.rule), "KTAP: one line, and # begins a directive"
        assert set(row.needs) <= WORDS
        assert find(row.name) == row


def test_no_collector_gives_memory_back_lazily() -> None:
    """A lazily freed page that moves may be dropped at its destination (`lazyfree-clean`): only the row makes any."""
    sources = [*(ROOT / "native").rglob("*.[ch]"), *(ROOT / "gcproto").rglob("*.py")]
    lazy = {path.relative_to(ROOT).parts[:2] for path in sources if re.search(r"\bMADV_FREE\b", path.read_text())}
    assert lazy == {("native", "contract")}
    assert "MADV_DONTNEED" in (ROOT / "native/base/platform.c").read_text(), "how gcp_region_discard gives it back"


def test_rows_that_are_not_there() -> None:
    with pytest.raises(KeyError):
        find("no-such-row")
    for index in (-1, len(ROWS)):
        with pytest.raises(IndexError):
            run_row(index)
    with pytest.raises(OSError, match="No such file"):
        run_drill("no-such-drill")


@pytest.mark.parametrize(
    ("name", "verdict", "text"),
    [
        ("passes", Verdict.OK, r"one of two ways"),
        ("differs", Verdict.DIFFERS, r"seen 1, expected 2"),
        ("skips", Verdict.SKIP, r"nothing here"),
        ("crashes", Verdict.CRASH, rf"signal {int(signal.SIGSEGV)} "),
        ("crashes-after-a-warning", Verdict.CRASH, rf"signal {int(signal.SIGBUS)} "),
        ("leaves", Verdict.CRASH, r"exit code 7 and no verdict"),
    ],
)
def test_endings_of_a_row(name: str, verdict: Verdict, text: str) -> None:
    before = python_children()
    result = run_drill(name)
    assert result.verdict == verdict
    assert re.search(text, result.text)
    assert result.attempts == 1
    assert python_children() <= before, "the runner has waited for each row that it started"


@pytest.mark.parametrize(("name", "told"), [("finds-its-own-page", True), ("finds-another-page", False)])
@pytest.mark.needs("move")
def test_a_page_that_was_moved_and_not_counted_is_told(name: str, told: bool) -> None:
    result = run_drill(name)
    assert result.verdict == Verdict.DIFFERS
    assert "MOVE gave EEXIST, move -17; expected success" in result.text
    assert ("not counted (retry-eexist)" in result.text) == told


@pytest.mark.parametrize("name", ["hangs", "hangs-stubbornly"])
def test_a_row_that_hangs_is_killed(name: str) -> None:
    before = python_children()
    begin = time.monotonic()
    result = run_drill(name, timeout_ms=300)
    elapsed = time.monotonic() - begin
    assert result.verdict == Verdict.HANG
    assert "killed after 300 ms" in result.text
    assert 0.3 <= result.seconds <= elapsed < 5
    assert python_children() <= before, "the runner has waited for each row that it started"


def test_a_documented_hang_is_no_failure() -> None:
    result = run_drill("hangs-as-documented", timeout_ms=300)
    assert (result.verdict, result.text) == (Verdict.OK, "a documented bug")


def test_a_disturbed_counter_is_looked_at_again() -> None:
    result = run_drill("is-disturbed")
    assert (result.verdict, result.attempts) == (Verdict.DIFFERS, 3)


def test_a_row_dies_with_its_runner() -> None:
    code = "import gcproto.contract as c; c.run_drill('hangs-stubbornly', 100_000)"
    runner = subprocess.Popen([sys.executable, "-c", code])
    children = Path(f"/proc/{runner.pid}/task/{runner.pid}/children")
    try:
        row = wait_for(lambda: children.read_text().split())[0]
        sharer = wait_for(lambda: Path(f"/proc/{row}/task/{row}/children").read_text().split())[0]
    finally:
        runner.kill()
        runner.wait()
    wait_for(lambda: all(is_gone(pid) for pid in (row, sharer)))


def wait_for(condition: Callable[[], T]) -> T:
    for _ in range(500):
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("did not happen within 5 s")


def is_gone(pid: str) -> bool:
    """Whether a process has ended; one that no process has waited for yet is a zombie."""
    stat = read(f"/proc/{pid}/stat")
    return stat is None or stat.rpartition(")")[2].split()[0] == "Z"


def python_children() -> set[str]:
    """Processes of Python that this one started and has not waited for, such as a helper of another test's workers."""
    own = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {pid for pid in own if (read(f"/proc/{pid}/comm") or "").startswith(("python", "pytest"))}


def parse_ktap(text: str) -> dict[str, tuple[bool, str]]:
    """Name to (ok, what comes after the #); checks the version, the plan and the numbers."""
    lines = text.splitlines()
    assert lines[0] == "KTAP version 1"
    plan = re.fullmatch(r"1\.\.(\d+)", lines[1])
    assert plan
    found: dict[str, tuple[bool, str]] = {}
    for line in lines[2:]:
        if line.startswith("# "):
            continue
        one = re.fullmatch(r"(ok|not ok) (\d+) ([a-z0-9-]+) # (.+)", line)
        assert one, line
        assert int(one[2]) == len(found) + 1
        found[one[3]] = (one[1] == "ok", one[4])
    assert len(found) == int(plan[1])
    return found


def test_ktap_of_every_verdict() -> None:
    kernels = "6.8: otherwise"
    made = [Row(i, f"row-{i}", f"Rule {i}", kernels, ("pfn",)) for i in range(len(Verdict))]
    text = ktap(
        [RowResult(row, verdict, f"seen {verdict.name}", 0.1) for row, verdict in zip(made, Verdict, strict=True)]
    )
    assert parse_ktap(text) == {
        "row-0": (True, "Rule 0"),
        "row-1": (False, "Rule 1"),
        "row-2": (True, "SKIP seen SKIP"),
        "row-3": (False, "TIMEOUT Rule 3"),
        "row-4": (False, "ERROR Rule 4"),
    }
    for diagnosis in (
        "# row-0: seen OK",
        "# row-1: seen DIFFERS",
        f"# row-1: kernels: {kernels}",
        "# row-4: seen CRASH",
    ):
        assert diagnosis in text.splitlines()
    assert parse_ktap(ktap([])) == {}


def test_each_verdict_is_a_word_as_the_reader_of_ktap_has_it() -> None:
    """The same row told in KTAP by a guest, and by this machine in a result."""
    made = [
        RowResult(Row(i, f"row-{i}", f"Rule {i}", "", ()), verdict, f"seen {verdict.name}", 0.1)
        for i, verdict in enumerate(Verdict)
    ]
    made.append(RowResult(Row(9, "row-9", "Rule 9", "", ()), Verdict.OK, "", 0.1))
    told = {one.subject: (one.verdict, one.text) for one in transcript.read(ktap(made).splitlines()).verdicts}
    assert {one.subject: (one.verdict, one.text) for one in map(seen, made)} == told
    assert seen(RowResult(made[0].row, Verdict.OK, "", 0.1, attempts=3)).text == "Rule 0 (3 attempts)"


def test_json_is_a_result(tmp_path: Path) -> None:
    done = run_gcproto("contract", "--json", "result-moved", "hole-refused", "swapcache-small")
    assert done.returncode == 0, done.stderr
    result = msgspec.json.decode(done.stdout, type=Result)
    assert result.schema == "gcproto.result/2"
    assert result.experiment == ContractExperiment(rows=["result-moved", "hole-refused", "swapcache-small"])
    verdicts = {one.subject: one.verdict for one in result.verdicts}
    assert list(verdicts) == [ContractRow("result-moved"), ContractRow("hole-refused"), ContractRow("swapcache-small")]
    assert verdicts[ContractRow("swapcache-small")] == "unavailable", "no --swap"
    assert result.producer.complete
    assert result.environment["kernel"]["release"]
    kept = tmp_path / "contract.json"
    kept.write_text(done.stdout)
    assert load(kept) == result


def test_json_of_an_interrupted_run_has_the_rows_until_then(capsys: pytest.CaptureFixture[str]) -> None:
    from gcproto.cli.contract import _print_result

    def some() -> Iterator[RowResult]:
        yield run_row(find("result-moved").index)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _print_result(some(), ContractExperiment())
    result = msgspec.json.decode(capsys.readouterr().out, type=Result)
    assert [one.subject for one in result.verdicts] == [ContractRow("result-moved")]
    assert not result.producer.complete


def test_the_list_has_a_schema() -> None:
    document = json.loads(run_gcproto("contract", "--list", "--json").stdout)
    assert document["schema"] == "gcproto.contract-rows/1"
    assert [row["name"] for row in document["rows"]] == [row.name for row in ROWS]


def contract(gcprobe: str, *args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([gcprobe, "contract", *args], capture_output=True, text=True, check=False, timeout=100)


@pytest.mark.needs("static", "move")
@pytest.mark.usefixtures("settings")
def test_gcprobe_prints_every_row_and_changes_no_setting(gcprobe: str) -> None:
    before = {path: read(path) for path in mthp_files().values()}, active()
    done = contract(gcprobe)
    found = parse_ktap(done.stdout)
    assert list(found) == [row.name for row in ROWS]
    assert [name for name, (ok, _) in found.items() if not ok] == []
    assert done.returncode == 0
    assert ({path: read(path) for path in mthp_files().values()}, active()) == before


@pytest.mark.needs("static", "move")
def test_gcprobe_prints_one_row_as_python_does(gcprobe: str) -> None:
    done = contract(gcprobe, "result-moved")
    assert done.returncode == 0
    assert done.stdout == ktap([run_row(find("result-moved").index)])


@pytest.mark.needs("static")
@pytest.mark.parametrize("args", [["no-such-row"], ["result-moved", "more"]])
def test_gcprobe_usage_of_contract(gcprobe: str, args: list[str]) -> None:
    done = contract(gcprobe, *args)
    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert done.stdout == ""
