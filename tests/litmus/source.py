"""Litmus tests, and the source that each was made from.

A C test has a comment before each atomic statement: file, function and the expression in the source.  A test in
assembly names, in a comment of its head, the expression for each memory access, and the instruction.  So a changed
ordering in the source fails a test, without herd7.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.support.processes import ROOT

FOLDER = ROOT / "tests/litmus"
MODEL = FOLDER / "c11.cat"
TIE = re.compile(r"(\S+\.(?:c|h|py)) (\w+): (.+)")
ORDER = re.compile(r"memory_order_(\w+)")
CAS = re.compile(r"int (r\d) = atomic_compare_exchange_strong_explicit\((\w+), (\w+), (\w+), .*\);")
MNEMONIC = re.compile(r"(?:ST|LD|CAS|SWP|DMB)")


class Tie(NamedTuple):
    """The source of an access: ``text`` in a function of a file."""

    file: str
    function: str
    text: str


class Access(NamedTuple):
    """An access of a litmus test.

    Attributes:
        process: number of its thread.
        line: of the test, counted from 0.
        text: the statement, or the instruction.
        tie: None for what the kernel does, and for relaxed accesses in the place of plain ones.
        spare: its ordering is not what this test is about.

    """

    process: int
    line: int
    text: str
    tie: Tie | None
    spare: bool

    @property
    def orders(self) -> list[str]:
        """Orderings of a C statement, in order."""
        return ORDER.findall(self.text)


class Litmus(NamedTuple):
    """A litmus test: ``text`` of the file, in C or in assembly of ``arch``."""

    name: str
    arch: str
    text: str
    accesses: list[Access]

    @property
    def about(self) -> str:
        """The first comment: which transition it is."""
        comments = re.findall(r"\(\*(.*?)\*\)", self.text, re.S)
        first = next(comment for comment in comments if not comment.startswith((" without: ", " broken: ")))
        lines = (line.strip().removeprefix("*").strip() for line in first.split("\n"))
        return " ".join(line for line in lines if line and not TIE.search(line))

    @property
    def without(self) -> str:
        """What breaks without the ordering."""
        found = re.search(r"\(\* without: (.*?) \*\)", self.text, re.S)
        assert found, self.name
        return found[1]

    @property
    def broken(self) -> str | None:
        """Name of a broken variant that no weaker ordering makes."""
        found = re.search(r"\(\* broken: (.*?) \*\)", self.text)
        return found[1] if found else None


def _in_c(text: str) -> list[Access]:
    accesses = []
    tie = None
    process = -1
    for number, line in enumerate(text.split("\n")):
        process += line.startswith("P")
        said = line.strip()
        if said.startswith("//"):
            found = TIE.fullmatch(said[2:].strip())
            assert found, line
            tie = Tie(*found.groups())
        elif "atomic_" in said and not line.startswith("P"):
            accesses.append(Access(process, number, said, tie, "// spare" in said))
            assert tie or "// kernel" in said or ORDER.findall(said) == ["relaxed"], f"{said} has no source"
            tie = None
        else:
            tie = None if said else tie
    return accesses


def _in_assembly(text: str) -> list[Access]:
    head, body = text.split("*)\n{", 1)
    ties: dict[int, list[tuple[Tie, str, bool]]] = {}
    for process, said, mnemonic, spare in re.findall(r"^ \* P(\d): (.*) = ([A-Z ]+?)( spare)?$", head, re.M):
        found = TIE.fullmatch(said)
        assert found, said
        ties.setdefault(int(process), []).append((Tie(*found.groups()), mnemonic, bool(spare)))
    first = head.count("\n") + 1
    accesses = []
    for number, line in enumerate(body.split("\n"), first):
        if not line.endswith(";") or "|" not in line or "P0" in line:
            continue
        for process, cell in enumerate(line.rstrip(";").split("|")):
            if MNEMONIC.match(cell.strip()):
                tie, mnemonic, spare = ties[process].pop(0)
                assert cell.strip().startswith(mnemonic + (" " if " " not in mnemonic else "")), (cell, tie)
                assert mnemonic == instruction_of(tie), tie
                accesses.append(Access(process, number, cell.strip(), tie, spare))
    assert not any(ties.values()), "accesses of the head that the code lacks"
    return accesses


def read(path: Path) -> Litmus:
    """Parse a litmus test; its comments must be complete."""
    text = path.read_text(encoding="utf-8")
    arch, name = text.split("\n", 1)[0].split()
    assert name == path.stem
    return Litmus(name, arch, text, _in_c(text) if arch == "C" else _in_assembly(text))


@cache
def body(file: str, function: str) -> str:
    """The code of a function, without comments, in one line."""
    text = (ROOT / file).read_text(encoding="utf-8")
    if file.endswith(".py"):
        found = re.search(rf"^def {function}\(.*?(?=^[^\s)#]|\Z)", text, re.M | re.S)
        code = re.sub(r"#[^\n]*", "", found[0]) if found else ""
    else:
        text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
        found = re.search(rf"^[a-z][^\n;{{}}]*\b{function}\([^;{{}}]*\)\n\{{\n(.*?)^\}}", text, re.M | re.S)
        code = found[1] if found else ""
    assert found, f"{file} has no function {function}"
    return " ".join(code.split())


def source_orders(tie: Tie) -> list[str]:
    """The orderings of an expression in the source: of its own, or of the function that it calls."""
    if tie.file.endswith(".py"):
        kind, order = _primitive(tie.text.split("(")[0])
        return [order or "relaxed"] * (2 if kind == "cas" else 1)
    found = ORDER.findall(tie.text) or [order.lower() for order in re.findall(r"__ATOMIC_([A-Z_]+)", tie.text)]
    if not found and tie.text.startswith("load("):
        found = [order.lower() for order in re.findall(r"__ATOMIC_([A-Z_]+)", body(tie.file, "load"))]
    if not found and re.match(r"atomic_(load|store|fetch_\w+|compare_exchange_\w+)\(", tie.text):
        found = ["seq_cst"] * (2 if "compare" in tie.text else 1)
    return found


@cache
def _primitive(name: str) -> tuple[str, str]:
    """Kind and LLVM ordering of an operation of compiled code."""
    if name == "fence":
        found = re.search(r'builder\.fence\("(\w+)"\)', body("gcproto/heap/memory.py", "fence"))
        assert found
        return "fence", found[1]
    if name == "replace8":
        found = re.search(r'"(\w+)", "\1"\)', body("gcproto/heap/memory.py", "replace8"))
        assert found
        return "cas", found[1]
    for file in ("heap/memory.py", "heap/world.py", "heap/plan.py"):
        text = (ROOT / "gcproto" / file).read_text(encoding="utf-8")
        found = re.search(rf"^{name} = (set_)?(?:field|element)\((.*)\)$", text, re.M)
        if found:
            order = re.search(r', "(\w+)"$', found[2])
            return "store" if found[1] else "load", order[1].replace("monotonic", "") if order else ""
    raise AssertionError(name)


def instruction_of(tie: Tie) -> str:
    """The instruction of arm64 that LLVM makes of an operation."""
    return {
        ("store", ""): "STR",
        ("store", "release"): "STLR",
        ("load", ""): "LDR",
        ("load", "acquire"): "LDAR",
        ("fence", "seq_cst"): "DMB ISH",
    }[_primitive(tie.text.split("(")[0])]


def weaker(access: Access) -> list[str]:
    """The statement with weaker orderings, the next one first."""
    first = access.orders[0]
    steps = ["relaxed"]
    if first == "seq_cst":
        is_load, is_store = "atomic_load" in access.text, "atomic_store" in access.text
        steps.insert(0, "acquire" if is_load else "release" if is_store else "acq_rel")
    variants = []
    for step in steps:
        text = access.text
        for old, new in zip(access.orders, (step, "acquire" if step == "acq_rel" else "relaxed"), strict=False):
            text = text.replace(f"memory_order_{old}", f"memory_order-{new}", 1)
        variants.append(text.replace("memory_order-", "memory_order_"))
    return variants


def with_line(litmus: Litmus, access: Access, text: str, name: str) -> str:
    """The test with another statement or instruction in the place of an access, under another name."""
    lines = litmus.text.split("\n")
    lines[access.line] = lines[access.line].replace(access.text, text.ljust(len(access.text)))
    lines[0] = f"{litmus.arch} {name}"
    return "\n".join(lines)


def in_two_steps(litmus: Litmus, name: str) -> str:
    """The test with a load and a store in the place of each compare-and-swap."""
    text = CAS.sub(
        r"int \1 = 0; int r8 = *\3; int r9 = atomic_load_explicit(\2, memory_order_relaxed); "
        r"if (r9 == r8) { \1 = 1; atomic_store_explicit(\2, \4, memory_order_relaxed); }",
        litmus.text,
    )
    return text.replace(f"C {litmus.name}\n", f"C {name}\n", 1)


def discard_first(litmus: Litmus, name: str) -> str:
    """The test with the first two statements of the first thread in the other order."""
    lines = litmus.text.split("\n")
    one, two = (access.line for access in litmus.accesses[:2])
    lines[one], lines[two] = lines[two], lines[one]
    lines[0] = f"{litmus.arch} {name}"
    return "\n".join(lines)
