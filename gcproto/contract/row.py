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
"""Time for one row in ms.  Rows take milliseconds; this is spent only where the kernel spins."""


class Verdict(IntEnum):
    """What became of a row (``enum gcp_verdict`` in native/trial/row.h)."""

    OK = lib.GCP_VERDICT_OK
    DIFFERS = lib.GCP_VERDICT_DIFFERS
    SKIP = lib.GCP_VERDICT_SKIP
    HANG = lib.GCP_VERDICT_HANG
    CRASH = lib.GCP_VERDICT_CRASH

    @property
    def good(self) -> bool:
        """Whether it is no reason to fail: the row is as it says, or can't be had here."""
        return self in {Verdict.OK, Verdict.SKIP}


@dataclass(frozen=True)
class Row:
    """A sentence of the contract.

    Args:
        index: its place in the list.
        name: short-name-with-dashes, stable.
        rule: one sentence: what the kernel does.
        kernels: where kernels differ: which does what; "" if all are alike.
        needs: what it needs of the machine besides UFFDIO_MOVE: pfn, thp, mthp, zram, loop, io_uring, ...

    """

    index: int
    name: str
    rule: str
    kernels: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class RowResult:
    """What became of a row.

    Args:
        row: the row.
        verdict: what became of it.
        text: what was seen, or why it was skipped and what would help; "" if there is nothing to add to the rule.
        seconds: time that it took.
        attempts: how often it ran: a counter of the whole system that grew too much makes it run again.

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
    """All rows, in the order in which they are meant to be read."""
    return [_row(index) for index in range(lib.gcp_contract_count())]


def find(name: str) -> Row:
    """The row of that name.

    Raises:
        KeyError: there is none.

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
        timeout_ms: after this many ms it is killed: the verdict is HANG, or OK where spinning is a documented bug.

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
        pass  # the handler of a signal has run here, and did not end this
    return _result(_row(index), code, raw)


def run_drill(name: str, timeout_ms: int = TIMEOUT_MS) -> RowResult:
    """Run a row of the drill, which are not in the list: they hang, crash and so on, to test the runner.

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
