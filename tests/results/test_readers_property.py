"""No file ends a command in a traceback: 10,000 damaged ones are thrown at every reader of results.

Each command runs in this process, by the entry point that is installed.  Allowed are the documented exit codes and a
message; what is printed has no control characters.  Examples are the same in every run.  ``GCPROTO_EXAMPLES=10`` throws
ten times as many, ``GCPROTO_EXAMPLES=0.1`` a tenth.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from gcproto.cli.main import main
from gcproto.process import interrupts
from gcproto.process.ending import TRACEBACKS
from tests.support.mutated_files import Mutated, files, sources, valid

SCALE = float(os.environ.get("GCPROTO_EXAMPLES", "1"))
ALLOWED = frozenset({0, 1, 2, 3})
"""Done, the answer is no, unusable input, this machine (or this file) can't: never a fault of the program."""


def examples(count: int, *, shrink: bool = True) -> settings:
    """So many, always the same; slow readers are not asked again for a smaller example."""
    phases = (Phase.explicit, Phase.generate, *([Phase.shrink] if shrink else []))
    return settings(
        max_examples=max(1, round(count * SCALE)),
        derandomize=True,
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True)
def _tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the program shows its traceback instead of a message."""
    monkeypatch.setenv(TRACEBACKS, "1")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    found = Path(tempfile.mkdtemp(prefix="gcproto-readers-"))
    yield found
    shutil.rmtree(found)


@contextlib.contextmanager
def captured(into: IO[bytes]) -> Iterator[None]:
    """Standard output and error of this process, by their descriptors: the command makes streams of its own."""
    streams = sys.stdout, sys.stderr
    saved = os.dup(1), os.dup(2)
    try:
        os.dup2(into.fileno(), 1)
        os.dup2(into.fileno(), 2)
        yield
    finally:
        for number, before in enumerate(saved, 1):
            os.dup2(before, number)
            os.close(before)
        sys.stdout, sys.stderr = streams


def run(*arguments: str | Path, allowed: frozenset[int] = ALLOWED) -> str:
    """What the command printed."""
    code: object = None
    with tempfile.TemporaryFile() as out:
        with captured(out):
            try:
                main([str(one) for one in arguments])
            except SystemExit as end:
                code = end.code
            finally:
                interrupts.uninstall()  # a command ends with its process: it leaves signals ignored
        out.seek(0)
        text = out.read().decode()
    assert "Traceback" not in text, text
    assert code in allowed, text
    bad = {char for char in text if not char.isprintable()} - set("\n\t")
    assert not bad, "control characters"
    assert not code or "gcproto: " in text or "Error: " in text
    return text


def put(folder: Path, found: Mutated, name: str = "x.json") -> Path:
    note(found.how)
    path = folder / name
    path.unlink(missing_ok=True)  # a file that is emptied and written again goes to the disk at once, which takes 2 ms
    path.write_bytes(found.data)
    return path


ONE_FILE: dict[str, tuple[int, Callable[[Path, Path], tuple[str | Path, ...]]]] = {
    "show": (1800, lambda file, _: ("show", file)),
    "show --wide": (1200, lambda file, _: ("show", file, "--wide")),
    "show --json": (600, lambda file, _: ("show", file, "--json")),
    "compare": (1200, lambda file, _: ("compare", file, file)),
    "compare --json": (600, lambda file, _: ("compare", file, file, "--json", "--force", "--fail-above", "1")),
    "export --csv": (700, lambda file, out: ("export", file, "--csv", out / "x.csv")),
    "export --pyperf": (500, lambda file, out: ("export", file, "--pyperf", out / "x.pyperf")),
    "export --pytest-benchmark": (500, lambda file, out: ("export", file, "--pytest-benchmark", out / "x.pytest")),
    "predict": (500, lambda file, _: ("predict", file)),
    "predict --json": (200, lambda file, _: ("predict", file, "--json", "--proposal", "whole-folio")),
    "kernels history": (600, lambda file, _: ("kernels", "history", file)),
    "kernels history --json": (400, lambda file, _: ("kernels", "history", file, "--json", "--heap")),
    "kernels compare": (500, lambda file, _: ("kernels", "compare", file, file)),
    "kernels export": (500, lambda file, _: ("kernels", "export", "--kcidb", file)),
}
"""Readers of one file: how many examples, and the command."""
TOGETHER = 200
"""Examples with a valid file beside the damaged one."""
PAGES = 24
"""Pages, each of three damaged files and a valid one: a page takes a second or more."""


def test_it_is_ten_thousand() -> None:
    assert sum(count for count, _ in ONE_FILE.values()) + TOGETHER + 3 * PAGES >= 10_000 - TOGETHER


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ONE_FILE)
def test_damaged_files(name: str, folder: Path) -> None:
    count, command = ONE_FILE[name]
    guests = name.startswith("kernels")

    @examples(count, shrink=not name.startswith("predict"))
    @given(files(lambda source: not guests or "guest" in source or "kernel" in source or "check" in source))
    def throw(found: Mutated) -> None:
        run(*command(put(folder, found), folder))

    throw()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("source", [one.name for one in sources()])
@pytest.mark.parametrize("name", ONE_FILE)
def test_valid_files_are_read(name: str, source: str, folder: Path) -> None:
    """What is not damaged is not refused by the loader, so that the examples above reach the readers."""
    path = folder / "valid.json"
    path.write_bytes(valid(source))
    assert "is not a usable result" not in run(*ONE_FILE[name][1](path, folder))


@pytest.mark.timeout(600)
def test_one_bad_file_in_a_folder_is_named_and_the_others_are_read(folder: Path) -> None:
    place = folder / "together"
    place.mkdir()
    (place / "good.json").write_bytes(valid("guest-2"))

    @examples(TOGETHER)
    @given(files(), st.sampled_from(["export", "history", "compare", "kcidb"]))
    def throw(found: Mutated, reader: str) -> None:
        bad = put(place, found, "bad.json")
        match reader:
            case "export":
                text = run("export", place, "--csv", folder / "x.csv", allowed=frozenset({0}))
            case "history":
                text = run("kernels", "history", place, "--json")
            case "compare":
                text = run("kernels", "compare", "6.18", "6.18", "--results", place, "--json")
            case _:
                text = run("kernels", "export", "--kcidb", place)
        if "is not a usable result" in text:
            assert str(bad) in text

    throw()


@pytest.mark.timeout(1800)
def test_pages_of_damaged_files(folder: Path) -> None:
    place = folder / "page"
    place.mkdir()

    @examples(PAGES, shrink=False)
    @given(st.lists(files(), min_size=3, max_size=3), st.sampled_from([one.name for one in sources()]))
    def throw(some: list[Mutated], good: str) -> None:
        (place / "good.json").write_bytes(valid(good))
        for number, found in enumerate(some):
            put(place, found, f"bad{number}.json")
        run("report", place, "-o", folder / "x.html", allowed=frozenset({0}))
        assert (folder / "x.html").stat().st_size > 1000

    throw()
