"""Our own changes of the kernel: they apply, they are clean by the kernel's own rules, and what they say is checked."""

import re
import subprocess
from pathlib import Path

import pytest

from gcproto.errors import GcprotoError
from gcproto.kernels.build.patches import apply, collect
from tests.conftest import kernel_source

FOLDER = Path(__file__).parents[2] / "native/kernel"
POSTED = ("fix-exclusive", "fix-pins", "series", "selftests")
MAILS = sorted(file for name in POSTED for file in (FOLDER / name).glob("*.patch"))
LITMUS = sorted((FOLDER / "litmus").glob("*.litmus"))


def source() -> Path:
    found = kernel_source()
    assert found
    return found


def test_what_is_posted_says_who_signs_it_and_what_is_broken_says_so() -> None:
    for file in FOLDER.rglob("*.patch"):
        text = file.read_text()
        if file.parent.name in POSTED:
            assert "Signed-off-by: " in text or file.name.startswith("0000-"), file
            assert "NOT FOR USE" not in text
        else:
            assert "NOT FOR USE" in text, file


def test_the_fixes_are_part_of_the_series() -> None:
    def changes(name: str, number: int) -> list[str]:
        (file,) = (FOLDER / name).glob(f"{number:04}-*.patch")
        return [line for line in file.read_text().splitlines() if re.match(r"[+-]\t", line)]

    assert changes("fix-exclusive", 1) == changes("series", 1)
    assert changes("fix-pins", 1) == changes("series", 2)


@pytest.mark.needs("kernel_source")
@pytest.mark.parametrize("name", POSTED)
def test_each_applies_to_the_newest_source(name: str) -> None:
    changed = "tools/testing/selftests/mm/uffd-unit-tests.c" if name == "selftests" else "mm/userfaultfd.c"
    assert changed in apply(collect([FOLDER / name]), source())


@pytest.mark.needs("kernel_source")
@pytest.mark.parametrize("file", sorted((FOLDER / "broken").glob("*.patch")), ids=lambda file: file.stem)
def test_each_broken_variant_applies_on_top(file: Path) -> None:
    right = apply(collect([FOLDER / "series"]), source())
    broken = apply(collect([FOLDER / "series", file]), source())
    assert [name for name in right if right[name] != broken[name]] == ["mm/userfaultfd.c"]


@pytest.mark.needs("kernel_source")
def test_a_broken_variant_needs_the_series() -> None:
    with pytest.raises(GcprotoError, match="does not apply"):
        apply(collect([FOLDER / "broken" / "anon-not-checked.patch"]), source())


@pytest.mark.needs("kernel_source", "perl")
@pytest.mark.parametrize(
    "file", [file for file in MAILS if not file.name.startswith("0000-")], ids=lambda f: f.name[:40]
)
def test_checkpatch_is_content(file: Path) -> None:
    """With --strict.  It can't look up commits, as the source is not a git tree."""
    command = ["perl", str(source() / "scripts/checkpatch.pl"), "--strict", "--no-tree", f"--root={source()}"]
    done = subprocess.run(
        [*command, "--ignore", "UNKNOWN_COMMIT_ID", "-q", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.needs("herd7")
@pytest.mark.parametrize("file", [file for file in LITMUS if "arm64" in file.name], ids=lambda file: file.stem)
def test_litmus_tests_have_the_results_that_they_state(file: Path) -> None:
    """In instructions of arm64.  Those in the kernel's C need its own model: tools/memory-model in its source."""
    done = subprocess.run(["herd7", str(file)], capture_output=True, text=True, check=True)
    stated = re.search(r"Result: (\w+)", file.read_text())
    seen = re.search(r"^Observation \S+ (\w+)", done.stdout, re.M)
    assert stated
    assert seen
    assert seen[1] == stated[1]
