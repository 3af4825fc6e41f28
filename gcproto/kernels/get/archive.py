"""The current content of Debian's archive, from apt with its own state: the system's configuration is not changed.

apt checks the archive's signatures; the SHA256 of each package comes from the signed index.
"""

import datetime
import os
import shutil
from pathlib import Path

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.architecture import AMD64, Architecture
from gcproto.kernels.get.catalog import Lock, Package, group, sources
from gcproto.process import tools

MIRROR = "http://deb.debian.org"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SUITES = {
    "debian": (
        "bookworm",
        "bookworm-backports",
        "trixie",
        "trixie-backports",
        "forky",
        "sid",
        "experimental",
    ),
    "debian-security": ("bookworm-security", "trixie-security"),
}


def mirror() -> str:
    """The mirror of packages: ``GCPROTO_MIRROR``, or Debian's own."""
    return os.environ.get("GCPROTO_MIRROR", MIRROR).rstrip("/")


def url(package: Package) -> str:
    """Of a package's file."""
    return f"{mirror()}/{package.archive}/{package.file}"


def _configuration(folder: Path, architecture: str) -> Path:
    """Configuration of apt: all state below `folder`; the indexes of one architecture, no translations.

    Indexes may be older than their Valid-Until: testing and unstable are renewed for two weeks only, and a mirror may
    lag. Signatures are still checked.
    """
    for name in ("lists/partial", "cache/archives/partial", "parts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    sources = [
        f"deb [signed-by={KEYRING}] {mirror()}/{archive} {suite} main\n"
        for archive, suites in SUITES.items()
        for suite in suites
    ]
    (folder / "sources.list").write_text("".join(sources))
    file = folder / "apt.conf"
    file.write_text(
        f'Dir::Etc::sourcelist "{folder}/sources.list";\n'
        f'Dir::Etc::sourceparts "{folder}/parts";\n'
        f'Dir::State::Lists "{folder}/lists";\n'
        f'Dir::Cache "{folder}/cache";\n'
        'Dir::State::status "/dev/null";\n'
        'APT::Sandbox::User "";\n'
        'Acquire::Check-Valid-Until "false";\n'
        'Acquire::Languages "none";\n'
        f'APT::Architecture "{architecture}";\n'
        f'APT::Architectures {{ "{architecture}"; }};\n'
    )
    return file


def _apt(configuration: Path, *command: str) -> str:
    done = tools.run(command, environment=os.environ | {"APT_CONFIG": str(configuration), "LC_ALL": "C"})
    if done.code or "\nE:" in done.err or "\nW: Failed to fetch" in "\n" + done.err:
        lines = [line for line in done.err.splitlines() if line.startswith(("E:", "W:"))]
        raise GcprotoError(
            "Debian's archive can't be asked",
            why="; ".join(lines[:3]) or f"{command[0]} ended with exit code {done.code}",
            remedy=f"is {mirror()} reachable? GCPROTO_MIRROR names another mirror",
        )
    return done.out


def ask(folder: Path, architecture: Architecture = AMD64) -> Lock:
    """The kernels of an architecture, and the sources, that the archive has now.

    Args:
        folder: for apt's state, made if it is missing; 90 MB. Each architecture needs its own.
        architecture: the row.

    Raises:
        GcprotoError: apt or the archive's keys are missing, or the archive can't be reached.

    """
    if not shutil.which("apt-get"):
        raise GcprotoError(
            "the archive is asked with apt, which is not installed",
            remedy="kernels of the lock file can be fetched without it; --refresh needs Debian or a derivative",
        )
    if not KEYRING.exists():
        raise GcprotoError(
            f"{KEYRING} is missing, so the archive's signatures can't be checked",
            remedy="apt-get install debian-archive-keyring",
        )
    try:
        configuration = _configuration(folder, architecture.name)
    except OSError as error:
        raise GcprotoError(f"{folder} can't be written", why=str(error), code=ExitCode.WRITE) from error
    _apt(configuration, "apt-get", "update", "-q")
    flavours = "|".join(one.name for one in architecture.flavours)
    # A release of Debian itself ends in +deb13 or a digit: `-rt-arm64-16k` is another flavour.
    pattern = f"^linux-((image|binary|modules)-[0-9][^-]*(-[0-9]+)?-({flavours})|(source|config)-[0-9.]+)$"
    names = [line.split()[0] for line in _apt(configuration, "apt-cache", "search", "-n", pattern).splitlines()]
    suites = _suites(_apt(configuration, "apt-cache", "madison", *names))
    records = _apt(configuration, "apt-cache", "show", *names)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    packages = _packages(records, suites)
    return Lock(today, group(packages, architecture), sources(packages, architecture))


def _suites(text: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Archive and suite of each package and version: ``name | version | http://host/debian trixie/main amd64 ...``."""
    found = {}
    for line in text.splitlines():
        name, version, where = (part.strip() for part in line.split("|"))
        place = where.split()
        if place[-1] == "Packages":
            found[name, version] = (place[0].rstrip("/").rsplit("/", 1)[1], place[1].split("/")[0])
    return found


def _packages(text: str, suites: dict[tuple[str, str], tuple[str, str]]) -> list[tuple[Package, str]]:
    """The newest version of each package: apt prints it first."""
    from debian.deb822 import Packages

    found: dict[str, tuple[Package, str]] = {}
    for record in Packages.iter_paragraphs(text, use_apt_pkg=False):
        name, version = record["Package"], record["Version"]
        if name in found or (name, version) not in suites:
            continue
        archive, suite = suites[name, version]
        package = Package(name, version, archive, record["Filename"], int(record["Size"]), record["SHA256"])
        found[name] = (package, suite)
    return list(found.values())
