"""Hashes of the code that measures, for results: the same for the cffi module and ``gcprobe``.  Needs only Python.

Each lab has its own hash, so a change of the heap starts no new series of paths.  The declarations, on which compiled
Python code relies, have another.  Comments do not count.

As a program it prints the defines that the Makefile passes to the compiler for ``gcprobe``.
"""

import hashlib
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent

FLOOR = ("base", "uffd")
LABS = {
    "paths": (*FLOOR, "paths"),
    "heap": (*FLOOR, "heap"),
    "contract": (*FLOOR, "paths", "trial", "contract"),
}
"""Folders of the sources of each lab."""

COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\')', re.S)
DECLARED = re.compile(r"/\* cdef:begin \*/(.*?)/\* cdef:end \*/", re.S)


def code_of(text: str) -> str:
    """C text without its comments and its layout."""
    return " ".join(COMMENT.sub(lambda found: found[1] or " ", text).split())


def declarations(header: Path) -> str:
    """The part of a header that Python sees."""
    return "\n".join(DECLARED.findall(header.read_text(encoding="utf-8")))


def _hash(parts: dict[str, str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(parts):
        digest.update(name.encode() + b"\0" + code_of(parts[name]).encode() + b"\0")
    return digest.hexdigest()[:16]


def code_hash(lab: str) -> str:
    """Hash of the C sources of a lab.

    Args:
        lab: one of ``LABS``.

    """
    files = [path for folder in LABS[lab] for path in (HERE / folder).glob("**/*.[ch]")]
    return _hash({str(path.relative_to(HERE)): path.read_text(encoding="utf-8") for path in files})


def layout_hash() -> str:
    """Hash of all declarations: structures, enumerations and functions."""
    return _hash({str(path.relative_to(HERE)): declarations(path) for path in HERE.glob("**/*.h")})


def defines(flags: str) -> list[tuple[str, str]]:
    """Macros of ``base/build_info.c`` for these compiler flags."""
    hashes = {f"GCP_HASH_{lab.upper()}": code_hash(lab) for lab in LABS} | {"GCP_HASH_LAYOUT": layout_hash()}
    return [*((name, f'"{value}"') for name, value in hashes.items()), ("GCP_BUILD_FLAGS", f'"{flags}"')]


if __name__ == "__main__":
    sys.stdout.write(" ".join(f"-D{name}='{value}'" for name, value in defines("-std=gnu11 -O2 -g -static")) + "\n")
