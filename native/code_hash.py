"""The hash of what measures, for results: the same for both doors of the engine.  Needs nothing but Python.

Called as a program it prints the defines that the Makefile gives to the compiler for ``gcprobe``.
"""

import hashlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

PROGRAMS = {"gcprobe.c", "gcprobe_json.c"}
"""Not part of the library."""


def code_hash() -> str:
    """Hash of the C sources but for the contract rows and the front doors, which measure nothing."""
    digest = hashlib.sha256()
    for path in sorted([*HERE.glob("*.c"), *HERE.glob("*.h")]):
        if path.name not in PROGRAMS:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def defines(flags: str) -> list[tuple[str, str]]:
    """Macros of ``build_info.c`` for these compiler flags."""
    return [("GCP_BUILD_HASH", f'"{code_hash()}"'), ("GCP_BUILD_FLAGS", f'"{flags}"')]


if __name__ == "__main__":
    sys.stdout.write(" ".join(f"-D{name}='{value}'" for name, value in defines("-std=gnu11 -O2 -g -static")) + "\n")
