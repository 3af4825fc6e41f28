"""The catalog: how kernels are named, grouped from packages, and what the lock says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcproto.errors import GcprotoError
from gcproto.kernels.get.catalog import Catalog, Kernel, Lock, Package, group, locked
from gcproto.known.version import KernelVersion


def package(name: str, version: str, size: int = 30 << 20) -> Package:
    return Package(name, version, "debian", f"pool/{name}.deb", size, "0" * 64)


def kernels() -> list[Kernel]:
    return group(
        [
            (package("linux-image-6.1.0-56-cloud-amd64", "6.1.192-2"), "bookworm-security"),
            (package("linux-image-6.12.43+deb12-cloud-amd64", "6.12.43-1~bpo12+1"), "bookworm-backports"),
            (package("linux-image-6.12.117+deb13-cloud-amd64", "6.12.117-1"), "trixie-security"),
            (package("linux-image-6.12-cloud-amd64", "6.12.117-1"), "trixie"),
            (package("linux-image-7.2.12+deb13-cloud-amd64", "7.2.12-1~bpo13+1", 1000), "trixie-backports"),
            (package("linux-binary-7.2.12+deb13-cloud-amd64", "7.2.12-1~bpo13+1"), "trixie-backports"),
            (package("linux-modules-7.2.12+deb13-cloud-amd64", "7.2.12-1~bpo13+1"), "trixie-backports"),
            (package("linux-binary-7.2.13+deb14-cloud-amd64", "7.2.13-1"), "sid"),
            (package("linux-binary-7.3-cloud-amd64", "7.3~rc7-1~exp1"), "experimental"),
            (package("linux-binary-7.3.4+deb13-cloud-amd64", "7.3.4-1~bpo13+1"), "trixie-backports"),
        ]
    )


def catalog(seen: list[Kernel] | None = None) -> Catalog:
    return Catalog(Lock("2026-11-24", kernels()), None if seen is None else {"amd64": Lock("2026-12-01", seen)})


def test_packages_become_kernels() -> None:
    found = {one.release: one for one in kernels()}
    assert "6.12-cloud-amd64" not in found  # only depends on the newest one
    assert [one.name for one in found["7.2.12+deb13-cloud-amd64"].packages] == [
        "linux-binary-7.2.12+deb13-cloud-amd64",
        "linux-modules-7.2.12+deb13-cloud-amd64",
    ]
    assert not found["7.2.13+deb14-cloud-amd64"].has_modules
    assert found["6.1.0-56-cloud-amd64"].version == KernelVersion(6, 1, 192)
    assert found["7.3-cloud-amd64"].candidate
    assert [one.upstream for one in kernels()][-2:] == ["7.3~rc7", "7.3.4"]


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("6.1", "6.1.0-56-cloud-amd64"),
        ("6.1.192", "6.1.0-56-cloud-amd64"),
        ("6.12", "6.12.117+deb13-cloud-amd64"),
        ("6.12.43", "6.12.43+deb12-cloud-amd64"),
        ("7.3", "7.3.4+deb13-cloud-amd64"),
        ("7.3~rc7", "7.3-cloud-amd64"),
        ("7.3-cloud-amd64", "7.3-cloud-amd64"),
    ],
)
def test_a_kernel_is_found_by_release_version_or_branch(text: str, release: str) -> None:
    assert catalog().find(text).release == release


@pytest.mark.parametrize("text", ["5.10", "6", "", "6.12.44", "linux"])
def test_unknown_kernels_are_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(GcprotoError, match="kernels list"):
        catalog().find(text)


def test_the_default_matrix_takes_one_of_each_branch_and_the_same_compiler_where_it_can() -> None:
    assert [one.release.split("-")[0] for one in catalog().default()] == [
        "6.1.0",
        "6.12.43+deb12",
        "6.12.117+deb13",
        "7.2.12+deb13",
        "7.3.4+deb13",
    ]


def test_what_the_archive_no_longer_has_is_gone() -> None:
    known = catalog(seen=[one for one in kernels() if one.upstream != "6.12.43"])
    assert known.gone(known.find("6.12.43"))
    assert not known.gone(known.find("7.3.4"))
    assert not catalog().gone(catalog().find("6.12.43"))  # never asked: not known to be gone


def test_the_lock_is_whole() -> None:
    lock = locked()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", lock.written)
    known = Catalog(lock)
    assert len(known.default()) >= 10
    assert known.default()[0].version.branch == (6, 1)
    for one in lock.kernels:
        assert one.packages
        assert all(re.fullmatch(r"[0-9a-f]{64}", package.sha256) for package in one.packages)
        assert all(package.size > 1 << 20 for package in one.packages)


@given(st.lists(st.tuples(st.integers(5, 9), st.integers(0, 30), st.integers(0, 200)), min_size=1, unique=True))
def test_kernels_sort_by_version(versions: list[tuple[int, int, int]]) -> None:
    made = [
        Kernel(f"{a}.{b}.{c}+deb13-cloud-amd64", f"{a}.{b}.{c}", "trixie", (package("linux-image-x", "1"),))
        for a, b, c in versions
    ]
    assert [one.version for one in Catalog(Lock("", made)).kernels] == sorted(one.version for one in made)
