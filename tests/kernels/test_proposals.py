"""Our own changes of the kernel: they apply, they are clean by the kernel's own rules, and what they say is checked."""

import email.message
import mailbox
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from gcproto.errors import GcprotoError
from gcproto.kernels.build.patches import apply, collect
from tests.conftest import kernel_source

FOLDER = Path(__file__).parents[2] / "native/kernel"
POSTED = ("fix-brk", "fix-exclusive", "fix-pins", "series", "split-swapcache", "selftests", "man-pages")
MAILBOXES = ("fix-brk", "fix-exclusive", "fix-pins", "series", "split-swapcache")
"""Those whose files, one after the other, are a mailbox."""
THREADS = (
    "https://lore.kernel.org/linux-mm/20250219112519.92853-1-21cnbao@gmail.com/",
    "https://lore.kernel.org/linux-mm/20250220092101.71966-1-21cnbao@gmail.com/",
)
"""The fix of the swap cache as an RFC, where David Hildenbrand proposed whole folios, and as it was posted."""
ANOTHER = "man-pages"
"""Mails to another project, whose source is not that of the kernel."""
PORT = "series-7.2"
"""The series for 7.2: mails that are not posted."""
RENAMED = {"linear_anon_page_index(": "linear_page_index(", "pte_swp_clear_uffd(": "pte_swp_clear_uffd_wp("}
"""Functions of 7.3, and what 7.2 calls them."""
OF_THE_KERNEL = tuple(name for name in POSTED if name != ANOTHER)
MAILS = sorted(file for name in OF_THE_KERNEL for file in (FOLDER / name).glob("*.patch"))
LITMUS = sorted((FOLDER / "litmus").glob("*.litmus"))


def source(branch: str | None = None) -> Path:
    found = kernel_source(branch)
    assert found
    return found


def test_what_is_posted_says_who_signs_it_and_what_is_broken_says_so() -> None:
    for file in FOLDER.rglob("*.patch"):
        text = file.read_text()
        if file.parent.name in POSTED:
            assert "Signed-off-by: " in text or file.name.startswith("0000-"), file
            assert "NOT FOR USE" not in text
            assert "NOT FOR POSTING" not in text
        elif file.parent.name == PORT:
            assert "Signed-off-by: " in text, file
            assert "\n---\nNOT FOR POSTING: a port to 7.2" in text, file
        else:
            assert "NOT FOR USE" in text, file


def test_the_fixes_are_part_of_the_series() -> None:
    """The same changes, and the same tags: which commit they fix, and whether they are for stable kernels."""

    def changes(name: str, number: int) -> tuple[list[str], list[str]]:
        (file,) = (FOLDER / name).glob(f"{number:04}-*.patch")
        text = file.read_text()
        tags = re.findall(r"^(?:Fixes: |Cc: stable).*$", text, re.M)
        assert tags
        assert tags[0].startswith("Fixes: ")
        return tags, [line for line in text.splitlines() if re.match(r"[+-]\t", line)]

    assert changes("fix-exclusive", 1) == changes("series", 1)
    assert changes("fix-pins", 1) == changes("series", 2)


@pytest.mark.needs("kernel_source")
@pytest.mark.parametrize("name", OF_THE_KERNEL)
def test_each_applies_to_the_newest_source(name: str) -> None:
    others = {"selftests": "tools/testing/selftests/mm/uffd-unit-tests.c", "fix-brk": "mm/mmap.c"}
    assert others.get(name, "mm/userfaultfd.c") in apply(collect([FOLDER / name]), source())


def mails(name: str, folder: Path) -> list[email.message.Message]:
    """Mails of a folder's files, as `cat` makes a mailbox of them."""
    box = folder / f"{name}.mbox"
    box.write_text("".join(file.read_text() for file in sorted((FOLDER / name).glob("0*.patch"))))
    return list(mailbox.mbox(str(box), create=False))


