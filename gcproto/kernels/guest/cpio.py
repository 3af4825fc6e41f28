"""Archives for initramfs: cpio in the format "newc" (Documentation/driver-api/early-userspace/buffer-format.rst).

The same contents give the same bytes, so the same guest boots every time.
"""

from collections.abc import Iterable, Iterator

DIRECTORY, FILE = 0o040755, 0o100644
PROGRAM = 0o100755


def _entry(number: int, name: str, mode: int, data: bytes) -> bytes:
    path = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def archive(files: Iterable[tuple[str, int, bytes]]) -> bytes:
    """An archive.

    Args:
        files: path, mode and contents of each, folders before their contents.

    """

    def entries() -> Iterator[bytes]:
        number = 0
        for number, (name, mode, data) in enumerate(files, 1):
            yield _entry(number, name, mode, data)
        yield _entry(number + 1, "TRAILER!!!", 0, b"")

    return b"".join(entries())
