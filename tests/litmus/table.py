"""The table of docs/internals/memory-order.md, from the litmus tests: ``python -m tests.litmus.table`` writes it."""

import re
from collections.abc import Sequence

from tests.litmus.source import FOLDER, Litmus, read, source_orders
from tests.support.processes import ROOT

DOCUMENT = ROOT / "docs/internals/memory-order.md"
BEGIN = "| transition |"


def _functions(litmus: Litmus) -> str:
    return ", ".join(dict.fromkeys(f"`{access.tie.function}`" for access in sorted(litmus.accesses) if access.tie))


def _orderings(litmus: Litmus) -> str:
    if litmus.arch != "C":
        return ", ".join(access.text.split(" W")[0].split(" X")[0] for access in sorted(litmus.accesses))
    said = []
    for access in litmus.accesses:
        if access.tie and "// kernel" not in access.text and not (access.spare and not litmus.broken):
            said.append(source_orders(access.tie)[0])
    return ", ".join(said) or "the kernel's"


def table(tests: Sequence[Litmus]) -> str:
    """A row for each test: the transition, the functions, the file, the orderings, what breaks without them."""
    rows = [f"{BEGIN} functions | litmus test | orderings | without |", "|---|---|---|---|---|"]
    for one in tests:
        rows.append(
            f"| {one.about.replace('  ', ' ')} | {_functions(one)} | `{one.name}` | {_orderings(one)} | {one.without} |"
        )
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    new = table([read(path) for path in sorted(FOLDER.glob("*.litmus"))])
    DOCUMENT.write_text(re.sub(rf"{re.escape(BEGIN)}(?:.*\n)+?(?=\n)", lambda _: new, text), encoding="utf-8")
