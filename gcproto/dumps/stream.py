"""A dump as a stream of bytes, plain or gzipped, with the offset of each byte."""

import gzip
import io
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

from gcproto.errors import ExitCode, GcprotoError
from gcproto.process.files import see_that_it_is_regular

GZIP = b"\x1f\x8b"
COUNTED = "; bytes are counted after decompression"
BOMB_BYTES = 1 << 30
BOMB_FACTOR = 500
"""A gzipped file is refused once it is larger than the first and has grown by more than the second.  Deflate reaches
1032; heap dumps of HotSpot stay below 200 even if most arrays are zero."""


def bad(path: Path, offset: int, what: str) -> GcprotoError:
    """The error for a file that is not a usable dump.

    Args:
        path: of the file.
        offset: of the byte at which it is wrong, in the file after decompression.
        what: is wrong.

    """
    return GcprotoError(
        f"{path} is not a usable heap dump",
        why=f"at byte {offset}: {what}",
        remedy="write it again: jcmd PID GC.heap_dump FILE, am dumpheap PID FILE, or the form of docs/guide/dumps.md",
        code=ExitCode.USAGE,
    )


class Stream:
    """Reads a file once, from its beginning.

    Args:
        path: of it.

    Attributes:
        offset: bytes read so far, after decompression.
        size: of a plain file; None if it is compressed, where only the end tells it.

    Raises:
        GcprotoError: it can't be read.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.size: int | None = None
        try:
            see_that_it_is_regular(path)
            self._raw = path.open("rb")
        except OSError as error:
            raise GcprotoError(
                f"{path} can't be read", why=error.strerror or str(error), code=ExitCode.USAGE
            ) from error
        self._file: io.BufferedIOBase | gzip.GzipFile = self._raw
        if self._raw.peek(2)[:2] == GZIP:
            self._file = gzip.GzipFile(fileobj=self._raw, mode="rb")
        else:
            self.size = path.stat().st_size

    def read_into(self, room: memoryview) -> int:
        """Read bytes.

        Args:
            room: to be filled.

        Returns:
            how many bytes came; fewer than there is room for only at the end.

        Raises:
            GcprotoError: the compressed data are damaged or truncated, or expand beyond measure.

        """
        filled = 0
        while filled < len(room):
            try:
                count = self._file.readinto(room[filled : filled + (1 << 20)])
            except EOFError as error:
                raise bad(self.path, self.offset + filled, "the compressed data end in the middle" + COUNTED) from error
            except (gzip.BadGzipFile, zlib.error) as error:
                raise bad(
                    self.path, self.offset + filled, f"the compressed data are damaged ({error})" + COUNTED
                ) from error
            if not count:
                break
            filled += count
        self.offset += filled
        if self.size is None and self.offset > BOMB_BYTES and self.offset > BOMB_FACTOR * self._raw.tell():
            raise bad(
                self.path,
                self.offset,
                f"{self._raw.tell()} compressed bytes have become {self.offset}, as no heap dump does",
            )
        return filled

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
