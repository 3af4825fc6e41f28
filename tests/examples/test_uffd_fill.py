"""The loop that others copy: it compiles, it is right under injected answers, and its test finds the usual mistakes."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gcproto.contract import rows
from tests.support.processes import ROOT

EXAMPLES = ROOT / "docs" / "guide" / "examples"
C = EXAMPLES / "uffd_fill.c"
PAGE = ROOT / "docs" / "guide" / "answers.md"
WARNINGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")
PAGES = 24
RUNS = 1000

MISTAKES = {
    "a negative out-field is taken for a count": ("(err == EAGAIN && out > 0 &&", "(err == EAGAIN && out &&"),
    "EEXIST is taken for woken": ("int err = uffd_fill_finish(fd, dst + at, page, flags);", "int err = 0;"),
    "EBUSY of one page ends the fill": ("            verb = BY_COPY;\n", "            return -EBUSY;\n"),
    "a short move is taken for all": ("            at += answer.done;", "            at = len;"),
    "ENOENT is taken for a hole": ("verb = hole ? BY_COPY : BY_ZERO;", "verb = BY_ZERO;"),
    "EAGAIN without progress ends the fill": ("if (++again > UFFD_FILL_AGAIN)", "if (++again > 0)"),
}
"""As real runtimes made them (docs/guide/answers.md)."""
HANG = {"EEXIST is taken for woken", "a short move is taken for all"}
"""Those that leave a thread asleep."""


def compiled(source: Path, folder: Path) -> Path:
    program = folder / "uffd_fill"
    command = ["cc", *WARNINGS, "-DUFFD_FILL_TEST", str(source), "-o", str(program), "-pthread"]
    subprocess.run(command, check=True, timeout=60)
    return program


@pytest.mark.needs("move")
@pytest.mark.parametrize("seed", [1, 7])
def test_a_thousand_runs_with_injected_answers(tmp_path: Path, seed: int) -> None:
    done = subprocess.run(
        [compiled(C, tmp_path), str(RUNS), str(seed)], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", done.stdout)}
    assert seen["runs"] == RUNS
    assert all(seen[name] > 100 for name in ("short", "eagain", "eexist", "ebusy", "real_ebusy", "enoent"))
    assert sum(seen[name] for name in ("moved", "copied", "zeroed", "already")) == RUNS * PAGES


@pytest.mark.needs("move")
def test_pages_that_are_shared_and_swapped_out_meanwhile(tmp_path: Path) -> None:
    """The kernel then gives EBUSY by itself. Without swap, forks still do."""
    command = [str(compiled(C, tmp_path)), str(RUNS), "1", "disturb"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", done.stdout)}
    assert seen["forks"] > 10
    assert seen["real_ebusy"] > 10
    assert sum(seen[name] for name in ("moved", "copied", "zeroed", "already")) == RUNS * PAGES


@pytest.mark.needs("move")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_usual_mistakes_are_found(tmp_path: Path, mistake: str) -> None:
    right, wrong = MISTAKES[mistake]
    text = C.read_text()
    assert text.count(right) == 1
    source = tmp_path / "wrong.c"
    source.write_text(text.replace(right, wrong))
    program = compiled(source, tmp_path)
    command = [str(program), "200", "1"]
    if mistake in HANG:
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(command, capture_output=True, timeout=3, check=False)
        return
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1, f"{mistake}: not found"


def test_it_needs_no_other_file(tmp_path: Path) -> None:
    alone = tmp_path / C.name
    shutil.copy(C, alone)
    command = ["cc", *WARNINGS, "-Wconversion", "-c", str(alone), "-o", str(tmp_path / "fill.o")]
    subprocess.run(command, check=True, timeout=60, cwd=tmp_path)
    assert not re.findall(r'#include "(.*)"', C.read_text())
    for source in (C, EXAMPLES / "uffd_fill.rs"):
        assert source.read_text().startswith("// SPDX-License-Identifier: 0BSD\n")


def test_the_listing_in_rust_compiles(tmp_path: Path) -> None:
    if not shutil.which("rustc"):
        pytest.skip("no rustc here; install Rust to compile the listing")
    command = ["rustc", "--edition", "2021", "--crate-type", "lib", "-D", "warnings", "--emit", "metadata"]
    subprocess.run([*command, "-o", tmp_path / "fill.rmeta", EXAMPLES / "uffd_fill.rs"], check=True, timeout=120)


def test_the_page_names_rows_that_exist() -> None:
    """Each answer has its row, linked to the file that tries it."""
    known = {row.name for row in rows()}
    linked = re.findall(r"\[`([a-z0-9-]+)`\]\(\.\./\.\./(native/contract/\w+\.c)\)", PAGE.read_text())
    assert len(linked) > 20
    for name, file in linked:
        assert name in known
        assert f'"{name}"' in (ROOT / file).read_text()
    for line in PAGE.read_text().splitlines():
        if line.startswith("| E"):
            assert "native/contract/" in line, line
