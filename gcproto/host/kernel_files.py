"""Small files of /sys and /proc: read them, or get None; and the value that is chosen in a list of choices."""

from pathlib import Path

THP = Path("/sys/kernel/mm/transparent_hugepage")


def read(path: Path | str) -> str | None:
    """Text of a file without the final newline; None if it is missing or not readable."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").rstrip("\n")
    except OSError:
        return None


def chosen(text: str) -> str:
    """``madvise`` of ``always [madvise] never``; other texts unchanged."""
    start, end = text.find("["), text.find("]")
    return text[start + 1 : end] if 0 <= start < end else text.strip()


def read_choice(path: Path | str) -> str | None:
    """The chosen value in a file, None if it can't be read."""
    text = read(path)
    return None if text is None else chosen(text)


def mthp_files() -> dict[int, Path]:
    """``enabled`` of each size of anonymous folios: KiB to file, smallest first."""
    found = {}
    for folder in THP.glob("hugepages-*kB"):
        size = folder.name.removeprefix("hugepages-").removesuffix("kB")
        if size.isdigit() and (folder / "enabled").exists():
            found[int(size)] = folder / "enabled"
    return dict(sorted(found.items()))
