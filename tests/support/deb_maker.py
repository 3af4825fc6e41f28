"""Debian packages and modules as the archive would give them, small, for a mirror on this machine."""

import hashlib
import io
import lzma
import struct
import tarfile
from pathlib import Path

from gcproto.kernels.get.catalog import Kernel, Package

RELEASE = "6.18.15+deb13-cloud-amd64"


def bzimage(release: str = RELEASE, *, payload: int = 4096) -> bytes:
    """The head of a bzImage with a version in it, and a body of zeroes as long as its header says."""
    head = bytearray(2 * 512)
    head[0x1F1] = 1
    struct.pack_into("<I", head, 0x1F4, payload // 16)
    head[0x1FE:0x200] = b"\x55\xaa"
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x20E, 0x100)
    text = f"{release} (builder@example) #1 SMP".encode() + b"\0"
    head[0x300 : 0x300 + len(text)] = text
    return bytes(head) + bytes(payload)


def module(*depends: str) -> bytes:
    return b"\x7fELF" + b"\0license=GPL\0depends=" + ",".join(depends).encode() + b"\0name=x\0"


def deb(files: dict[str, bytes]) -> bytes:
    """A package with these files."""

    def tar(contents: dict[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:xz") as archive:
            for name, data in contents.items():
                info = tarfile.TarInfo(f"./{name}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return buffer.getvalue()

    members = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": tar({"control": b"Package: x\n"}),
        "data.tar.xz": tar(files),
    }
    made = b"!<arch>\n"
    for name, data in members.items():
        made += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        )
    return made


def kernel_files(release: str = RELEASE) -> dict[str, bytes]:
    """What linux-image holds up to 6.18."""
    folder = f"usr/lib/modules/{release}/kernel"
    return {
        f"boot/vmlinuz-{release}": bzimage(release),
        f"{folder}/drivers/block/zram/zram.ko.xz": lzma.compress(module("zsmalloc", "lz4-compress")),
        f"{folder}/mm/zsmalloc.ko.xz": lzma.compress(module()),
        f"{folder}/lib/lz4/lz4_compress.ko.xz": lzma.compress(module()),
        f"{folder}/drivers/block/loop.ko.xz": lzma.compress(module()),
        f"{folder}/drivers/net/other.ko.xz": lzma.compress(module()),
    }


def offer(mirror: Path, files: dict[str, bytes], name: str = f"linux-image-{RELEASE}") -> Package:
    """Put a package into a mirror's folder."""
    data = deb(files)
    path = f"pool/main/l/linux/{name}_1_amd64.deb"
    target = mirror / "debian" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return Package(name, "6.18.15-1~bpo13+1", "debian", path, len(data), hashlib.sha256(data).hexdigest())


def kernel(*packages: Package, release: str = RELEASE) -> Kernel:
    return Kernel(release, "6.18.15", "trixie-backports", packages)
