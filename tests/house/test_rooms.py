"""The rooms: imports point downwards, and no folder grows into a hall."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.support.processes import ROOT

SOURCES = ROOT / "gcproto"

MAY_USE = {
    "known": set[str](),
    "process": set[str](),
    "host": {"known", "process"},
    "results": {"known", "process"},
    "heap": {"host", "results", "process"},
    "dumps": {"heap", "process", "results"},
    "collector": {"heap", "host", "results", "process"},
    "contract": {"host", "results"},
    "model": {"results", "process"},
    "experiments": {"collector", "heap", "host", "results", "process"},
    "jobs": {"host", "process"},
    "kernels": {"contract", "heap", "host", "jobs", "known", "results", "process"},
    "report": {"known", "model", "results"},
    "claims": {
        "collector",
        "contract",
        "experiments",
        "heap",
        "host",
        "kernels",
        "known",
        "model",
        "results",
        "process",
    },
}
"""The law of docs/internals/architecture.md: what each room may import; cli may import all."""

MOST_FILES = 20
WHOLE_LISTS = {"native/contract"}
"""A file for each group of rows: a list that is long by its nature."""


def imported(file: Path) -> set[str]:
    """Rooms that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{one.name}" for one in node.names]
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            room = rest.partition(".")[0]
            if package == "gcproto" and room and (SOURCES / room).is_dir():
                found.add(room)
    return found


@pytest.mark.parametrize("room", sorted(MAY_USE))
def test_a_room_uses_what_lies_below_it(room: str) -> None:
    for file in (SOURCES / room).rglob("*.py"):
        assert imported(file) <= MAY_USE[room] | {room}, file


def test_there_is_no_circle() -> None:
    done: set[str] = set()
    left = dict(MAY_USE)
    while left:
        free = {room for room, used in left.items() if used <= done}
        assert free, f"a circle among {sorted(left)}"
        done |= free
        left = {room: used for room, used in left.items() if room not in free}


def test_every_room_has_its_law() -> None:
    rooms = {path.parent.name for path in SOURCES.glob("*/__init__.py")}
    assert rooms == {*MAY_USE, "cli"}


def test_no_folder_is_a_hall() -> None:
    files = [*SOURCES.rglob("*.py"), *(ROOT / "native").rglob("*.[ch]"), *(ROOT / "native").rglob("*.py")]
    counts = Counter(str(path.parent.relative_to(ROOT)) for path in files)
    assert not [name for name, count in counts.items() if count > MOST_FILES and name not in WHOLE_LISTS]


def test_headers_of_the_floor_know_nothing_above_it() -> None:
    """Of the C rooms, too: each includes itself and what is named before it."""
    below: set[str] = set()
    for room in ("base", "uffd", "paths", "heap", "trial", "contract", "hazards", "probe", "guest"):
        below.add(room)
        for file in (ROOT / "native" / room).rglob("*.[ch]"):
            for line in file.read_text().splitlines():
                if line.startswith('#include "'):
                    assert line.split('"')[1].partition("/")[0] in below, (file, line)
