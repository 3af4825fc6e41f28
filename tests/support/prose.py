"""The sentences of a source file: docstrings, comments and message strings of Python, comments of C."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path

MESSAGE_WORDS = 3
"""A string with fewer words is a name, a key or a format; one without a blank is a path."""
SECTIONS = re.compile(r"(?:Args|Attributes|Raises|Returns|Yields|Example|Note):$")
FIELD = re.compile(r"\s+\*{0,2}\w(?:[\w,*./]| (?! ))*: |\w+: +")
C_FIELD = re.compile(r"(?:\*?\w+(?:\[\w+\])?, )*\*?\w+(?:\[\w+\])?: +(?=\S)")
"""Of a comment in C: the names of a field of a structure, before its text."""
C_COLUMNS = re.compile(r"(?<![.!?;:])(?<![.!?;:][)\"'`]) {2,}")
"""Blanks that are not those after a sentence."""
TABLE = re.compile(r"^=+  =+\n.*?^=+  =+$", re.M | re.S)


@dataclass(frozen=True)
class Text:
    """A paragraph and where it begins.

    Attributes:
        line: first line of the docstring, comment or string that holds it; from 1.
        kind: ``docstring``, ``comment`` or ``message``.
        text: with its line breaks as blanks, without the marks of the language.

    """

    line: int
    kind: str
    text: str


def texts(file: Path) -> list[Text]:
    """All paragraphs of a Python or C file, in order of their lines.

    Raises:
        ValueError: neither Python nor C.

    """
    source = file.read_text()
    if file.suffix == ".py":
        found = [*_python(source), *_hashes(source)]
    elif file.suffix in {".c", ".h"}:
        found = list(_c(source))
    else:
        raise ValueError(file)
    return sorted(found, key=lambda one: one.line)


def _python(source: str) -> Iterator[Text]:
    """Docstrings and message strings."""
    bare: set[int] = set()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            bare.add(id(node.value))
            for text in _docstring(node.value.value):
                yield Text(node.lineno, "docstring", text)
        elif isinstance(node, ast.JoinedStr):
            bare |= {id(part) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield from _message(node.lineno, node.value)
        elif isinstance(node, ast.JoinedStr):
            parts = [str(one.value) if isinstance(one, ast.Constant) else "X" for one in node.values]
            yield from _message(node.lineno, "".join(parts))


def _message(line: int, text: str) -> Iterator[Text]:
    for part in re.split(r"\n", text):
        if len(re.findall(r"[A-Za-z]{2,}", part)) >= MESSAGE_WORDS and len(part.split()) > 1:
            yield Text(line, "message", " ".join(part.split()))


def _docstring(text: str) -> Iterator[str]:
    """Paragraphs; each argument or attribute is one, also of several in a line (``one: text;  other: text``)."""
    text = TABLE.sub("", re.sub(r"(?m)^ *(?:>>>|\.\.\.).*$", "", cleandoc(text)))
    held: list[str] = []
    blank = literal = False
    for line in [*re.sub(r";  (?=\w+: )", "\n\n    ", text).splitlines(), ""]:
        literal = line.startswith("    ") and (literal or blank) and not FIELD.match(line)
        blank = not line.strip()
        if literal:
            continue
        new = blank or SECTIONS.match(line.strip()) or FIELD.match(line) or _item(line)
        if new and held:
            yield " ".join(" ".join(held).split())
            held = []
        if line.strip() and not SECTIONS.match(line.strip()):
            held.append(FIELD.sub("", line, count=1) if FIELD.match(line) else line)


def _item(line: str) -> bool:
    return bool(re.match(r"\s*(?:[-*]|\d+\.) ", line))


def _hashes(source: str) -> Iterator[Text]:
    """Comments; those on neighbouring lines that hold nothing else are one."""
    held: list[str] = []
    first = last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line, alone = token.start[0], not token.line[: token.start[1]].strip()
        text = token.string.lstrip("#").strip()
        if held and not (alone and line == last + 1):
            yield Text(first, "comment", " ".join(held))
            held = []
        if not held:
            first = line
        if not re.match(r"(?:noqa|type:|fmt:|pragma|!)", text):
            held.append(re.sub(r"\s*# (?:noqa|type:).*", "", text))
        last = line if alone else 0
    if held:
        yield Text(first, "comment", " ".join(held))


def _c(source: str) -> Iterator[Text]:
    """Comments; those on neighbouring lines that hold nothing else are one."""
    held: list[str] = []
    first = last = 0
    pattern = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
    for found in pattern.finditer(source):
        if found[0][0] != "/":
            continue
        line = source.count("\n", 0, found.start()) + 1
        begin = source.rfind("\n", 0, found.start()) + 1
        alone = not source[begin : found.start()].strip()
        if held and not (alone and line == last + 1 and found[0].startswith("//")):
            yield from (Text(first, "comment", one) for one in _paragraphs(held))
            held = []
        if not held:
            first = line
        top, *rest = re.sub(r"^/[/*]+ ?|\*+/$", "", found[0]).splitlines() or [""]
        held += [top.rstrip(), *(re.sub(r"^\s*(?:\* ?|$)", "", one).rstrip() for one in rest)]
        last = line if alone and found[0].startswith("//") else 0
    yield from (Text(first, "comment", one) for one in _paragraphs(held))


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Paragraphs and items of a comment in C; a field, a cell of a table and a line of an example are one each.

    A field is ``name: text`` or ``name, other: text`` with the lines below it that are indented further.  The first
    one begins a paragraph or comes after a line that ends with ``.`` or ``:``; otherwise the words before the colon are
    part of a sentence.  A line that is not indented ends a list that is; otherwise it goes on with the sentence, as
    after ``Rows: ``.  A row of a table is indented and has columns.  An example is indented, after an empty line.
    """
    held: list[str] = []
    fields = inner = example = False
    before = ""
    for line in [*lines, ""]:
        text = line.strip()
        indent = len(line) - len(text)
        columns = bool(indent and C_COLUMNS.search(text))
        example = bool(indent) and not columns and (example or not before)
        field = bool(indent in {0, 2} and C_FIELD.match(text) and (fields or not before or before[-1] in ".:"))
        if held and (not line or _item(line) or columns or example or field or (fields and inner and not indent)):
            yield from _parts(" ".join(held))
            held = []
        inner = bool(indent) if field or columns else inner
        fields = bool(line) and (field or columns or (fields and bool(indent)))
        before = line
        if columns and not field:
            *cells, text = C_COLUMNS.split(text)
            yield from cells
        if text:
            held.append(C_FIELD.sub("", text, count=1) if field else text)


def _parts(text: str) -> Iterator[str]:
    """The fields of a line that has several: ``one: text;  other: text``, or with full stops."""
    first, *others = re.split(rf"(?:(?<=[.;])  |(?<=\.) )(?={C_FIELD.pattern})", text)
    yield first
    yield from (C_FIELD.sub("", one, count=1) for one in others)
