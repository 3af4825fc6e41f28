"""Make the dumps of docs/results/dumps.md: programs run in a JVM and dump their own heap, the dead objects as well.

python -m benchmarks.dumps FOLDER [javac|service|xml|large|small]...        all of them but large, without names

A JDK with its sources (src.zip) is needed.  A dump that is there already is made again.
"""

import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from gcproto.errors import ExitCode, GcprotoError
from gcproto.process.tools import run

SOURCE = Path(__file__).with_name("Dumps.java")
PACKAGES = ("java.base/java/util/", "java.base/java/time/", "java.base/java/text/")
"""What javac compiles: packages of the JDK itself."""
PROGRAMS = {
    "javac": ("-Xmx512m", ["javac", "SOURCES"]),
    "service": ("-Xmx384m", ["service", "60000", "400000"]),
    "xml": ("-Xmx320m", ["xml", "24", "6000"]),
    "small": ("-Xmx8m", ["service", "200", "2500"]),
    "large": ("-Xmx2g", ["large", "5500000"]),
}
USUAL = ("javac", "service", "xml")


def _home(*, sources: bool) -> Path:
    """The JDK of PATH; where sources are needed and it has none, another one beside it that has them."""
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        raise GcprotoError("no JDK", why="there is no java and javac in PATH", remedy="install a JDK with src.zip")
    home = Path(java).resolve().parent.parent
    others = [one for one in sorted(home.parent.iterdir()) if (one / "bin" / "javac").exists()]
    if not sources:
        return home
    found = [one for one in (home, *others) if (one / "lib" / "src.zip").exists()]
    if not found:
        raise GcprotoError("no JDK has its sources", why=f"there is no lib/src.zip in {home.parent}/*")
    return found[0]


def _sources(folder: Path) -> Path:
    with zipfile.ZipFile(_home(sources=True) / "lib" / "src.zip") as file:
        wanted = [name for name in file.namelist() if name.startswith(PACKAGES)]
        file.extractall(folder, wanted)
    return folder / "java.base"


def _run(command: Sequence[str]) -> None:
    done = run(command)
    if done.code:
        raise GcprotoError(f"{command[0]} failed", why=(done.err or done.out).strip()[-500:])


def make(folder: Path, names: Sequence[str]) -> list[Path]:
    """Make dumps.

    Args:
        folder: where they are written, ``NAME.hprof``.
        names: of PROGRAMS.

    Returns:
        their files.

    Raises:
        GcprotoError: there is no JDK, or a program fails.

    """
    made = []
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        for name in names:
            memory, words = PROGRAMS[name]
            tools = _home(sources="SOURCES" in words) / "bin"
            _run([str(tools / "javac"), "-d", work, str(SOURCE)])
            file = (folder / f"{name}.hprof").absolute()
            file.unlink(missing_ok=True)
            asked = [str(_sources(Path(work))) if word == "SOURCES" else word for word in words]
            collector = "-XX:+UseSerialGC" if name == "small" else "-XX:+UseG1GC"
            _run([str(tools / "java"), collector, memory, "-cp", work, "Dumps", str(file), *asked])
            made.append(file)
    return made


def main(words: Sequence[str]) -> int:
    """The command; returns its exit code."""
    if not words or not set(words[1:]) <= set(PROGRAMS):
        print(__doc__)
        return ExitCode.USAGE
    try:
        for file in make(Path(words[0]), words[1:] or USUAL):
            print(f"{file} {file.stat().st_size >> 20} MiB")
    except GcprotoError as error:
        print(error, file=sys.stderr)
        return error.code
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
