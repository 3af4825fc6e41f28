"""The C files of native/ form a layered graph: no circle of includes or of symbols that one file uses of another.

A header and the source of the same name are one node.  A header named after its folder is the folder's interface, and
a node of its own: every file of the folder may include it.
"""

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.processes import ROOT

NATIVE = ROOT / "native"
PROGRAMS = {"tests", "kernel", "build"}
"""Folders whose files no other file uses."""

NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
FUNCTION = re.compile(r"^(?!.*\bstatic\b)[a-z_][\w *(),]*?\b(\w+)\([^;{}]*\)\s*^\{", re.M)
OBJECTS = re.compile(r"^extern ([^;()]*);", re.M)
DECLARED = re.compile(r"^(?!static|typedef)[a-z_][\w *(),]*?\b(gcp\w*)\([^{}]*?\)[^{}]*?;", re.M)
TAG = re.compile(r"\b(?:struct|enum|union)\s+\w+")

Graph = dict[str, set[str]]


def node_of(path: str) -> str:
    """The node of a file, by its path below the root of the includes."""
    file = Path(path)
    if file.suffix == ".h" and file.stem == file.parent.name:
        return path
    return str(file.with_suffix(""))


def code_of(text: str) -> str:
    """Without comments, strings and tags of structures."""
    return TAG.sub(" ", NOT_CODE.sub(" ", text))


def objects_of(header: str) -> set[str]:
    """Objects that a header declares."""
    return {re.findall(r"\w+", one)[-1] for found in OBJECTS.findall(header) for one in found.split(",")}


def definitions(sources: dict[str, str]) -> dict[str, str]:
    """Of each function, and of each object declared in a header, the node that defines it."""
    objects = {name for path, text in sources.items() if path.endswith(".h") for name in objects_of(code_of(text))}
    found: dict[str, str] = {}
    for path, text in sources.items():
        if path.endswith(".c"):
            code = code_of(text)
            defined = {name for name in objects if re.search(rf"^(?!extern)\w.*\b{name}\b[^;(]*[=;]", code, re.M)}
            found |= dict.fromkeys({*defined, *FUNCTION.findall(code)}, node_of(path))
    return found


def graph_of(sources: dict[str, str]) -> Graph:
    """Which nodes each node includes, or uses symbols of.

    Args:
        sources: text of each file, by its path below the root of the includes.

    """
    defined = definitions(sources)
    graph: Graph = {}
    for path, text in sources.items():
        node = node_of(path)
        uses = {node_of(name) for name in INCLUDE.findall(text)}
        if path.endswith(".c"):
            uses |= {defined[name] for name in re.findall(r"\b\w+\b", code_of(text)) if name in defined}
        graph.setdefault(node, set()).update(uses - {node})
    return graph


def circle_in(graph: Graph) -> list[str]:
    """The nodes of one circle, in order; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    files = {str(path.relative_to(NATIVE)): path for path in NATIVE.rglob("*.[ch]")}
    return {name: path.read_text() for name, path in files.items() if name.partition("/")[0] not in PROGRAMS}


def test_files_are_layered(sources: dict[str, str]) -> None:
    assert not circle_in(graph_of(sources))


def test_every_declaration_is_found(sources: dict[str, str]) -> None:
    """Or the graph would lack edges."""
    headers = [code_of(text) for path, text in sources.items() if path.endswith(".h")]
    declared = {name for text in headers for name in DECLARED.findall(text)}
    objects = set[str]().union(*(objects_of(text) for text in headers))
    assert "gcp_rows_wake" in objects
    assert len(declared) > 150
    assert declared | objects <= set(definitions(sources))


def test_a_row_stands_on_its_checks(sources: dict[str, str]) -> None:
    graph = graph_of(sources)
    assert "paths/check" in graph["paths/arms"]
    assert {"paths/arms", "paths/verdict"} <= graph["paths/paths"]


@pytest.mark.parametrize(
    "sources",
    [
        {"a/one.h": '#include "a/two.h"\n', "a/two.h": '#include "a/one.h"\n'},
        {
            "a/all.h": "int first(void);\nint second(int n);\n",
            "a/one.c": '#include "a/all.h"\nint first(void)\n{\n    return second(1);\n}\n',
            "a/two.c": '#include "a/all.h"\nint second(int n)\n{\n    return n ? first() : 0;\n}\n',
        },
        {
            "a/one.h": "extern int level;\nint first(void);\n",
            "a/one.c": '#include "a/two.h"\nint level = 1;\nint first(void)\n{\n    return second();\n}\n',
            "a/two.h": "int second(void);\n",
            "a/two.c": '#include "a/two.h"\nint second(void)\n{\n    return level;\n}\n',
        },
    ],
    ids=["includes", "functions", "an object"],
)
def test_a_circle_is_found(sources: dict[str, str]) -> None:
    assert circle_in(graph_of(sources))


def test_an_interface_may_be_included_by_what_implements_it() -> None:
    sources = {
        "a/a.h": "struct state;\nint run(struct state *state);\n",
        "a/state.h": '#include "a/a.h"\n',
        "a/a.c": '#include "a/state.h"\nint run(struct state *state)\n{\n    return 0;\n}\n',
    }
    assert not circle_in(graph_of(sources))
    assert circle_in(
        graph_of({name.replace("a/a.", "a/b."): text.replace("a/a.h", "a/b.h") for name, text in sources.items()})
    )
