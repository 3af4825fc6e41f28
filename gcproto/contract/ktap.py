"""Results as KTAP version 1, the format of the kernel's own selftests."""

from collections.abc import Sequence

from gcproto._native import ffi, lib
from gcproto.chars import text_of
from gcproto.contract.row import RowResult


def ktap(results: Sequence[RowResult]) -> str:
    """Results as KTAP version 1, line for line as ``gcprobe contract`` prints them.

    Args:
        results: in the order of their numbers.

    Returns:
        The text, with a final newline.

    """
    head = f"KTAP version 1\n1..{len(results)}\n"
    return head + "".join(ktap_lines(number, result) for number, result in enumerate(results, 1))


def ktap_lines(number: int, result: RowResult) -> str:
    """One result in the words of the C code, so that both programs print the same.

    Args:
        number: of the line.
        result: outcome of the row.

    """
    row = result.row
    strings = [ffi.new("char[]", text.encode()) for text in (row.name, row.rule, row.kernels, ",".join(row.needs))]
    raw_row = ffi.new("struct gcp_row *", strings)
    raw = ffi.new("struct gcp_row_result *")
    raw.verdict, raw.attempts = result.verdict, result.attempts
    text = result.text.encode()[: lib.GCP_ROW_TEXT - 1]
    ffi.memmove(raw.text, text, len(text))
    size = lib.gcp_contract_ktap_lines(number, raw_row, raw, ffi.NULL, 0) + 1
    buffer = ffi.new("char[]", size)
    lib.gcp_contract_ktap_lines(number, raw_row, raw, buffer, size)
    return text_of(buffer)
