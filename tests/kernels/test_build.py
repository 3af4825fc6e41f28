"""Building kernels, with a tree in miniature: what is compiled again, what is kept, and what failures leave behind."""

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64, ARM64
from gcproto.kernels.build import built, kconfig, source, worktree
from gcproto.kernels.build.build import BuildParameters, _failed, build, need_tools
from gcproto.kernels.build.patches import Patch
from gcproto.kernels.guest import programs, root
from gcproto.kernels.profile import plugin
from gcproto.process import tools
from tests.support.deb_maker import kernel_files, offer
from tests.support.tree_maker import diff, tree

ONE = Patch("one", diff("one.c", "int one;", "int changed;").encode())
BAD = Patch("bad", diff("one.c", "int one;", "#error").encode())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty cache and a tree; the tools of a real build are taken as given."""
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("gcproto.kernels.build.build.need_tools", lambda *_row: "gcc 1")
    tree(tmp_path / "tree")
    return tmp_path


def made(home: Path, name: str = "mine", patches: Sequence[Patch] = (), words: Sequence[str] = ()) -> built.Built:
    origin = source.given(home / "tree")
    return build(BuildParameters(name, origin, kconfig.chosen(words), tuple(patches), 2), lambda *_: None)


def compiled() -> list[str]:
    """Objects of the last build."""
    (tree_folder,) = cache.folder("trees").iterdir()
    return sorted(line.split()[1] for line in (tree_folder / "build.log").read_text().splitlines() if "CC" in line)


def test_a_kernel_is_in_the_catalog_with_all_that_it_was_built_from(home: Path) -> None:
    one = made(home, patches=[ONE])
    assert (one.release, one.name, one.upstream) == ("7.3.4-mine", "mine", "7.3.4")
    assert one.patches == (("one", ONE.sha256),)
    assert built.find("mine") == built.find("7.3.4-mine") == one
    assert one.local.swap
    assert one.local.builtin == ("lzo-rle", "zram", "loop")
    assert Path(one.local.vmlinuz).exists()
    assert compiled() == ["one.o", "two.o"]


def test_a_name_alone_means_the_smallest_pages_and_then_the_newest(home: Path) -> None:
    one = made(home)
    for pages, written in ((4096, "1"), (16384, "3"), (4096, "2")):
        other = msgspec.structs.replace(
            one, release=f"7.3.4-x{written}-arm64", architecture="arm64", page_size=pages, written=written
        )
        built.keep(other, one.home / "vmlinuz", one.home / "config")
    found = built.find("mine", "arm64")
    assert found
    assert found.release == "7.3.4-x2-arm64"
    larger = built.find("mine", "arm64", 16384)
    assert larger
    assert larger.release == "7.3.4-x3-arm64"
    assert built.find("mine") == one


def test_only_what_a_patch_touches_is_compiled_again_also_on_the_way_back(home: Path) -> None:
    made(home, "stock")
    made(home, "patched", [ONE])
    assert compiled() == ["one.o"]
    made(home, "back")
    assert compiled() == ["one.o"]
    (src,) = cache.folder("trees").glob("*/src")
    assert (src / "one.c").read_text() == "int one;\nint more;\n"


def test_what_was_built_from_the_same_is_not_built_again(home: Path) -> None:
    first = made(home, "mine", [ONE])
    assert made(home, "mine", [ONE]) == first
    assert made(home, "mine") != first


def test_an_edited_tree_is_seen(home: Path) -> None:
    made(home)
    (home / "tree/two.c").write_text("int edited;\n")
    made(home)
    assert compiled() == ["two.o"]
    (home / "tree/two.c").unlink()
    made(home)
    assert compiled() == []


def test_a_patch_that_does_not_compile_ends_with_the_compilers_message(home: Path) -> None:
    before = made(home, "mine")
    with pytest.raises(GcprotoError, match="does not build") as caught:
        made(home, "mine", [BAD])
    assert "one.c:1:2: error: #error on purpose" in caught.value.why
    assert str(home) not in caught.value.why
    assert caught.value.code == ExitCode.USAGE
    assert built.all_built() == [before]
    made(home, "other", [ONE])  # the tree is as good as before
    assert compiled() == ["one.o"]


def test_a_patch_that_does_not_apply_leaves_the_tree_alone(home: Path) -> None:
    made(home)
    (record,) = cache.folder("trees").glob("*/source.json")
    before = record.read_bytes()
    with pytest.raises(GcprotoError, match="does not apply"):
        made(home, patches=[Patch("no", diff("one.c", "int no;", "x").encode())])
    assert record.read_bytes() == before


def test_options_that_the_source_does_not_have_are_said(home: Path) -> None:
    fragment = home / "more.config"
    fragment.write_text("CONFIG_NOT_HERE=y\n# CONFIG_ZRAM is not set\n")
    one = made(home, words=[str(fragment)])
    assert one.missing == ("CONFIG_NOT_HERE=y",)
    assert not one.local.swap
    assert one.config == ("fast", str(fragment))


def test_configurations_by_name_and_path(home: Path) -> None:
    assert kconfig.chosen([]).key == "fast"
    assert kconfig.chosen(["debug"]).names == ("fast", "stress", "debug")
    assert kconfig.chosen(["debug"]).asked["CONFIG_KSM"] == "n"  # the later fragment has the last word
    assert kconfig.chosen(["kasan"]).asked["CONFIG_KASAN"] == "y"
    assert kconfig.chosen(["kasan"]).asked["CONFIG_KSM"] == "y", "so that the stress merges pages on one of them"
    assert kconfig.chosen(["kcsan"]).names == ("fast", "stress", "kcsan")
    for word in ("debug", "kasan", "kcsan"):
        asked = kconfig.chosen([word]).asked
        parts = ("ZSWAP", "NUMA_BALANCING", "MEMORY_FAILURE", "X86_MCE", "X86_64_ACPI_NUMA")
        assert {asked[f"CONFIG_{part}"] for part in parts} == {"y"}
    assert "CONFIG_X86_MCE" not in kconfig.chosen(["debug"], ARM64).asked
    with pytest.raises(GcprotoError, match="there is no configuration 'nothing'"):
        kconfig.chosen(["nothing"])
    (home / "empty").write_text("hello\n")
    with pytest.raises(GcprotoError, match="is not a configuration"):
        kconfig.chosen([str(home / "empty")])


@pytest.mark.parametrize("name", ["", "a b", "Upper", "-x", "a/b", "x" * 33])
def test_names_that_can_be_no_part_of_a_release(name: str) -> None:
    with pytest.raises(GcprotoError, match="can't be named"):
        built.check_name(name)


def test_what_is_no_tree_is_said(tmp_path: Path) -> None:
    with pytest.raises(GcprotoError, match="is not a kernel tree"):
        source.given(tmp_path)


def test_missing_tools_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GcprotoError, match="kernels can't be built here") as caught:
        need_tools()
    assert caught.value.remedy.startswith("apt-get install")
    assert "flex" in caught.value.remedy


def test_a_full_disk_is_said(home: Path) -> None:
    text = "*** cc1: error: closing file: No space left on device"
    (home / "tree/Makefile").write_text(
        f"VERSION = 7\ntinyconfig olddefconfig:\n\t@touch $(O)/.config\nbzImage:\n\t@echo '{text}' >&2; exit 2\n"
    )
    with pytest.raises(GcprotoError, match="can't be built") as caught:
        made(home)
    assert caught.value.code == ExitCode.WRITE


@pytest.mark.parametrize(
    "work",
    [
        lambda folder: kconfig._run(["make"]),  # noqa: ARG005
        lambda folder: plugin._compile(["cc"], folder, folder / "plugin"),
        lambda folder: programs._compile("cc", folder, folder, AMD64),
        lambda folder: root._run(["mmdebstrap"], "no root", "is the archive reachable?"),  # noqa: ARG005
    ],
    ids=["configuration", "profiler", "programs", "root"],
)
def test_a_full_disk_is_said_whatever_is_made(
    work: Callable[[Path], object], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "ld: final link failed: No space left on device"
    monkeypatch.setattr("gcproto.process.tools.run", lambda *_, **__: tools.Done(1, "", text))
    with pytest.raises(GcprotoError) as caught:
        work(home)
    assert caught.value.code == ExitCode.WRITE
    assert "free some space" in caught.value.remedy


def test_links_into_a_source_that_never_changes_are_never_written_through(home: Path) -> None:
    origin = source.Origin("fixed", "x", str(home / "tree"), "identity")
    folder, record = home / "copy", home / "copy.json"
    digest, written = worktree.sync(origin, {}, folder, record)
    assert (folder / "one.c").samefile(home / "tree/one.c")
    assert "one.c" in written
    other, written = worktree.sync(origin, {"one.c": b"patched\n", "new.c": b"new\n", "two.c": None}, folder, record)
    assert sorted(written) == ["new.c", "one.c", "two.c"]
    assert other != digest
    assert (home / "tree/one.c").read_text() == "int one;\nint more;\n"
    again, written = worktree.sync(origin, {}, folder, record)
    assert sorted(written) == ["new.c", "one.c", "two.c"]
    assert again == digest
    assert not (folder / "new.c").exists()
    assert (folder / "two.c").read_text() == "int two;\nint more;\n"
    # What is back is newer than any object that was made of the patched one.
    assert (folder / "one.c").stat().st_mtime > 1_500_000_000


def test_an_interrupted_sync_is_mended(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = source.given(home / "tree")
    folder, record = home / "copy", home / "copy.json"
    worktree.sync(origin, {}, folder, record)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(worktree, "_write", fail)
    with pytest.raises(KeyboardInterrupt):
        worktree.sync(origin, {"one.c": b"patched\n"}, folder, record)
    monkeypatch.undo()
    (folder / "one.c").write_text("half")
    worktree.sync(origin, {}, folder, record)
    assert (folder / "one.c").read_text() == "int one;\nint more;\n"


def test_a_git_tree_gives_what_git_knows_and_nothing_built(home: Path) -> None:
    folder = home / "tree"
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    (folder / ".gitignore").write_text("*.tmp\n")
    (folder / "junk.tmp").write_text("x")
    (folder / "new.c").write_text("int n;\n")
    names = {name for name, _ in source.files(source.given(folder))}
    assert {"one.c", "new.c", "mm/three.h"} <= names
    assert not {"junk.tmp", ".git/HEAD"} & names


def test_one_build_at_a_time_in_a_tree(home: Path) -> None:
    told: list[str] = []
    origin = source.given(home / "tree")

    def run(name: str) -> None:
        build(BuildParameters(name, origin, kconfig.chosen([]), (), 1), lambda what, *_: told.append(what))

    threads = [threading.Thread(target=run, args=(f"k{i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.name for one in built.all_built()} == {"k0", "k1", "k2"}


def test_a_source_package_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gcproto.kernels.get.catalog import Source

    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    tree(tmp_path / "linux-source-7.3")
    inner = tmp_path / "inner.tar.xz"
    subprocess.run(["tar", "-cJf", inner, "-C", tmp_path, "linux-source-7.3"], check=True)
    package = offer(tmp_path / "m", {"usr/src/linux-source-7.3.tar.xz": inner.read_bytes()}, "linux-source-7.3")
    monkeypatch.setattr(
        "gcproto.kernels.build.source.download", lambda _what, one, _progress: tmp_path / "m/debian" / one.file
    )
    found = source.fetched(Source("7.3", "7.3.4", "trixie-backports", package))
    assert source.version(Path(found.folder)) == "7.3.4"
    assert found.fixed
    (tmp_path / "m/debian" / package.file).unlink()
    assert source.fetched(Source("7.3", "7.3.4", "trixie-backports", package)) == found
    assert (Path(found.folder) / "one.c").exists()


def test_a_package_without_a_source_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gcproto.kernels.get.catalog import Source

    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    package = offer(tmp_path / "m", kernel_files(), "linux-source-7.3")
    monkeypatch.setattr(
        "gcproto.kernels.build.source.download", lambda _what, one, _progress: tmp_path / "m/debian" / one.file
    )
    with pytest.raises(GcprotoError, match="holds no linux-source"):
        source.fetched(Source("7.3", "7.3.4", "x", package))
    assert list(cache.folder("sources").iterdir()) == []


@pytest.mark.needs("kernel_tools")
def test_through_the_command(home: Path, tmp_path: Path) -> None:
    patch = tmp_path / "x.patch"
    patch.write_bytes(ONE.text)
    command = [sys.executable, "-m", "gcproto.cli.main", "kernels"]

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *map(str, words)], capture_output=True, text=True, check=False)

    need = run("build", "--source", home / "tree", "--patch", patch)
    assert need.returncode == 0, need.stderr
    assert "7.3.4-patched: " in need.stdout
    listed = run("list", "--here").stdout
    assert "7.3.4-patched" in listed
    assert "built here: fast, 1" in listed
    assert run("build", "--forget", "patched").returncode == 0
    assert run("build", "--forget", "patched").returncode == ExitCode.USAGE
    bad = run("build", "--source", home / "tree", "--name", "No")
    assert bad.returncode == ExitCode.USAGE
    assert "Traceback" not in bad.stderr


@pytest.mark.parametrize(
    ("code", "errors"), [(-9, []), (2, ["gcc: fatal error: Killed signal terminated program cc1"])]
)
def test_a_build_that_was_killed_is_no_fault_of_the_source(tmp_path: Path, code: int, errors: list[str]) -> None:
    """A bisection skips sources that do not compile (exit code of usage), and nothing else."""
    failed = _failed(errors, code, tmp_path)
    assert failed.code == ExitCode.UNABLE
    assert _failed(["one.c:1: error: x"], 2, tmp_path).code == ExitCode.USAGE
