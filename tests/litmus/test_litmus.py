"""The memory order of the collector's protocols: what the source says (always), and what it forbids (with herd7)."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.litmus import source
from tests.litmus.source import (
    FOLDER,
    MODEL,
    Litmus,
    Tie,
    body,
    discard_first,
    in_two_steps,
    read,
    source_orders,
    weaker,
    with_line,
)
from tests.litmus.table import DOCUMENT, table
from tests.support.processes import ROOT

ALL = [read(path) for path in sorted(FOLDER.glob("*.litmus"))]
BROKEN = {"claim in two steps": in_two_steps, "discard first": discard_first}

NOT_ORDERED = {
    "native/heap/compaction/adapt.c": "costs are estimates: relaxed, and each word is whole",
    "native/heap/costs.c": "measures the machine, before there is a heap",
    "native/heap/pages.c move_again": "writes the zero that is there, so that the kernel faults the page in",
    "native/heap/recycle.h gcp_recycle_init": "before the service is opened",
    "native/heap/recycle.h gcp_recycle_count": "an estimate; taking decides",
    "native/heap/recycle.h gcp_recycle_claim_rest": "the same compare-and-swap as gcp_recycle_take_at",
    "native/heap/world.c bump": "a number only: the memory was there before, or comes from the kernel",
    "native/heap/world.c gcp_world_begin": "read by those who ask for collections; a late one asks once more",
    "native/heap/world.c gcp_world_finish": "as gcp_world_begin",
    "native/heap/world.c gcp_world_close": "waits for it are limited to 100 ms",
    "native/heap/world.c gcp_world_await": "waits at most as long as it is told",
    "native/heap/sigbus.c gcp_service_start": "one service in a process; before mutators enter",
    "native/heap/sigbus.c gcp_service_stop": "when no thread can fault",
    "native/heap/fault_thread.c gcp_fault_thread_open": "before the world is started (start.litmus)",
    "native/heap/window/window.c": "after the handler thread was joined",
    "native/heap/compaction/compaction.c gcp_compaction_flip": "with the world stopped, and no handler inside",
    "native/heap/compaction/compactors.c run": "its CPU time, read after the join or as an estimate",
    "native/heap/compaction/compactors.c end_of_next": "its place: an old value is too high, claims decide",
    "native/heap/compaction/compactors.c too_early": "an estimate",
    "native/heap/compaction/compactors.c gcp_compactors_start": "before the threads are created",
    "native/heap/compaction/compactors.c gcp_compactors_deinit": "as gcp_compaction_recover",
    "native/heap/compaction/compactors.c gcp_compactors_cpu": "an estimate",
    "native/heap/compaction/sweep.c sweep_part": "as end_of_next",
    "native/heap/compaction/remap.c gcp_remap_run": "its compare-and-swap decides (claim_run)",
}
"""Functions with atomic accesses that no litmus test names, and why."""


find_body = body
"""What reads the source; a test replaces it."""


def compare(litmus: Litmus) -> None:
    """Each access has its expression in the source, in the same order and with the same orderings."""
    at: dict[tuple[int, str], int] = {}
    for access in litmus.accesses:
        if access.tie is None:
            continue
        key = (access.process, access.tie.function)
        place = find_body(access.tie.file, access.tie.function).find(" ".join(access.tie.text.split()), at.get(key, 0))
        assert place >= 0, f"{access.tie.function} has no {access.tie.text}, or has it elsewhere"
        at[key] = place
        if litmus.arch == "C" and "// kernel" not in access.text:
            assert access.orders == source_orders(access.tie), access.tie


def compare_all() -> None:
    for litmus in ALL:
        compare(litmus)


@pytest.mark.parametrize("litmus", ALL, ids=lambda litmus: litmus.name)
def test_orderings_are_those_of_the_source(litmus: Litmus) -> None:
    compare(litmus)


def _other_orders(text: str) -> str:
    """An expression of the source with other orderings."""
    text = re.sub(r"memory_order_(?!relaxed)\w+", "memory_order_relaxed", text)
    text = re.sub(r"__ATOMIC_(?!RELAXED)[A-Z_]+", "__ATOMIC_RELAXED", text)
    return re.sub(r"\batomic_(load|store|fetch_or|compare_exchange_weak)\(", r"atomic_\1_explicit(", text)


CHANGES = sorted(
    {
        access.tie
        for litmus in ALL
        for access in litmus.accesses
        if access.tie
        and access.tie.file.startswith("native")
        and source_orders(access.tie)[:1] not in ([], ["relaxed"])
    }
)


@pytest.mark.parametrize("tie", CHANGES, ids=lambda tie: f"{tie.function}: {tie.text}")
def test_a_changed_ordering_is_noticed(tie: Tie, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the source to have another ordering, the comparison above would fail."""
    said = " ".join(tie.text.split())

    def changed(file: str, function: str) -> str:
        text = body(file, function)
        if file == tie.file and function == ("load" if said.startswith("load(") else tie.function):
            return _other_orders(text) if function == "load" else text.replace(said, _other_orders(said))
        return text

    monkeypatch.setattr(source, "body", changed)
    monkeypatch.setitem(globals(), "find_body", changed)
    with pytest.raises(AssertionError):
        compare_all()


