"""Debian's configuration of a kernel: trimmed, of the right branch, fetched once, and the base of a build."""

import hashlib
import lzma
from pathlib import Path

import pytest

from gcproto.errors import GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64, ARM64
from gcproto.kernels.build import distribution, kconfig, source
from gcproto.kernels.build.build import BuildParameters, build
from gcproto.kernels.get.catalog import Package, Source, locked, sources
from gcproto.known.version import parse
from tests.support.deb_maker import deb
from tests.support.tree_maker import tree

DEBIAN = """\
# Linux/x86 7.3.4 Kernel Configuration
CONFIG_NUMA=y
CONFIG_NR_CPUS=8192
CONFIG_LSM="landlock,apparmor"
# CONFIG_SLUB_TINY is not set
CONFIG_ZRAM=m
CONFIG_BLK_DEV_LOOP=m
CONFIG_9P_FS=m
CONFIG_BTRFS_FS=m
"""


def package(name: str, data: bytes = b"", version: str = "7.3.4-1~bpo13+1") -> Package:
    return Package(name, version, "debian", f"pool/{name}.deb", len(data), hashlib.sha256(data).hexdigest())


def a_source(branch: str, *architectures: str, data: bytes = b"") -> Source:
    configs = {one: package(f"linux-config-{branch}", data) for one in architectures}
    return Source(branch, f"{branch}.4", "sid", package(f"linux-source-{branch}"), configs)


def test_modules_are_omitted_but_those_of_guests_and_the_rest_stays() -> None:
    found = kconfig.options(distribution.trimmed(DEBIAN, distribution.needed()))
    assert found == {
        "CONFIG_NUMA": "y",
        "CONFIG_NR_CPUS": "8192",
        "CONFIG_LSM": '"landlock,apparmor"',
        "CONFIG_SLUB_TINY": "n",
        "CONFIG_ZRAM": "y",
        "CONFIG_BLK_DEV_LOOP": "y",
        "CONFIG_9P_FS": "y",
        "CONFIG_BTRFS_FS": "n",
    }


def test_what_a_distribution_is_measured_for_is_not_trimmed() -> None:
    """Mitigations, NUMA and the slab allocator are the point of it."""
    off = [name for name, value in kconfig.chosen(["debian"]).asked.items() if value == "n"]
    kept = ("MITIGATION", "NUMA", "SLUB", "SLAB", "MEMCG", "HARDENED", "INIT_ON", "PARAVIRT", "PREEMPT", "XEN", "UBSAN")
    assert not [name for name in off if any(word in name for word in kept)]


def test_what_chooses_options_of_mm_is_not_trimmed() -> None:
    """Without SGX the kernel had no MMU notifiers, and without EFI the masks of page table entries were constants."""
    asked = kconfig.chosen(["debian"]).asked
    assert asked["CONFIG_MMU_NOTIFIER"] == "y", "a kernel that loses it says so"
    assert not {f"CONFIG_{name}" for name in ("X86_SGX", "EFI", "AMD_MEM_ENCRYPT", "MMIOTRACE")} & {*asked}
    assert not {f"CONFIG_{name}" for name in ("BPF_SYSCALL", "BPF_JIT", "DAMON", "FTRACE")} & {*asked}


@pytest.mark.parametrize(
    ("version", "branch"), [("7.3.4", "7.3"), ("7.2.0", "7.2"), ("7.4.0-rc2", "7.3"), ("6.9.1", "6.1"), ("5.10", "6.1")]
)
def test_the_branch_of_the_source_or_the_one_before_it(version: str, branch: str) -> None:
    known = [a_source(one, "amd64") for one in ("6.1", "7.2", "7.3")] + [a_source("7.5")]
    assert distribution.nearest(parse(version), known).name == f"linux-config-{branch}"


def test_an_architecture_that_the_list_does_not_have_is_said() -> None:
    with pytest.raises(GcprotoError, match="configuration for arm64 is not known here"):
        distribution.nearest(parse("7.3"), [a_source("7.3", "amd64")], ARM64)


def test_the_lock_has_a_configuration_for_each_source_of_its_version() -> None:
    for one in locked().sources:
        assert set(one.configs) == {"amd64", "arm64"}, one.branch
        assert {config.version for config in one.configs.values()} == {one.package.version}


def test_configurations_belong_to_the_source_of_their_branch() -> None:
    packages = [(package(f"linux-{kind}"), "sid") for kind in ("source-7.3", "config-7.3", "source-6.1", "config-7.4")]
    found = {one.branch: one.configs for one in sources(packages, ARM64)}
    assert {branch: list(configs) for branch, configs in found.items()} == {"7.3": ["arm64"], "6.1": []}


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Source]:
    """An archive with one package of configurations."""
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("gcproto.kernels.build.build.need_tools", lambda *_row: "gcc 1")
    packed = lzma.compress(DEBIAN.encode())
    data = deb({"usr/src/linux-config-7.3/config.amd64_none_cloud-amd64.xz": packed})
    file = tmp_path / "linux-config-7.3.deb"
    file.write_bytes(data)
    asked: list[str] = []

    def download(_what: str, one: Package, _progress: object) -> Path:
        asked.append(one.name)
        assert len(asked) == 1, "it stays in the cache"
        return file

    monkeypatch.setattr(distribution, "download", download)
    return [a_source("7.3", "amd64", "arm64", data=data)]


def test_a_kernel_is_built_on_it(known: list[Source], tmp_path: Path) -> None:
    origin = source.given(tree(tmp_path / "tree"))
    for name in ("debian", "again"):
        config = distribution.completed(kconfig.chosen(["debian"]), "7.3.4", known)
        assert config.key == "debian"
        made = build(BuildParameters(name, origin, config, (), 2), lambda *_: None)
        assert made.local.configuration == "debian"
        have = kconfig.options((made.home / "config").read_text())
        assert have["CONFIG_NR_CPUS"] == "8192"
        assert "CONFIG_TINY" not in have
        assert made.local.builtin == ("zram", "loop")
    assert (cache.folder("trees") / f"{origin.key}-debian").exists()


def test_a_changed_base_is_another_kernel(known: list[Source]) -> None:
    config = kconfig.chosen(["debian"])
    assert distribution.completed(config, "7.3.4", known).text != config.text
    assert distribution.completed(kconfig.chosen([]), "7.3.4", known) == kconfig.chosen([])


def test_a_flavour_that_the_package_does_not_have_is_said(known: list[Source]) -> None:
    with pytest.raises(GcprotoError, match=r"holds no config\.arm64_none_cloud-arm64"):
        distribution.completed(kconfig.chosen(["debian"], ARM64), "7.3.4", known, ARM64)
    assert AMD64.name in known[0].configs


@pytest.mark.parametrize("words", [["fast", "debian"], ["debian", "debug"], ["debian", "kasan"]])
def test_it_is_merged_with_none_of_the_others(words: list[str]) -> None:
    with pytest.raises(GcprotoError, match="debian does not go together with"):
        kconfig.chosen(words)


def test_fragments_may_follow(tmp_path: Path) -> None:
    fragment = tmp_path / "small.config"
    fragment.write_text("CONFIG_NR_CPUS=8\n")
    found = kconfig.chosen(["debian", str(fragment)])
    assert found.kind == "debian"
    assert found.asked["CONFIG_NR_CPUS"] == "8"
