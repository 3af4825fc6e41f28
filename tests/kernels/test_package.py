"""Packages of kernels: which kernels boot a machine, what is packed, its names, and what failures leave behind."""

import errno
import gzip
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from debian.debfile import DebFile

from gcproto.cli.kernels.package import command
from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64, ARM64
from gcproto.kernels.build import built, kconfig, package, source, whole
from gcproto.kernels.build.build import BuildParameters, build, without_headers
from gcproto.kernels.build.patches import Patch
from gcproto.kernels.build.whole import Machine
from tests.conftest import kernel_source
from tests.support.processes import run_gcproto
from tests.support.tree_maker import diff, tree

CONFIG = "CONFIG_X86_64=y\nCONFIG_MODULES=y\nCONFIG_EXT4_FS=m\nCONFIG_NOT_LOADED=m\n"
MACHINE = Machine(CONFIG, "ext4 0 0\n", "the test")
PATCH = Patch("one", diff("one.c", "int one;", "int changed;").encode())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty cache and a tree; tools are taken as given."""
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("gcproto.kernels.build.build.need_tools", lambda *_row: "gcc 1")
    monkeypatch.setattr("gcproto.kernels.build.package.need_tools", lambda *_: None)
    tree(tmp_path / "tree")
    return tmp_path


def wanted(home: Path, name: str = "mine", patches: Sequence[Patch] = (), words: Sequence[str] = ()) -> BuildParameters:
    config = kconfig.chosen(words or ["machine"])
    if config.kind == "machine":
        config = whole.completed(config, MACHINE)
    return BuildParameters(name, source.given(home / "tree"), config, tuple(patches), 2)


def fields(file: Path) -> dict[str, str]:
    with DebFile(filename=str(file)) as deb:
        return dict(deb.control.debcontrol())


def test_a_package_has_the_names_of_the_kernel(home: Path) -> None:
    made = package.package(wanted(home), home / "out", lambda *_: None)
    assert made.file == home / "out/linux-image-7.3.4-mine_7.3.4-1_amd64.deb"
    found = fields(made.file)
    assert found["Package"] == "linux-image-7.3.4-mine"
    assert found["Version"] == "7.3.4-1"
    assert found["Architecture"] == "amd64"
    assert [one.name for one in (home / "out").iterdir()] == [made.file.name], "nothing beside it"
    assert built.find("mine") == made.kernel


def test_two_kernels_of_one_tree_have_packages_of_their_own(home: Path) -> None:
    stock = package.package(wanted(home, "stock"), home / "out", lambda *_: None)
    patched = package.package(wanted(home, "patched", [PATCH]), home / "out", lambda *_: None)
    assert fields(stock.file)["Package"] != fields(patched.file)["Package"]
    assert len(list(cache.folder("trees").iterdir())) == 1
    config = [(one.kernel.home / "config").read_text() for one in (stock, patched)]
    assert config[0] == config[1]


def test_modules_that_the_machine_has_not_loaded_are_omitted(home: Path) -> None:
    made = build(wanted(home), lambda *_: None)
    have = kconfig.options((made.home / "config").read_text())
    assert have["CONFIG_EXT4_FS"] == "m"
    assert "CONFIG_NOT_LOADED" not in have
    assert have["CONFIG_USERFAULTFD"] == "y"
    assert made.missing == ()


def test_another_list_of_modules_is_another_kernel() -> None:
    one = whole.completed(kconfig.chosen(["machine"]), MACHINE)
    other = whole.completed(kconfig.chosen(["machine"]), Machine(CONFIG, "xfs 0 0\n", ""))
    assert one.key != other.key
    assert one.text != other.text
    assert one.label == "machine"
    assert (one.modules, whole.completed(kconfig.chosen(["machine"]), Machine(CONFIG, "", "")).modules) == (0, 2)


def test_a_kernel_is_packed_by_its_name_as_it_was_built(home: Path) -> None:
    first = build(wanted(home, patches=[PATCH]), lambda *_: None)
    build(wanted(home, "other"), lambda *_: None)  # the tree has lost the patch
    again = package.of_catalog(first, 2)
    assert again == wanted(home, patches=[PATCH])
    made = package.package(again, home / "out", lambda *_: None)
    assert made.kernel == first


@pytest.mark.parametrize(("word", "why"), [("fast", "no EFI"), ("debug", "no EFI"), ("debian", "trimmed")])
def test_kernels_of_guests_are_refused_with_the_reason(word: str, why: str) -> None:
    with pytest.raises(GcprotoError, match="would not boot a machine") as caught:
        package.see_that_it_boots(kconfig.chosen([word]), "mine")
    assert why in caught.value.why
    assert word in caught.value.why
    assert "--config machine" in caught.value.remedy
    assert caught.value.code == ExitCode.USAGE


def test_a_kernel_for_guests_is_refused_by_its_name(home: Path) -> None:
    made = build(wanted(home, words=["fast"]), lambda *_: None)
    with pytest.raises(GcprotoError, match=r"the kernel 7\.3\.4-mine would not boot") as caught:
        package.of_catalog(made, 2)
    assert "tinyconfig" in caught.value.why


def test_a_kernel_of_which_nothing_was_noted_is_built_again(home: Path) -> None:
    made = build(wanted(home), lambda *_: None)
    (made.home / "recipe.json").unlink()
    with pytest.raises(GcprotoError, match=r"not known what 7\.3\.4-mine was built from"):
        package.of_catalog(made, 2)
    build(wanted(home), lambda *_: None)
    assert package.of_catalog(made, 2) == wanted(home)


def test_a_source_that_is_gone_is_said(home: Path) -> None:
    made = build(wanted(home), lambda *_: None)
    shutil.rmtree(home / "tree")
    with pytest.raises(GcprotoError, match=r"the source of 7\.3\.4-mine is no longer here"):
        package.of_catalog(made, 2)


def test_an_underscore_is_no_part_of_a_package() -> None:
    with pytest.raises(GcprotoError, match="a package can't be named 'my_kernel'"):
        package.see_that_it_can_be_named("my_kernel")


def test_missing_tools_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gcproto.kernels.build.build.need_tools", lambda *_row: "gcc 1")
    monkeypatch.setattr("gcproto.kernels.build.package.shutil.which", lambda *_args, **_named: None)
    with pytest.raises(GcprotoError, match="packages of kernels can't be made here") as caught:
        package.need_tools(AMD64, kconfig.chosen(["machine"]))
    assert caught.value.remedy == "apt-get install --no-install-recommends debhelper dpkg dpkg-dev kmod rsync"
    assert caught.value.code == ExitCode.UNABLE


def test_a_folder_that_takes_no_package_is_said(home: Path) -> None:
    (home / "out").write_text("a file")
    with pytest.raises(GcprotoError, match="can't be written") as caught:
        package.package(wanted(home), home / "out", lambda *_: None)
    assert caught.value.code == ExitCode.WRITE
    assert "--out" in caught.value.remedy


def test_a_folder_is_tried_before_a_kernel_is_compiled(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gcproto.cli.kernels.package._orders", lambda _options: [wanted(home)])
    monkeypatch.setattr("gcproto.kernels.build.package.package", lambda *_: pytest.fail("a kernel is built"))
    (home / "file").touch()
    refused = CliRunner().invoke(command, ["--out", str(home / "file/out")]).exception
    assert isinstance(refused, GcprotoError)
    assert refused.code == ExitCode.WRITE


def test_headers_are_asked_for_in_one_way() -> None:
    assert without_headers({"stdio.h": "libc6-dev", "nothing/here.h": "nothing"}) == {"nothing"}


def test_a_full_disk_leaves_no_half_note(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = build(wanted(home), lambda *_: None)
    known = made.home / built.KNOWN
    before = known.read_bytes()
    here = {one.name for one in made.home.iterdir()}

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gcproto.process.outputs.os.fsync", full)
    with pytest.raises(GcprotoError, match="can't be written") as caught:
        built.note(made)
    assert caught.value.code == ExitCode.WRITE
    assert known.read_bytes() == before
    assert {one.name for one in made.home.iterdir()} == here


def test_a_full_disk_leaves_no_half_package(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: Path, part: Path) -> None:
        part.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    build(wanted(home), lambda *_: None)
    monkeypatch.setattr("gcproto.kernels.build.package.shutil.copyfile", full)
    with pytest.raises(GcprotoError, match="can't be written") as caught:
        package.package(wanted(home), home / "out", lambda *_: None)
    assert caught.value.code == ExitCode.WRITE
    assert "No space left" in caught.value.why
    assert list((home / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "code"), [("dpkg-deb: error: No space left on device", ExitCode.WRITE), ("boom", ExitCode.UNABLE)]
)
def test_a_package_that_can_not_be_made_is_said(home: Path, text: str, code: ExitCode) -> None:
    (home / "tree/make_deb.py").write_text(f"import sys\nsys.exit({text!r})\n")
    with pytest.raises(GcprotoError, match="the package can't be made") as caught:
        package.package(wanted(home), home / "out", lambda *_: None)
    assert text.removeprefix("dpkg-deb: error: ") in caught.value.why
    assert caught.value.code == code


def test_the_configuration_of_the_machine_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "PROC_CONFIG", tmp_path / "config.gz")
    monkeypatch.setattr(whole, "PROC_MODULES", tmp_path / "modules")
    monkeypatch.setattr(whole, "BOOT", tmp_path)
    with pytest.raises(GcprotoError, match="is not to be found") as caught:
        whole.here()
    assert "--machine" in caught.value.remedy
    (tmp_path / "config.gz").write_bytes(gzip.compress(CONFIG.encode()))
    assert whole.here() == Machine(CONFIG, "", str(tmp_path / "config.gz"))
    (tmp_path / "modules").write_text("xfs 2170880 1 - Live 0x0\next4 1 2 - Live 0x0\n")
    assert whole.here().loaded == "ext4 0 0\nxfs 0 0\n", "sizes and addresses change"


def test_the_configuration_of_another_machine(tmp_path: Path) -> None:
    with pytest.raises(GcprotoError, match="can't be read") as caught:
        whole.of(tmp_path)
    assert "/boot/config-" in caught.value.remedy
    (tmp_path / "config").write_text(CONFIG)
    (tmp_path / "modules").write_text("Module                  Size  Used by\next4 1 0\n")
    assert whole.of(tmp_path).loaded == "ext4 0 0\n"


def test_a_configuration_of_another_architecture_or_page_size_is_refused() -> None:
    arm = Machine("CONFIG_ARM64=y\nCONFIG_ARM64_16K_PAGES=y\n", "", "the test")
    chosen = kconfig.chosen(["machine"], ARM64)
    with pytest.raises(GcprotoError, match="is not a configuration of amd64") as caught:
        whole.completed(kconfig.chosen(["machine"]), arm)
    assert caught.value.remedy == "give --arch arm64"
    with pytest.raises(GcprotoError, match="has pages of 16K, not of 4K") as caught:
        whole.completed(chosen, arm, ARM64)
    assert caught.value.remedy == "give --page-size 16k"
    assert whole.completed(chosen, arm, ARM64, 16384).base == arm.config


def test_it_is_merged_with_none_of_the_others() -> None:
    for words in (["machine", "debug"], ["distribution", "debian"], ["fast", "machine"]):
        with pytest.raises(GcprotoError, match="does not go together with"):
            kconfig.chosen(words)


@pytest.mark.needs("kernel_source")
@pytest.mark.skipif(not shutil.which("dpkg-architecture"), reason="no dpkg-architecture (apt-get install dpkg-dev)")
def test_the_kernels_own_script_reads_our_variables(tmp_path: Path) -> None:
    """The script mkdebian of a real source: the version, and the profiles that omit headers and debug symbols."""
    folder = kernel_source()
    assert folder
    (tmp_path / "include/config").mkdir(parents=True)
    (tmp_path / "include/config/auto.conf").write_text("CONFIG_MODULES=y\nCONFIG_DEBUG_INFO=y\n")
    more = {
        "srctree": str(folder),
        "KERNELRELEASE": "7.3.4-mine",
        "ARCH": "x86",
        "SRCARCH": "x86",
        "UTS_MACHINE": "x86_64",
        "KCONFIG_CONFIG": ".config",
    }
    environment = {**package.packing_environment("7.4.0-rc2"), **more}
    script = [folder / "scripts/package/mkdebian"]
    subprocess.run(script, cwd=tmp_path, env=environment, check=True, capture_output=True)
    control = (tmp_path / "debian/control").read_text()
    assert "Package: linux-image-7.3.4-mine\nArchitecture: amd64\n" in control
    for profile in environment["DEB_BUILD_PROFILES"].split():
        assert f"<!{profile}>" in control
    assert (tmp_path / "debian/changelog").read_text().startswith("linux-upstream (7.4.0~rc2-1) unstable;")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "there is no kernel to pack"),
        (("nothing", "--config", "machine"), "--config has no effect here"),
        (("--patch", "{patch}", "--name", "stock-machine"), "two packages would have the name 'stock-machine'"),
        (("--patch", "{patch}", "--config", "fast"), "would not boot a machine"),
        (("--patch", "{patch}", "--config", "distribution", "--machine", "{folder}"), "--machine has no effect here"),
    ],
)
def test_what_the_command_refuses(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    patch = tmp_path / "x.patch"
    patch.write_bytes(PATCH.text)
    done = run_gcproto("kernels", "package", *(word.format(patch=patch, folder=tmp_path) for word in words))
    assert done.returncode == ExitCode.USAGE, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