def _functions(path: Path) -> list[tuple[str, str]]:
    text = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"), flags=re.S)
    return re.findall(r"^[a-z_][^\n;{}]*?\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", text, re.M | re.S)


def test_every_atomic_access_of_the_heap_is_named() -> None:
    tied = {(access.tie.file, access.tie.function) for litmus in ALL for access in litmus.accesses if access.tie}
    missing, used = [], set()
    for path in sorted([*(ROOT / "native/heap").glob("**/*.[ch]")]):
        file = str(path.relative_to(ROOT))
        for function, code in _functions(path):
            if not re.search(r"\b_*atomic_\w+\(|\bload\(&", code) or (file, function) in tied or function == "load":
                continue
            name = file if file in NOT_ORDERED else f"{file} {function}"
            used.add(name)
            if name not in NOT_ORDERED:
                missing.append(name)
    assert not missing
    assert used == set(NOT_ORDERED), "exceptions without need"


def test_the_document_has_the_table() -> None:
    assert table(ALL) in DOCUMENT.read_text(encoding="utf-8"), "run python -m tests.litmus.table"


def herd(tests: dict[str, str], folder: Path, *options: str) -> dict[str, tuple[bool, bool]]:
    """Run herd7.  Returns of each test: whether its condition can be true, and whether there is a data race."""
    for name, text in tests.items():
        (folder / f"{name}.litmus").write_text(text, encoding="utf-8")
    command = ["herd7", *options, *(f"{name}.litmus" for name in tests)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    found = {}
    for name, said in re.findall(r"^Test (\S+) Allowed\n(.*?)(?=^Test |\Z)", done.stdout, re.M | re.S):
        result = re.search(r"^Observation \S+ (\w+) ", said, re.M)
        assert result, said
        found[name] = (result[1] != "Never", "Flag race" in said)
    assert found.keys() == tests.keys(), done.stderr
    return found


def options(arch: str) -> tuple[str, ...]:
    return ("-model", str(MODEL)) if arch == "C" else ()


@pytest.mark.needs("herd7")
@pytest.mark.parametrize("arch", ["C", "AArch64"])
def test_what_must_not_be_is_forbidden(arch: str, tmp_path: Path) -> None:
    found = herd({one.name: one.text for one in ALL if one.arch == arch}, tmp_path, *options(arch))
    assert not {name for name, (reached, _race) in found.items() if reached}
    assert not {name for name, (_reached, race) in found.items() if race}


@pytest.mark.needs("herd7")
def test_with_a_weaker_ordering_it_is_allowed(tmp_path: Path) -> None:
    """For each access whose ordering counts, one that is weaker lets the forbidden state be reached."""
    variants: dict[str, str] = {}
    groups: dict[str, list[str]] = {}
    for one in (one for one in ALL if one.arch == "C"):
        for number, access in enumerate(one.accesses):
            if access.spare or access.tie is None or "relaxed" in access.orders[:1] or "// kernel" in access.text:
                continue
            names = [f"{one.name}-{number}-{step}" for step in range(len(weaker(access)))]
            groups[f"{one.name}: {access.text}"] = names
            variants |= {
                name: with_line(one, access, text, name) for name, text in zip(names, weaker(access), strict=True)
            }
        if one.broken:
            name = f"{one.name}-broken"
            groups[f"{one.name}: {one.broken}"] = [name]
            variants[name] = BROKEN[one.broken](one, name)
        assert any(group.startswith(f"{one.name}: ") for group in groups), f"{one.name} can't be broken"
    found = herd(variants, tmp_path, *options("C"))
    assert not [group for group, names in groups.items() if not any(found[name][0] for name in names)]


@pytest.mark.needs("herd7")
def test_with_weaker_instructions_it_is_allowed(tmp_path: Path) -> None:
    variants: dict[str, str] = {}
    for one in (one for one in ALL if one.arch == "AArch64"):
        count = len(variants)
        for number, access in enumerate(one.accesses):
            name = f"{one.name}-{number}"
            text = access.text
            for old, new in (("STLR", "STR"), ("DMB ISH", "MOV W9,#0"), ("LDR W4,[X3]", "LDR W4,[X5]")):
                text = text.replace(old, new)
            if text != access.text and not access.spare:
                variants[name] = with_line(one, access, text, name)
        assert len(variants) > count
    found = herd(variants, tmp_path)
    assert all(reached for reached, _race in found.values()), found
