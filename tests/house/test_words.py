"""One word, one thing: public names, options and documents keep to docs/language.toml; the glossary has its words."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gcproto.cli.app import cli
from gcproto.cli.reference import Schema, contexts
from gcproto.results.json_schema import document
from tests.house.test_language import PAGES, helps, paragraphs, plain
from tests.support.processes import ROOT

SOURCES = ROOT / "gcproto"
GLOSSARY = ROOT / "docs" / "reference" / "glossary.md"


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of a word; see docs/language.toml."""

    never: list[str]
    names: list[str] = []


WORDS = msgspec.convert(tomllib.loads((ROOT / "docs" / "language.toml").read_text())["words"], dict[str, Word])


def parts(name: str) -> list[str]:
    """Words of a name, in the singular: ``PathScenarios`` and ``path_scenarios`` are path, scenario."""
    found = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    return [re.sub(r"ies$", "y", word) if len(word) > 4 else word for word in map(_singular, found)]


def _singular(word: str) -> str:
    return word if word.endswith(("ss", "ies")) else word.removesuffix("s")


def has(name: list[str], word: str) -> bool:
    """Whether a name has a word, or several in a row."""
    wanted = parts(word)
    return any(name[i : i + len(wanted)] == wanted for i in range(len(name)))


def faults_of(name: str, place: str) -> Iterator[str]:
    """What the table forbids in a name.

    Args:
        name: in any spelling.
        place: its file, below gcproto/.

    """
    found = parts(name)
    for word, rule in WORDS.items():
        if rule.names and has(found, word) and not place.startswith(tuple(rule.names)):
            yield f"{place}: {name}: {word!r} has another meaning here than in {', '.join(rule.names)}"
        for other in rule.never:
            if has(found, other):
                yield f"{place}: {name}: say {word!r} for {other!r}"


def public(source: str, place: str) -> Iterator[str]:
    """Public names of a module: its own, those of its classes and functions, of fields and constants."""
    yield place.rpartition("/")[2].removesuffix(".py")
    yield from (name for name in _defined(ast.parse(source)) if not name.startswith("_"))


def _defined(node: ast.Module | ast.ClassDef) -> Iterator[str]:
    for one in node.body:
        match one:
            case ast.ClassDef():
                yield one.name
                yield from _defined(one)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield one.name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign():
                yield from (target.id for target in one.targets if isinstance(target, ast.Name))


def faults_in(text: str) -> Iterator[str]:
    """Synonyms in prose."""
    for word, rule in WORDS.items():
        for other in rule.never:
            for found in re.finditer(rf"\b{re.escape(other)}s?\b", text, re.I):
                yield f"say {word!r}: ...{text[max(0, found.start() - 40) : found.end() + 40]}..."


@pytest.mark.parametrize("room", sorted({path.relative_to(SOURCES).parts[0] for path in SOURCES.rglob("*.py")}))
def test_public_names(room: str) -> None:
    here = SOURCES / room
    found = []
    for path in sorted(here.rglob("*.py")) if here.is_dir() else [here]:
        place = str(path.relative_to(SOURCES))
        found += [fault for name in public(path.read_text(), place) for fault in faults_of(name, place)]
    assert not found, "\n".join(found)


def test_options() -> None:
    found = []
    for context in contexts("gcproto", cli, None):
        module = getattr(context.command.callback, "__module__", "").removeprefix("gcproto.").replace(".", "/") + ".py"
        for parameter in context.command.params:
            names = [one for one in parameter.opts if one.startswith("--")]
            found += [f"{context.command_path} {fault}" for name in names for fault in faults_of(name, module)]
    assert not found, "\n".join(found)


def test_fields_of_results() -> None:
    structures = msgspec.convert(document()["$defs"], dict[str, Schema])
    names = {*structures, *(field for one in structures.values() for field in one.properties)}
    found = [fault for name in sorted(names) for fault in faults_of(name, "results/schema/")]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path) -> None:
    found = [fault for text in paragraphs(page.read_text()) for fault in faults_in(plain(text))]
    assert not found, "\n".join(found)


def test_help_texts() -> None:
    found = [f"{where}: {fault}" for where, text in helps() for fault in faults_in(plain(text))]
    assert not found, "\n".join(found)


def entries() -> list[str]:
    """Words that the glossary explains."""
    rows = re.findall(r"^\| ([^|]+) \|", GLOSSARY.read_text(), re.M)
    return [word for row in rows[1:] for word in row.split(", ")]


def test_the_glossary_has_every_word_once_and_in_alphabetical_order() -> None:
    found = entries()
    assert not WORDS.keys() - set(found)
    firsts = [row.split(", ")[0].lower() for row in re.findall(r"^\| ([^|]+) \|", GLOSSARY.read_text(), re.M)[1:]]
    assert firsts == sorted(firsts)
    assert len(found) == len(set(found))


def test_every_place_of_the_table_has_the_word() -> None:
    """A place that no longer has it is taken out: the table stays the least that is allowed."""
    for word, rule in WORDS.items():
        for place in rule.names:
            here = SOURCES / place
            files = sorted(here.rglob("*.py")) if here.is_dir() else [here]
            names = [name for path in files for name in public(path.read_text(), str(path.relative_to(SOURCES)))]
            assert any(has(parts(name), word) for name in names), f"{word}: {place}"


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("class Claim: ...", "report/words/ratios.py"),
        ("class Ratio:\n    claims: int", "report/words/ratios.py"),
        ("def plan_of(): ...", "report/page/build.py"),
        ("def in_order(): ...", "kernels/get/modules.py"),
        ("ORDERS = ()", "report/placement.py"),
        ("def frames_strategy(): ...", "collector/policies.py"),
        ("repetitions: int = 3", "experiments/paths/bench.py"),
        ("class Speedup: ...", "report/words/ratios.py"),
        ("async def trial(): ...", "kernels/run/cell.py"),
        ("", "report/words/policy_variants.py"),
        ("NoiseLevel = float", "results/statistics.py"),
    ],
)
def test_a_wrong_name_is_found(source: str, place: str) -> None:
    assert [fault for name in public(source, place) for fault in faults_of(name, place)]


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("class Claim: ...", "claims/finding.py"),
        ("order: int = 4", "results/schema/scenario.py"),
        ("def _plan(): ...\nborder: int", "report/page/build.py"),
        ("class Policies:\n    recorded: int", "collector/policies.py"),
    ],
)
def test_a_right_name_is_not(source: str, place: str) -> None:
    assert not [fault for name in public(source, place) for fault in faults_of(name, place)]


@pytest.mark.parametrize(
    "text",
    [
        "Each repetition evacuates 8 MiB.",
        "A policy is a strategy for large folios.",
        "The speedup of move is 3x.",
        "Three variants were measured.",
        "Shootdowns cost 9 us.",
        "The granule that is claimed at once.",
    ],
)
def test_a_synonym_is_found(text: str) -> None:
    assert list(faults_in(text))


def test_the_right_words_are_not() -> None:
    assert not list(faults_in("Each round evacuates 8 MiB. The ratio of move to copy is 3x. Three arms, two policies."))
