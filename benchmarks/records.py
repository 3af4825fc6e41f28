"""The records of docs/results, measured anew: ``python -m benchmarks.records [NAME...]``.

Without names: those that need no guests. ``hazards=FOLDER`` makes the record of results that are in a folder already,
of a run in several pieces; as do other records of guests.

A record stands between two marks in a page.  It says command, date, machine, kernel, commit and run, and has the table
that the program prints.  The text around it is written by hand: read it again after a record was replaced.
"""

import io
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from gcproto.results.schema import Result

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "results"
SWAPPED = (
    "--swap --sources swapped,swapped-16k,swapped-64k,swapped-1m --arms move,swapin,move_swapin --granules 2m "
    "--alignment congruent --alignment skewed"
)
RECORDS = {
    "paths": "bench",
    "swap": f"bench {SWAPPED}",
    "window": "gc window --rounds 9",
    "heap": "gc --workload trees --live 128m --heap 4x --rounds 3 --modes move,art,copy,remap,stw,memmove,none",
    "young": "gc --workload trees --live 64m --heap 2x --rounds 5 --modes move,copy,young-move,young-copy,none,bare",
    "policies": "gc policies --workloads prefix,sparse,trees,lru --live 32m --rounds 9 --verify",
    "policies-two": "gc policies --workloads prefix,sparse,trees,lru --live 32m --rounds 9 --verify --threads 2",
    "claims": "claims --kernels",
}
"""The command of each record, by the name of its page; what stands after a dash tells records of a page apart."""
WITH_GUESTS = ("claims",)
"""Of these, those that also build and boot kernels."""
STEPS = "--results {} --by function --scenario"
MAP = "hazards"
"""The record that is a map of verdicts: of all results together."""
MAP_ARM64 = "hazards-arm64"
"""The same of arm64 guests, with a map for each page size."""
GUESTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "profile": (
        ("kernels run 6.17 6.18 7.2.12+deb13 7.3 --profile --boots 2 --jobs 1 --timeout 900",),
        (
            f"kernels compare 7.2.12 7.3 {STEPS} 'small move 2m' --scenario 'small copy 2m'",
            f"kernels compare 6.17 6.18 {STEPS} 'small move 2m'",
        ),
    ),
    "profile-ipis": (
        tuple(
            f"kernels profile {release} 'small move 4k' 'small move 64k' 'small move 2m' 'mthp-64k move 64k' "
            "'mthp-64k move 2m' 'mthp-1m move 64k' 'thp move 64k' 'thp move 2m' --touch --rounds 9 --timeout 900"
            for release in ("6.17", "6.18", "7.2.12+deb13", "7.3")
        ),
        (),
    ),
    "profile-caches": (
        (
            "kernels profile 6.18 'small move 2m' 'small copy 2m' 'mthp-64k move 2m' --cache --rounds 5 --timeout 900",
            "kernels profile 6.18 'small move 2m' 'small copy 2m' --cache --size 128m --rounds 3 --timeout 900",
        ),
        (),
    ),
    MAP: (("kernels check --default",), ()),
    MAP_ARM64: (("kernels check --default --arch arm64",), ()),
}
"""Records of guests: the commands that measure, and those that show; of a record without these, what measured said."""
COMPARE = "jvm"
"""The record of a comparison, which is no result: its command is ``make compare-jvm``, of benchmarks/jvm."""
MAP_ROWS = (
    "mode-unknown",
    *("lazyfree-clean", "lazyfree-rewritten", "droppable-src", "droppable-register", "sealed", "locked-differs"),
    *("locked-both", "marker-guard-src", "marker-guard-dst", "marker-poison-src", "src-secret", "rwp-src", "rwp-dst"),
    *("enomem-page-table", "close-in-fault", "unregister-in-fault", "close-after-fill", "copy-short"),
    *("copy-event-remove", "event-remove", "event-remap-refused"),
)
"""Rows of the contract that the record of the map shows kernel by kernel; others only if one of them does not hold."""
MAP_COLUMNS = 240
WIDE = os.environ | {"COLUMNS": "140"}
"""Tables of pages need not fold."""
BEGIN = "<!-- record: {} -->\n"
END = "<!-- end of record -->\n"


def replaced(page: str, name: str, record: str) -> str:
    """A page's text with its record replaced.

    Args:
        page: its text.
        name: of the record.
        record: the new one.

    """
    before, rest = page.split(BEGIN.format(name))
    return before + BEGIN.format(name) + record + END + rest.split(END, 1)[1]


def text(command: str, result: dict[str, Any], table: str, commit: str) -> str:
    """A record as it stands in a page.

    Args:
        command: as a user types it.
        result: the result file's document.
        table: what ``gcproto show`` prints.
        commit: of the program.

    """
    environment, producer = result["environment"], result["producer"]
    cpu = environment["cpu"]
    rows = {
        "command": f"`{command}`",
        "date": producer["started"].replace("T", ", ")[:17] + " UTC",
        "machine": f"{cpu['allowed']} of {cpu['count']} CPUs, {cpu['model']}",
        "kernel": f"Linux {environment['kernel']['release']}",
        "commit": commit,
        "run": f"{result['run_id']}; {producer['seconds']:.0f} s",
    }
    head = "".join(f"| {name} | {value} |\n" for name, value in rows.items())
    return f"| | |\n|---|---|\n{head}\n```text\n{table.rstrip()}\n```\n"


