"""One row of the contract, tried in a process of its own; the rows are C (``native/contract``)."""

import errno
import os
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from gcproto._native import ffi, lib
from gcproto.chars import text_of

if TYPE_CHECKING:
    from gcproto._native import gcp_row_result

TIMEOUT_MS: Final = 10_000
"""Time limit of one row in ms. Rows take milliseconds; only a kernel that spins reaches it."""


class Verdict(IntEnum):
    """Verdict on a row (``enum gcp_verdict`` in native/trial/row.h)."""

    OK = lib.GCP_VERDICT_OK
    DIFFERS = lib.GCP_VERDICT_DIFFERS
    SKIP = lib.GCP_VERDICT_SKIP
    HANG = lib.GCP_VERDICT_HANG
    CRASH = lib.GCP_VERDICT_CRASH

    @property
    def good(self) -> bool:
        """Whether it is not a failure: the row holds, or is unavailable here."""
        return self in {Verdict.OK, Verdict.SKIP}


@dataclass(frozen=True)
class Row:
    """A sentence of the contract.

    Args:
        index: its place in the list.
        name: short-name-with-dashes, stable.
        rule: one sentence on the behaviour of the kernel.
        kernels: differences between kernels; "" if there are none.
        needs: needs besides UFFDIO_MOVE: pfn, thp, mthp, zram, loop, io_uring, ...

    """

    index: int
    name: str
    rule: str
    kernels: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class RowResult:
    """The result of a row.

    Args:
        row: the row.
        verdict: its verdict.
        text: the observation, or the reason of a skip with the remedy; "" if the rule is enough.
        seconds: time that it took.
        attempts: number of runs: it is repeated if a counter of the whole system grew too much.

    """

    row: Row
    verdict: Verdict
    text: str
    seconds: float
    attempts: int = 1


def _row(index: int) -> Row:
    raw = lib.gcp_contract_row(index)
    needs = tuple(word for word in text_of(raw.needs).split(",") if word)
    return Row(index, text_of(raw.name), text_of(raw.rule), text_of(raw.kernels), needs)


def rows() -> list[Row]:
    """All rows, in reading order."""
    return [_row(index) for index in range(lib.gcp_contract_count())]


def find(name: str) -> Row:
    """The row of that name.

    Raises:
        KeyError: there is no such row.

    """
    index = lib.gcp_contract_find(name.encode())
    if index < 0:
        raise KeyError(name)
    return _row(index)


def _result(row: Row, code: int, raw: "gcp_row_result") -> RowResult:
    if code:
        raise OSError(-code, os.strerror(-code))
    return RowResult(row, Verdict(raw.verdict), text_of(raw.text), raw.ns / 1e9, raw.attempts)


def run_row(index: int, timeout_ms: int = TIMEOUT_MS) -> RowResult:
    """Run one row in a process of its own.

    Args:
        index: of the row.
        timeout_ms: after this many ms it is killed: the verdict is HANG, or OK if spinning is a documented bug.

    Returns:
        What became of it.

    Raises:
        IndexError: there is no such row.
        OSError: its process could not be started.

    """
    if not 0 <= index < lib.gcp_contract_count():
        raise IndexError(index)
    raw = ffi.new("struct gcp_row_result *")
    while (code := lib.gcp_contract_run(index, timeout_ms, raw)) == -errno.EINTR:
        pass  # a signal's handler ran here and did not end this
    return _result(_row(index), code, raw)


def run_drill(name: str, timeout_ms: int = TIMEOUT_MS) -> RowResult:
    """Run a row of the drill. These rows are not in the list: they hang or crash, to test the runner.

    Args:
        name: see native/trial/drill.c.
        timeout_ms: as of ``run_row``.

    Returns:
        What became of it.

    Raises:
        OSError: its process could not be started, or there is no such row (ENOENT).

    """
    raw = ffi.new("struct gcp_row_result *")
    return _result(Row(-1, name, "", "", ()), lib.gcp_drill_run(name.encode(), timeout_ms, raw), raw)