@pytest.mark.parametrize("name", MAILBOXES)
def test_the_files_of_a_folder_are_a_mailbox(name: str, tmp_path: Path) -> None:
    found = mails(name, tmp_path)
    assert len(found) == len(list((FOLDER / name).glob("0*.patch")))
    subjects = [" ".join(str(one["subject"]).split()) for one in found]
    if len(found) > 1:
        numbers = [re.match(r"\[PATCH (\d+)/(\d+)\] ", one) for one in subjects]
        assert [one and (int(one[1]), int(one[2])) for one in numbers] == [
            (n, len(found) - 1) for n in range(len(found))
        ]
    first = found[0]
    assert "akpm@linux-foundation.org" in str(first["to"])
    for address in ("rppt@kernel.org", "peterx@redhat.com", "linux-mm@kvack.org", "linux-kernel@vger.kernel.org"):
        assert address in f"{first['to']} {first['cc']}", address
    texts = [str(one.get_payload()) for one in found]
    links = [texts[0].index(one) for one in THREADS if one in texts[0]]
    assert links or name == "fix-brk"  # which has nothing to do with folios
    assert "v7.3.4" in texts[0], "what it is based on"
    if len(found) == 1:
        assert re.search(r'^Fixes: [0-9a-f]{12} \("', texts[0], re.M)
        assert "\nTo reproduce" in texts[0] or "litmus" in texts[0], "how the bug is seen"
        assert all(texts[0].index("\n---\n") < one for one in links), "below the line: not for the log"


@pytest.mark.needs("kernel_source", "perl")
@pytest.mark.parametrize("name", MAILBOXES)
def test_the_mailbox_goes_to_those_that_the_kernel_names(name: str) -> None:
    (first, *_) = sorted((FOLDER / name).glob("0*.patch"))
    head = email.message_from_string(first.read_text())
    asked = [file for file in (FOLDER / name).glob("0*.patch") if not file.name.startswith("0000-")]
    command = ["perl", "scripts/get_maintainer.pl", "--nogit", "--nogit-fallback", "--no-rolestats", *map(str, asked)]
    done = subprocess.run(command, cwd=source(), capture_output=True, text=True, check=True)
    wanted = re.findall(r"[\w.+-]+@[\w.-]+", done.stdout)
    assert wanted
    sent = f"{head['to']} {head['cc']}"
    assert [one for one in wanted if one not in sent] == []


@pytest.mark.needs("kernel_source", "git")
@pytest.mark.parametrize("name", MAILBOXES)
def test_git_takes_the_mailbox(name: str, tmp_path: Path) -> None:
    """As a maintainer does, with `git am`; a cover letter has no diff and is omitted."""
    git_takes(name, source(), tmp_path / "tree")


@pytest.mark.needs("kernel_source_7.2", "git")
def test_git_takes_the_port(tmp_path: Path) -> None:
    git_takes(PORT, source("7.2"), tmp_path / "tree")


def git_takes(name: str, root: Path, tree: Path) -> None:
    """That `git am` makes what `kernels build` makes."""
    changed = apply(collect([FOLDER / name]), root)
    assert "mm/userfaultfd.c" in changed or name == "fix-brk"
    for file in changed:
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / file, tree / file)
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    box = [str(file) for file in sorted((FOLDER / name).glob("0*.patch")) if not file.name.startswith("0000-")]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "base"], ["am", "-q", *box]):
        subprocess.run(["git", *who, *words], cwd=tree, check=True, capture_output=True)
    assert {file: (tree / file).read_bytes() for file in changed} == changed


@pytest.mark.needs("kernel_source")
@pytest.mark.parametrize("file", sorted((FOLDER / "broken").glob("*.patch")), ids=lambda file: file.stem)
def test_each_broken_variant_applies_on_top(file: Path) -> None:
    right = apply(collect([FOLDER / "series"]), source())
    broken = apply(collect([FOLDER / "series", file]), source())
    assert [name for name in right if right[name] != broken[name]] == ["mm/userfaultfd.c"]


@pytest.mark.needs("kernel_source")
def test_the_bug_comes_back_without_what_ksm_does() -> None:
    together = apply(collect([FOLDER / "no-ksm-copy", FOLDER / "undo"]), source())
    assert set(together) == {"mm/ksm.c", "mm/userfaultfd.c"}


