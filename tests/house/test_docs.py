"""The examples of docs/ run: commands in an empty folder, patches on a copy of the sources.

A block ``python`` is a file, which its first line names.  A block ``console`` holds commands after ``$``;
``# exit 1: why`` says that another exit code than 0 is right.  Lines below a command are output that must be seen.
A block ``diff`` is applied before the commands after it run.  Commands ``python -m pytest`` then run in that copy, as
they would in a checkout.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gcproto.results.store import save
from tests.house.test_rooms import MAY_USE
from tests.support.compiled import bring_compiled
from tests.support.kernel_results import stock
from tests.support.processes import ROOT

DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(console|diff|python)\n(.*?)^```$", re.M | re.S)
GUIDE = ("guide/choose.md", "guide/read.md", "guide/compare.md", "guide/dumps.md")
"""Run one after the other in one folder: later pages use results of earlier ones."""
RUN = {*GUIDE, "guide/extend.md", "internals/large-folios.md", "internals/series.md"}
PAGES = sorted(DOCS.rglob("*.md"))


@dataclass
class Command:
    """A command, the exit code that is right, the lines that must be seen."""

    text: str
    code: int = 0
    output: list[str] = field(default_factory=list)


def commands(block: str) -> list[Command]:
    found: list[Command] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            expected = re.search(r"# exit (\d+)", line)
            found.append(Command(line[2:], int(expected[1]) if expected else 0))
        elif line.strip():
            found[-1].output.append(line.strip())
    return found


def apply(text: str, sources: Path) -> None:
    """Apply a patch without line numbers: its context must be there exactly once."""
    for part in re.split(r"^(?=--- )", text, flags=re.M)[1:]:
        head, *lines = part.splitlines()
        target = sources / lines[0].removeprefix("+++ b/")
        body = lines[2:]
        assert lines[1] == "@@"
        after = "".join(f"{line[1:]}\n" for line in body if line[:1] != "-")
        if head == "--- /dev/null":
            assert not target.exists()
            target.write_text(after)
            continue
        before = "".join(f"{line[1:]}\n" for line in body if line[:1] != "+")
        old = target.read_text()
        assert old.count(before) == 1, f"{target}: the context of the patch is there {old.count(before)} times"
        target.write_text(old.replace(before, after))


def environment(sources: Path, shims: Path) -> dict[str, str]:
    """The commands of this interpreter come first; they import these sources."""
    shims.mkdir()
    for name, module in (("gcproto", "gcproto.cli.main"), ("python", "")):
        start = f"-m {module} " if module else ""
        (shims / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {start}"$@"\n')
        (shims / name).chmod(0o755)
    return {**os.environ, "PYTHONPATH": str(sources), "PATH": f"{shims}:{os.environ['PATH']}"}


def sections(page: str) -> dict[str, str]:
    """The sections of a page by their headings; the text before the first is under its first line."""
    parts = re.split(r"^(?=## )", (DOCS / page).read_text(), flags=re.M)
    return {part.partition("\n")[0].removeprefix("## "): part for part in parts}


def run(page: str, folder: Path, only: str = "") -> None:
    """Run a page, or only one section: patches hold from where they stand to the end of their section."""
    for number, (heading, section) in enumerate(sections(page).items()):
        if only not in {"", heading}:
            continue
        mark = f"{Path(page).stem}{number}"
        env = environment(ROOT, folder / f".bin-{mark}")
        sources = folder / f".sources-{mark}"
        for kind, text in BLOCK.findall(section):
            if kind == "console":
                for one in commands(text):
                    in_copy = sources.exists() and one.text.startswith("python -m pytest")
                    _run_one(page, one, env, sources if in_copy else folder)
                continue
            if kind == "python":
                (folder / text.partition("\n")[0].removeprefix("# ")).write_text(text)
                continue
            if not sources.exists():
                for name in ("gcproto", "native", "tests"):
                    shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
                for name in ("setup.py", "pyproject.toml", "README.md"):
                    shutil.copy(ROOT / name, sources / name)
                bring_compiled(sources)
                env = environment(sources, folder / f".patched-{mark}")
            apply(text, sources)
            if "+++ b/native/" in text:
                compile_c(sources)


def compile_c(sources: Path) -> None:
    """Build the C part of a copy of the sources."""
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False, cwd=sources)
    assert done.returncode == 0, done.stderr[-1500:]


def _run_one(page: str, one: Command, env: dict[str, str], folder: Path) -> None:
    command = ["bash", "-o", "pipefail", "-c", one.text]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False, env=env, cwd=folder)
    assert done.returncode == one.code, f"{page}: {one.text}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
    shown = [line.strip() for line in done.stdout.splitlines()]
    for line in one.output:
        assert line in shown, f"{page}: {one.text} does not print {line!r}"


@pytest.mark.needs("root", "move", "mthp", "io_uring")
def test_guide(tmp_path: Path) -> None:
    for page in GUIDE:
        run(page, tmp_path)


NEEDS = {
    "Add an arm": ("root", "move", "pfn"),
    "Add a policy for large folios": ("root", "move", "mthp"),
    "Add a hazard": ("static", "qemu", "guest_kernel"),
}
"""What sections of the guide need; the others need root and MOVE."""
EXTEND = [
    pytest.param(heading, marks=pytest.mark.needs(*NEEDS.get(heading, ("root", "move"))))
    for heading, text in sections("guide/extend.md").items()
    if BLOCK.search(text)
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("heading", EXTEND)
def test_extend(heading: str, tmp_path: Path) -> None:
    run("guide/extend.md", tmp_path, heading)


def test_needs_are_of_sections() -> None:
    assert set(NEEDS) <= {str(one.values[0]) for one in EXTEND}


@pytest.mark.needs("root", "move", "mthp")
def test_large_folios(tmp_path: Path) -> None:
    run("internals/large-folios.md", tmp_path)


def test_series(tmp_path: Path) -> None:
    for result in stock():
        save(result, tmp_path / "results")
    run("internals/series.md", tmp_path)


def test_every_page_with_examples_is_run() -> None:
    assert {str(page.relative_to(DOCS)) for page in PAGES if BLOCK.search(page.read_text())} == RUN


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_links_and_files_exist() -> None:
    for page in (ROOT / "README.md", ROOT / "native" / "kernel" / "README.md", *PAGES):
        text = page.read_text()
        for link, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text):
            if "://" in link:
                continue
            target = page.parent / link if link else page
            assert target.exists(), f"{page.relative_to(ROOT)}: {link}"
            assert not anchor or anchor in anchors(target), f"{page.relative_to(ROOT)}: {link}#{anchor}"
        for name in re.findall(r"`(?:gcproto|native|benchmarks)/[\w/]+\.(?:py|c|h)`", text):
            assert (ROOT / name.strip("`")).exists(), f"{page.relative_to(ROOT)}: {name}"


def test_every_page_is_on_the_map() -> None:
    linked = {
        (page.parent / link).resolve()
        for page in (ROOT / "README.md", DOCS / "results" / "README.md")
        for link in re.findall(r"\]\(([^)#]+)", page.read_text())
        if "://" not in link
    }
    assert {page.relative_to(ROOT) for page in PAGES if page.resolve() not in linked} == set()


def test_options_exist() -> None:
    from click.testing import CliRunner

    from gcproto.cli.app import cli

    for page in PAGES:
        if page.name == "commands.md":
            continue
        for call in re.findall(r"gcproto ((?:[a-z]+ ){1,2})([^`\n;]*)", page.read_text()):
            options = re.findall(r"(?<!\S)--[a-z-]+", call[1])
            words = call[0].split()
            said = CliRunner().invoke(cli, [*words, "--help"])
            if said.exit_code:  # the second word was an argument
                said = CliRunner().invoke(cli, [words[0], "--help"])
            for option in options:
                assert option in said.output or option in {"--table", "--columns"}, f"{page.name}: {words} {option}"


def test_the_law_of_rooms_is_in_the_architecture() -> None:
    text = (DOCS / "internals" / "architecture.md").read_text()
    rows = re.findall(r"^\| `([a-z]+)/` \| (.*) \|$", text, re.M)
    law = {room: set(re.findall(r"`([a-z]+)/`", used)) for room, used in rows}
    assert law.pop("cli") == set()
    assert law == MAY_USE
