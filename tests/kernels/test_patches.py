"""Patches: as files, mailboxes and folders; what they make of a tree, and what they leave alone when they fail."""

from pathlib import Path

import pytest

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.build.patches import apply, collect
from tests.support.tree_maker import diff, mail, tree

ONE = diff("one.c", "int one;", "int changed;")
TWO = diff("two.c", "int two;", "int other;")


def test_a_bare_diff(tmp_path: Path) -> None:
    file = tmp_path / "x.diff"
    file.write_text(ONE)
    (patch,) = collect([file])
    assert (patch.name, patch.touched) == ("x.diff", ["one.c"])


def test_a_mailbox_is_taken_in_the_order_of_its_numbers_without_the_cover_letter(tmp_path: Path) -> None:
    box = tmp_path / "series.mbox"
    cover = mail("[PATCH 0/2] cover", " 2 files changed\n", 0)
    box.write_text(mail("[PATCH 2/2] second", TWO, 2) + cover + mail("[PATCH 1/2] first", ONE, 1))
    assert [patch.name for patch in collect([box])] == ["[PATCH 1/2] first", "[PATCH 2/2] second"]


def test_a_mail_that_was_sent_in_quoted_printable(tmp_path: Path) -> None:
    body = diff("one.c", "int one;", "int x =3D 1;")
    head = "From: A <a@b.org>\nSubject: x\nContent-Type: text/plain; charset=utf-8\n"
    (tmp_path / "m.eml").write_text(head + "Content-Transfer-Encoding: quoted-printable\n\n" + body)
    made = apply(collect([tmp_path / "m.eml"]), tree(tmp_path / "t"))
    assert made == {"one.c": b"int x = 1;\nint more;\n"}


def test_a_folder_with_a_series_and_one_without(tmp_path: Path) -> None:
    for name, text in (("b.patch", ONE), ("a.patch", TWO), ("notes.txt", "no patch")):
        (tmp_path / name).write_text(text)
    assert [patch.name for patch in collect([tmp_path])] == ["a.patch", "b.patch"]
    (tmp_path / "series").write_text("# order\nb.patch -p1\n\na.patch\n")
    assert [patch.name for patch in collect([tmp_path])] == ["b.patch", "a.patch"]


def test_what_is_no_patch_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.patch").write_text("hello\n")
    with pytest.raises(GcprotoError, match="there is no patch in") as caught:
        collect([tmp_path / "x.patch"])
    assert caught.value.code == ExitCode.USAGE


def test_files_are_made_changed_and_deleted_and_the_tree_is_only_read(tmp_path: Path) -> None:
    root = tree(tmp_path / "t")
    new = "--- /dev/null\n+++ b/mm/new.c\n@@ -0,0 +1 @@\n+int made;\n"
    gone = "--- a/mm/three.h\n+++ /dev/null\n@@ -1 +0,0 @@\n-/* three */\n"
    (tmp_path / "x.patch").write_text(ONE + new + gone)
    assert apply(collect([tmp_path / "x.patch"]), root) == {
        "one.c": b"int changed;\nint more;\n",
        "mm/new.c": b"int made;\n",
        "mm/three.h": None,
    }
    assert (root / "one.c").read_text() == "int one;\nint more;\n"
    assert (root / "mm/three.h").exists()


def test_patches_build_on_each_other(tmp_path: Path) -> None:
    (tmp_path / "1.patch").write_text(ONE)
    (tmp_path / "2.patch").write_text(diff("one.c", "int changed;", "int again;"))
    patches = collect([tmp_path / "1.patch", tmp_path / "2.patch"])
    assert apply(patches, tree(tmp_path / "t")) == {"one.c": b"int again;\nint more;\n"}


def test_one_that_does_not_apply_says_what_patch_says(tmp_path: Path) -> None:
    (tmp_path / "x.patch").write_text(diff("one.c", "int elsewhere;", "int x;"))
    with pytest.raises(GcprotoError, match=r"x.patch does not apply") as caught:
        apply(collect([tmp_path / "x.patch"]), tree(tmp_path / "t"))
    assert "Hunk #1 FAILED" in caught.value.why
    assert caught.value.code == ExitCode.USAGE


def test_a_hunk_is_not_forced_into_another_context(tmp_path: Path) -> None:
    text = "--- a/one.c\n+++ b/one.c\n@@ -1,2 +1,3 @@\n int one;\n+int new;\n int no_such_context;\n"
    (tmp_path / "x.patch").write_text(text)
    with pytest.raises(GcprotoError, match="does not apply"):
        apply(collect([tmp_path / "x.patch"]), tree(tmp_path / "t"))


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd"])
def test_a_patch_stays_in_the_tree(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.patch").write_text(f"--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n-a\n+b\n")
    with pytest.raises(GcprotoError, match="outside of the tree"):
        apply(collect([tmp_path / "x.patch"]), tree(tmp_path / "t"))
