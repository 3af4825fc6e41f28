"""Fetching: from a mirror on this machine, with everything that can go wrong on the way."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.get.fetch import fetch, forget, from_path, here, home
from gcproto.kernels.get.image_file import read_image
from tests.support.deb_maker import RELEASE, bzimage, deb, kernel, kernel_files, module, offer


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is served as the archive; the cache is empty."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("GCPROTO_MIRROR", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_vmlinuz_and_modules_are_unpacked_in_the_order_of_loading(mirror: Path) -> None:
    wanted = kernel(offer(mirror, kernel_files()))
    told: list[tuple[str, int, int]] = []
    found = fetch(wanted, lambda *args: told.append(args))
    assert found == here(wanted)
    assert read_image(Path(found.vmlinuz)).image.release == RELEASE
    names = [Path(path).stem for path in found.modules]
    assert names == ["zsmalloc", "lz4_compress", "zram", "loop"]
    assert all(b"depends=" in Path(path).read_bytes() for path in found.modules)
    assert told[-1][1] == told[-1][2] == wanted.size


def test_modules_of_a_package_of_their_own(mirror: Path) -> None:
    files = kernel_files()
    image = {f"usr/lib/modules/{RELEASE}/vmlinuz": files[f"boot/vmlinuz-{RELEASE}"]}
    rest = {name: data for name, data in files.items() if not name.startswith("boot/")}
    packages = (offer(mirror, image, "linux-binary-x"), offer(mirror, rest, "linux-modules-x"))
    assert len(fetch(kernel(*packages)).modules) == 4
    forget(kernel(*packages))
    assert fetch(kernel(packages[0])).modules == ()  # the archive has none for 6.19 to 7.1


def test_what_is_here_is_not_fetched_again(mirror: Path) -> None:
    package = offer(mirror, kernel_files())
    first = fetch(kernel(package))
    (mirror / "debian" / package.file).unlink()
    assert fetch(kernel(package)) == first


def test_a_package_that_is_gone(mirror: Path) -> None:
    package = offer(mirror, kernel_files())
    (mirror / "debian" / package.file).unlink()
    with pytest.raises(GcprotoError) as caught:
        fetch(kernel(package))
    assert "gone from the archive" in str(caught.value)
    assert "--refresh" in str(caught.value)
    assert here(kernel(package)) is None


def test_a_damaged_package_is_refused_and_not_kept(mirror: Path) -> None:
    package = offer(mirror, kernel_files())
    (mirror / "debian" / package.file).write_bytes(deb({"boot/vmlinuz-x": bzimage("9.9")}))
    with pytest.raises(GcprotoError, match="does not match the lock"):
        fetch(kernel(package))
    assert list(cache.folder("packages").glob("*.deb")) == []


def test_an_unreachable_mirror(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = offer(mirror, kernel_files())
    monkeypatch.setenv("GCPROTO_MIRROR", "http://127.0.0.1:1")
    with pytest.raises(GcprotoError, match="GCPROTO_MIRROR"):
        fetch(kernel(package))


def test_packages_without_a_kernel(mirror: Path) -> None:
    with pytest.raises(GcprotoError, match="hold no vmlinuz"):
        fetch(kernel(offer(mirror, {"usr/share/doc/x": b""})))
    assert not home(kernel()).exists()


@pytest.mark.needs("root")
def test_a_full_disk(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    package = offer(mirror, kernel_files() | {"boot/vmlinuz-big": bzimage(payload=4 << 20)})
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=True)
    monkeypatch.setenv("GCPROTO_CACHE", str(small))
    try:
        with pytest.raises(GcprotoError, match="free some space") as caught:
            fetch(kernel(package))
        assert caught.value.code == ExitCode.WRITE
        assert here(kernel(package)) is None
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_kernel_given_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    image = tmp_path / "boot" / "vmlinuz-mine"
    image.parent.mkdir()
    image.write_bytes(bzimage("7.3.4-mine"))
    alone = from_path(image)
    assert (alone.release, alone.modules) == ("7.3.4-mine", ())
    folder = tmp_path / "lib" / "modules" / "7.3.4-mine" / "kernel" / "drivers"
    folder.mkdir(parents=True)
    (folder / "zram.ko").write_bytes(module("zsmalloc"))
    (folder / "zsmalloc.ko").write_bytes(module())
    assert [Path(path).stem for path in from_path(image).modules] == ["zsmalloc", "zram"]
    with pytest.raises(GcprotoError, match="holds no modules"):
        from_path(image, image.parent)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "neither an x86 bzImage nor an uncompressed arm64 Image"),
        (b"\x7fELF" + bytes(8000), "neither an x86 bzImage nor"),
        (bzimage()[:-1], "truncated"),
        (bzimage("x")[:0x300] + bytes(5000), "names no version"),
    ],
)
def test_bad_images_are_refused_before_they_are_booted(tmp_path: Path, data: bytes, message: str) -> None:
    image = tmp_path / "vmlinuz"
    image.write_bytes(data)
    with pytest.raises(GcprotoError, match=message) as caught:
        from_path(image)
    assert caught.value.code == ExitCode.USAGE


def test_a_missing_image(tmp_path: Path) -> None:
    with pytest.raises(GcprotoError, match="No such file"):
        from_path(tmp_path / "vmlinuz")
