"""README, docs and help texts are plain technical English: the rules are docs/language.toml."""

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
    return re.split(r"(?<=[.!?])[)\"']?\s+(?=[A-Z0-9*`(\"])", text)


def faults(text: str) -> Iterator[str]:
    """What the rules forbid in a paragraph."""
    for pattern, instead in RULES["instead"].items():
        for found in re.finditer(rf"\b(?:{pattern})\b", text, re.I):
            yield f"{found[0]!r}: write {instead!r}: ...{text[max(0, found.start() - 40) : found.end() + 40]}..."
    for sentence in sentences(text):
        words = [word for word in sentence.split() if re.search(r"\w", word)]
        if len(words) > RULES["longest_sentence"]:
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


def test_the_rules_find_what_they_name() -> None:
    assert list(faults("Trying MOVE first is 2.65 times dearer than copying."))
    assert list(faults("Behind the first build only what a patch touches is compiled."))
    assert list(faults(" ".join(["word"] * 26)))
    assert not list(
        faults("Trying MOVE first costs 2.65x as much as copying. After the first build, nothing is compiled.")
    )
    assert list(paragraphs("One.\n\n    code dearer\n\n- two\n- three\n")) == ["One.", "- two", "- three\n"]
