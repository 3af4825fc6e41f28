"""README, docs, help texts and sources are plain technical English: the rules are docs/language.toml.

Of the sources, docstrings, comments and message strings are checked (tests/support/prose.py).
"""

import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gcproto.cli.app import cli
from gcproto.cli.reference import contexts
from tests.support.processes import ROOT
from tests.support.prose import Text, texts

RULES = tomllib.loads((ROOT / "docs" / "language.toml").read_text())
GENERATED = ROOT / "docs" / "reference" / "commands.md"
"""Checked as help texts."""
PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if p != GENERATED)]


def paragraphs(page: str) -> Iterator[str]:
    """The prose of a page: paragraphs, items of lists, headings and cells, without code."""
    page = re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S)
    page = re.sub(r"<!--.*?-->", "", page, flags=re.S)
    page = re.sub(r"(?:^|(?<=\n))(?: {4}.*\n)+", "", page)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*] |\d+\. |#|\|))", page):
        yield from block.split(" | ") if block.startswith("|") else [block]


def plain(text: str) -> str:
    """Text without the marks of markdown; a code span is one word."""
    text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"``.+?``|`[^`]+`", "CODE", text)
    return " ".join(re.sub(r"^\s*(?:[-*#]+|\d+\.) |[*|]", "", text).split())


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph."""
    return re.split(r"(?<=[.!?])[)\"']?\s+(?=[A-Z0-9*`(\"\[])", text)


def faults(text: str, longest: int = RULES["longest_sentence"]) -> Iterator[str]:
    """Violations of the rules in a paragraph."""
    for pattern, instead in RULES["instead"].items():
        for found in re.finditer(rf"\b(?:{pattern})\b", text, re.I):
            yield f"{found[0]!r}: write {instead!r}: ...{text[max(0, found.start() - 40) : found.end() + 40]}..."
    for sentence in sentences(text):
        words = [word for word in sentence.split() if re.search(r"\w", word)]
        if len(words) > longest:
            yield f"{len(words)} words: {sentence}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path) -> None:
    found = [fault for text in paragraphs(page.read_text()) for fault in faults(plain(text))]
    assert not found, "\n".join(found)


def helps() -> Iterator[tuple[str, str]]:
    """Every help text with its place."""
    for context in contexts("gcproto", cli, None):
        command = context.command
        for text in re.split(r"\n\s*\n", inspect.cleandoc(command.help or "")):
            yield context.command_path, text
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.help:
                yield f"{context.command_path} {parameter.opts[0]}", parameter.help.partition("[default")[0]


def test_help_texts() -> None:
    found = [f"{where}: {fault}" for where, text in helps() for fault in faults(plain(text))]
    assert not found, "\n".join(found)


def sources(folder: str) -> list[Path]:
    """The Python and C files below a folder."""
    return [file for file in sorted((ROOT / folder).rglob("*")) if file.suffix in {".py", ".c", ".h"}]


def source_faults(found: list[Text]) -> Iterator[str]:
    """Violations in the texts of a source, each with its line."""
    for one in found:
        if one.text not in RULES["allowed"]:
            longest = RULES["longest_sentence" if one.kind == "message" else "longest_in_sources"]
            yield from (f"{one.line}: {fault}" for fault in faults(plain(one.text), longest))


def faults_below(folder: str) -> list[str]:
    """Violations in all files below a folder."""
    files = sources(folder)
    assert files, f"{folder} has no sources"
    quotes = [ROOT / one for one in RULES["quotes"]]
    return [
        f"{file.relative_to(ROOT)}:{fault}"
        for file in files
        for fault in source_faults([one for one in texts(file) if one.kind != "message" or file not in quotes])
    ]


@pytest.mark.parametrize("folder", RULES["sources"])
def test_sources(folder: str) -> None:
    found = faults_below(folder)
    assert not found, "\n".join(found)


def test_every_folder_of_the_package_is_listed() -> None:
    listed = [ROOT / one for one in RULES["sources"]]
    for top in ("gcproto", "native", "tests"):
        files = [file for file in (ROOT / top).rglob("*") if file.suffix in {".py", ".c", ".h"}]
        assert not [file for file in files if not any(file.is_relative_to(one) for one in listed)]


def test_all_parts_of_a_source_are_read(tmp_path: Path) -> None:
    python = tmp_path / "some.py"
    python.write_text(
        '"""Costs are dearer."""\n\n# Behind the\n# build.\nLIMIT = 3  # nobody\n"""Is left out."""\n\n\n'
        'def some(x: int) -> str:\n    """Do it.\n\n    Args:\n        x: left away.\n\n    """\n'
        "    return f\"{x} can't be had here\" + 'short dearer' + '/tmp/dearer-some-path'\n"
    )
    found = [fault.partition(":")[0] for fault in source_faults(texts(python))]
    assert found == ["1", "3", "5", "6", "10", "16"]
    c = tmp_path / "some.c"
    c.write_text(
        '/* Costs are dearer. */\nint a = 1; /* nobody */\n// Behind the\n// build.\nchar *s = "// dearer /* nobody";\n'
    )
    assert [fault.partition(":")[0] for fault in source_faults(texts(c))] == ["1", "2", "3"]
    long = tmp_path / "long.py"
    long.write_text(f'"""{" ".join(["word"] * 30)}."""\n\nTEXT = "{" ".join(["word"] * 26)}"\n')
    assert [fault.partition(":")[0] for fault in source_faults(texts(long))] == ["3"]
    long.write_text(f'"""{" ".join(["word"] * 31)}."""\n')
    assert len(list(source_faults(texts(long)))) == 1


def comment(*lines: str) -> str:
    """A comment of C that has these lines."""
    return "\n".join(["/*", *(f" * {line}".rstrip() for line in lines), " */\n"])


def test_lists_in_comments_of_c_are_read_item_by_item(tmp_path: Path) -> None:
    c = tmp_path / "some.h"
    ten = " ".join(["word"] * 10)
    c.write_text(
        comment(
            "What it did.", f"one:      {ten}", f"two, *six: {ten}", f"          {ten};  three[i]: nobody", "one: four"
        )
        + comment(f"Limits, by {ten}:", f"  ONE: {ten}", f"       {ten}", f"  TWO: {ten}", f"{ten} end.")
        + comment("0 or -errno:", f"  EINVAL  {ten}", f"          {ten}", f"  EPERM   {ten}", f"{ten} end.")
        + comment("Called as:", "", f"  some {ten}", f"  some {ten}", f"       {ten}", "", "Dearer.")
        + comment(f"_begin: {ten} {ten}.  _end: {ten} {ten}", ten + ".")
    )
    found = texts(c)
    assert [one.text for one in found if one.line == 1] == ["What it did.", ten, f"{ten} {ten};", "nobody", "four"]
    assert [one.text for one in found if one.line == 8] == [
        f"Limits, by {ten}:", f"{ten} {ten}", ten, f"{ten} end.",
    ]  # fmt: skip
    assert [len(one.text.split()) for one in found if one.line == 15] == [3, 1, 20, 1, 10, 11]
    assert [len(one.text.split()) for one in found if one.line == 22] == [2, 11, 11, 10, 1]
    assert [fault.partition(" words")[0] for fault in source_faults(found) if "words" in fault] == []
    assert sum("instead" in fault or "write" in fault for fault in source_faults(found)) == 2


@pytest.mark.parametrize(
    "lines",
    [
        ("Rows: {ten} and", "{ten} {ten}."),  # the head of a file, whose sentence goes on
        ("The page goes to and {ten}", "back: {ten} {ten}."),  # a word before a colon, amid a sentence
        ("It {ten}  {ten}", "and {ten}."),  # two blanks in a paragraph make no columns
        ("one: {ten} {ten}", "     {ten} goes on"),  # a field is one sentence
    ],
)
def test_sentences_in_comments_of_c_are_not_lists(tmp_path: Path, lines: tuple[str, ...]) -> None:
    c = tmp_path / "some.c"
    c.write_text(comment(*lines).replace("{ten}", " ".join(["word"] * 10)))
    assert len(list(source_faults(texts(c)))) == 1


def test_the_rules_find_what_they_name() -> None:
    assert list(faults("Trying MOVE first is 2.65 times dearer than copying."))
    assert list(faults("Behind the first build only what a patch touches is compiled."))
    assert list(faults(" ".join(["word"] * 26)))
    assert not list(
        faults("Trying MOVE first costs 2.65x as much as copying. After the first build, nothing is compiled.")
    )
    assert list(paragraphs("One.\n\n    code dearer\n\n- two\n- three\n")) == ["One.", "- two", "- three\n"]
