"""The compilation of our kernel patches in many configurations: what counts as a message, and what is compiled."""

from pathlib import Path

import pytest

from benchmarks import builds
from gcproto.kernels import cache
from gcproto.kernels.build import kconfig
from tests.conftest import kernel_source
from tests.support.tree_maker import diff, tree


def test_messages_do_not_depend_on_lines() -> None:
    said = """
  CC      mm/userfaultfd.o
/cache/objects/src/mm/userfaultfd.c: In function 'move_pages':
/cache/objects/src/mm/userfaultfd.c:1270:6: warning: unused variable 'nr' [-Wunused-variable]
../mm/userfaultfd.c:1300:9: error: too few arguments
make[2]: *** [mm/userfaultfd.o] Error 1
"""
    found = builds.messages(said)
    assert found == builds.messages(said.replace("1270", "1290"))
    assert list(found) == [
        "mm/userfaultfd.c: warning: unused variable 'nr' [-Wunused-variable]",
        "../mm/userfaultfd.c: error: too few arguments",
    ]


def test_options_that_depend_on_one_that_is_off_are_not_asked_for() -> None:
    without = kconfig.options(builds.fast(builds.NO_SWAP))
    assert without["CONFIG_SWAP"] == "n"
    assert not any(name.startswith("CONFIG_ZRAM_") for name in without)
    assert "CONFIG_ZRAM_BACKEND_LZ4" in kconfig.options(builds.fast())


def test_the_newest_source_of_a_branch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path))
    for text in ("7.2.9", "7.2.13", "7.3.4", "7.20.1"):
        folder = cache.folder("sources") / f"linux-{text}"
        folder.mkdir(parents=True)
        version, patchlevel, sublevel = text.split(".")
        (folder / "Makefile").write_text(f"VERSION = {version}\nPATCHLEVEL = {patchlevel}\nSUBLEVEL = {sublevel}\n")
    assert [file.parent.name for file in builds.sources("7.2")] == ["linux-7.2.9", "linux-7.2.13"]
    assert builds.sources(None)[-1].parent.name == "linux-7.20.1"
    assert builds.sources("7.4") == []


@pytest.mark.needs("kernel_source_7.2")
def test_the_port_is_compiled_for_its_branch() -> None:
    root = kernel_source("7.2")
    assert root
    folders = [builds.FOLDER / one for one in builds.PORTS["7.2"]]
    assert list(dict(builds.states(root, folders, last=True))) == ["stock", "series-7.2 9"]


@pytest.mark.needs("kernel_source")
def test_each_patch_is_compiled_once() -> None:
    """Patches of documentation and selftests change no object, and the fixes are part of the series."""
    root = kernel_source()
    assert root
    folders = [builds.FOLDER / one for one in builds.SERIES]
    found = dict(builds.states(root, folders, last=False))
    assert next(iter(found)) == "stock"
    assert len({tuple(files[name] for name in builds.OBJECTS) for files in found.values()}) == len(found)
    assert "series 7" in found
    assert "series 8" not in found
    assert "series 1" not in found
    (last,) = (
        files for name, files in builds.states(root, [Path(builds.FOLDER / "series")], last=True) if name != "stock"
    )
    assert last == found["series 7"]


def test_the_exit_code_of_an_unknown_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert builds.main(["unheard-of"]) == 2
    assert "unheard-of" in capsys.readouterr().out


def test_patches_that_are_not_there_and_a_copy_that_was_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path))
    root = cache.folder("sources") / "linux"
    tree(root)
    for name in builds.OBJECTS:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    assert builds.main(["fast", "--patches", str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().out
    (root / "tools").mkdir(exist_ok=True)
    (root / "tools/x.c").write_text("a\nint more;\n")
    series = tmp_path / "series"
    series.mkdir()
    (series / "x.patch").write_text(diff("tools/x.c", "a", "b"))

    def ended(_source: Path, target: Path, **_words: object) -> None:
        target.mkdir(parents=True)
        (target / "Makefile").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.copytree", ended)
    with pytest.raises(KeyboardInterrupt):
        builds.main(["fast", "--patches", str(series)])
    assert not (cache.folder("objects") / "src").exists()