@pytest.mark.needs("kernel_source")
def test_each_patch_of_the_second_proposal_has_a_broken_variant() -> None:
    right = apply(collect([FOLDER / "split-swapcache"]), source())
    changed = []
    for file in sorted((FOLDER / "broken-split").glob("*.patch")):
        broken = apply(collect([FOLDER / "split-swapcache", file]), source())
        changed += [name for name in right if right[name] != broken[name]]
    assert sorted(changed) == ["mm/huge_memory.c", "mm/userfaultfd.c"]


def test_mails_to_the_project_of_manual_pages() -> None:
    """They go to its list, name their base, and follow its rules for pages: no long lines, each sentence on its own."""
    files = sorted((FOLDER / ANOTHER).glob("0*.patch"))
    texts = [file.read_text() for file in files]
    assert all("linux-man@vger.kernel.org" in text.partition("\n\n")[0] for text in texts)
    assert re.search(r"^Based on [0-9a-f]{12} \(man-pages-[\w.-]+\)", texts[0], re.M)
    for number, text in enumerate(texts, 1):
        assert f"[PATCH {number}/{len(texts)}] man/man2const/UFFDIO_MOVE.2const: " in text
        added = [line[1:] for line in text.splitlines() if line.startswith("+") and not line.startswith("+++")]
        assert added
        assert all(len(line) < 80 and line == line.rstrip() for line in added)
        assert not [line for line in added if re.search(r"\w[.:;] +[A-Za-z]", line)]


def test_checkpatch_sees_each_mail() -> None:
    """What is posted in a later folder is checked as well: all that has mails is in POSTED, or the port."""
    with_mails = {file.parent.name for file in FOLDER.rglob("*.patch") if file.read_text().startswith("From ")}
    assert with_mails <= {*MAILBOXES, ANOTHER, PORT}


@pytest.mark.parametrize("number", range(1, 10))
def test_the_port_is_that_of_the_series(number: int) -> None:
    """A change of the series goes into the port as well: its code differs in names, and in what 7.2 has not."""

    def parts(name: str) -> tuple[str, list[str]]:
        (file,) = (FOLDER / name).glob(f"{number:04}-*.patch")
        mail = email.message_from_string(file.read_text())
        _, _, title = " ".join(str(mail["subject"]).split()).partition("] ")
        return title, [line for line in str(mail.get_payload()).splitlines() if re.match(r"\+(?!\+\+ )", line)]

    title, lines = parts("series")
    for old, new in RENAMED.items():
        lines = [line.replace(old, new) for line in lines]
    port_title, port_lines = parts(PORT)
    assert port_title == title
    if "selftests" not in title:  # 7.2 has other helpers there
        of_rwp = re.compile(r"rwp|RWP|PAGE_NONE|pte_(?:swp_)?mkuffd\(|^\+\t*\}?$")
        assert [line for line in lines if line not in port_lines and not of_rwp.search(line)] == []
        assert [line for line in port_lines if line not in lines] == []


@pytest.mark.needs("kernel_source")
def test_what_kasan_must_report_applies_to_stock_and_to_the_series() -> None:
    for below in ([], [FOLDER / "series"]):
        changed = apply(collect([*below, FOLDER / "kasan"]), source())["mm/userfaultfd.c"]
        assert changed
        assert b"late_initcall(read_freed);" in changed


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
    checkpatch([file])


@pytest.mark.needs("kernel_source", "perl")
def test_checkpatch_is_content_with_the_port() -> None:
    checkpatch(sorted((FOLDER / PORT).glob("*.patch")))


def checkpatch(files: Sequence[Path]) -> None:
    """That the newest kernel's own check finds nothing."""
    command = ["perl", str(source() / "scripts/checkpatch.pl"), "--strict", "--no-tree", f"--root={source()}"]
    words = ["--ignore", "UNKNOWN_COMMIT_ID", "-q", *map(str, files)]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
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