def commit() -> str:
    """The program's commit; a plus sign says that files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def guest_text(commands: Sequence[str], results: Sequence[dict[str, Any]], shown: Sequence[str], commit: str) -> str:
    """A record of guests as it stands in a page.

    Args:
        commands: without ``gcproto``: those that measured, in order.
        results: documents of the result files.
        shown: what was printed.
        commit: of the program.

    """
    kernels = sorted({one["environment"]["kernel"]["release"] for one in results})
    seconds = sum(one["guest"]["seconds"] for one in results)
    host = results[0]["guest"]["host"]
    rows = {
        "commands": "<br>".join(f"`gcproto {command}`" for command in commands),
        "date": results[0]["producer"]["started"].replace("T", ", ")[:17] + " UTC",
        "machine": f"QEMU {host['qemu']}, TCG, on {host['cpu']}",
        "kernels": ", ".join(kernels),
        "commit": commit,
        "run": f"{len(results)} boots, {seconds:.0f} s",
    }
    head = "".join(f"| {name} | {value} |\n" for name, value in rows.items())
    blocks = "\n".join(f"```text\n{text.strip()}\n```\n" for text in shown)
    return f"| | |\n|---|---|\n{head}\n{blocks}"


def verdicts(files: Sequence[Path]) -> str:
    """The map of hazards and kernels of each platform, of all results, and rows of the contract below it.

    Args:
        files: of `gcproto kernels check`.

    """
    from rich.console import Console

    from gcproto.report.terminal.verdicts import print_map, print_rows
    from gcproto.results.facts import platform_of
    from gcproto.results.store import load

    out = io.StringIO()
    console, results = Console(file=out, width=MAP_COLUMNS, color_system=None), [load(file) for file in files]
    of_platform: dict[str, list[Result]] = {}
    for result in results:
        of_platform.setdefault(platform_of(result), []).append(result)
    for platform in sorted(of_platform, key=lambda name: (len(name), name)):
        print_map(of_platform[platform], console)
        print_rows(of_platform[platform], MAP_ROWS, console)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def measure_guests(name: str, kept: str = "") -> None:
    """Run a guest record's commands and put the record into its page.

    Args:
        name: of the record; its page is named by what stands before a dash.
        kept: folder of results that the commands made already; "": run them.

    Raises:
        subprocess.CalledProcessError: a command failed; the page stays as it is.

    """
    gcproto = (sys.executable, "-m", "gcproto.cli.main")
    measuring, showing = GUESTS[name]
    environment = os.environ | {"COLUMNS": "120"}
    with tempfile.TemporaryDirectory() as folder:
        said = []
        for command in () if kept else measuring:
            words = (*shlex.split(command), "--out", folder)
            done = subprocess.run([*gcproto, *words], check=True, env=environment, stdout=subprocess.PIPE, text=True)
            said.append(done.stdout)
        files = sorted(Path(kept or folder).glob("*.json"))
        for command in showing:
            words = tuple(shlex.split(command.format(shlex.quote(kept or folder))))
            done = subprocess.run([*gcproto, *words], check=True, env=environment, stdout=subprocess.PIPE, text=True)
            said.append(done.stdout)
        results = [msgspec.json.decode(file.read_bytes()) for file in files]
        parts = (
            [verdicts(files)]
            if name in {MAP, MAP_ARM64}
            else said[-len(showing) :]
            if showing
            else [_part(one) for one in said]
        )
    told = [command.format("results") for command in (*measuring, *showing)]
    made = guest_text(told, results, parts, commit())
    page = PAGES / f"{name.partition('-')[0]}.md"
    page.write_text(replaced(page.read_text(encoding="utf-8"), name, made), encoding="utf-8")
    print(f"{page.relative_to(ROOT)} has a new record: read the text around it again")


def _part(text: str) -> str:
    """Of what `kernels profile` prints, the tables of caches, or without them the table of events at the end."""
    events = text.rindex("Counted a page")
    lines = text[:events].splitlines(keepends=True)
    first = next((at for at, line in enumerate(lines) if "lines missed a page" in line), None)
    return text[events:] if first is None else "".join(lines[first:])


def measure(name: str) -> None:
    """Run a record's command and put the record into its page.

    Args:
        name: of the record.

    Raises:
        subprocess.CalledProcessError: the command failed; the page stays as it is.

    """
    program = (sys.executable, "-m", "benchmarks.jvm" if name == COMPARE else "gcproto.cli.main")
    words, show = ("", "--show") if name == COMPARE else (RECORDS[name], "show")
    typed = "make compare-jvm" if name == COMPARE else f"gcproto {words}"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*program, *words.split(), "--out", folder], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        (file,) = (one for one in Path(folder).glob("*.json") if not one.name.startswith("kernels-"))
        shown = subprocess.run(
            [*program, show, str(file)], check=True, capture_output=True, text=True, cwd=ROOT, env=WIDE
        )
        table = shown.stdout
        made = text(typed, msgspec.json.decode(file.read_bytes()), table, commit())
    page = PAGES / f"{name.partition('-')[0]}.md"
    page.write_text(replaced(page.read_text(encoding="utf-8"), name, made), encoding="utf-8")
    print(f"{page.relative_to(ROOT)} has a new record: read the text around it again")


def main(names: Sequence[str]) -> None:
    """Measure records anew.

    Args:
        names: of the records; none: all that need no guests.

    """
    known = [*RECORDS, *GUESTS, COMPARE]
    asked = [name.partition("=") for name in names or (*(one for one in RECORDS if one not in WITH_GUESTS), COMPARE)]
    unknown = {name for name, _, kept in asked if name not in known or (kept and name not in GUESTS)}
    if unknown:
        sys.exit(f"there is no record {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    for name, _, kept in asked:
        if name in GUESTS:
            measure_guests(name, kept)
        else:
            measure(name)


if __name__ == "__main__":
    main(sys.argv[1:])
