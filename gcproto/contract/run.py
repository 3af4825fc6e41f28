"""Runs rows of the contract with the settings that they need, restores these, and makes a result."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, suppress

from gcproto.contract import TIMEOUT_MS, Row, RowResult, Verdict, run_row
from gcproto.host.machine import machine
from gcproto.host.settings import SettingRefused, Settings, why_not
from gcproto.record import Record
from gcproto.results.schema import ContractExperiment, ContractRow, Result, Word
from gcproto.results.schema import Verdict as Seen

SWAP_BYTES = 256 << 20

WORDS: dict[Verdict, Word] = {
    Verdict.OK: "fine",
    Verdict.DIFFERS: "differs",
    Verdict.SKIP: "unavailable",
    Verdict.HANG: "hang",
    Verdict.CRASH: "differs",
}
"""Verdicts as in results, and as gcproto.kernels.guest.transcript reads them in KTAP."""


def run_rows(rows: Sequence[Row], *, swap: bool, timeout_ms: int = TIMEOUT_MS) -> Generator[RowResult]:
    """Run rows in order, each with the settings that it needs if they are available.

    Args:
        rows: of ``gcproto.contract``.
        swap: add the swap devices that rows about swapped pages need.
        timeout_ms: for one row.

    Raises:
        SettingRefused: swap was asked for, and this user may not add devices.

    """
    with Settings() as settings, ExitStack() as groups, ExitStack() as stack:
        if swap and not settings.may_change():
            raise SettingRefused(
                "--swap adds and removes swap devices", why=why_not(), remedy="run it as root, on the host itself"
            )
        if settings.may_change():
            _enable_folios(settings)
        device = ""
        if settings.may_change() and any("memcg" in row.needs for row in rows):
            with suppress(SettingRefused):  # the row skips, and says what is missing
                groups.enter_context(settings.memory_group())
        for row in rows:
            wanted = next((word for word in ("zram", "loop") if word in row.needs), "") if swap else ""
            if wanted != device:
                stack.close()
                device = wanted
                if wanted:
                    make = settings.swap_zram if wanted == "zram" else settings.swap_loop
                    stack.enter_context(make(SWAP_BYTES))
            yield run_row(row.index, timeout_ms)


def _enable_folios(settings: Settings) -> None:
    """One mTHP and the THP: sources are made in ranges that fit only one of them."""
    here = machine()
    settings.quiet_khugepaged()
    settings.folios_exactly({here.mid_order, here.pmd_order} & set(here.anon_orders))


def seen(result: RowResult) -> Seen:
    """The verdict on a row for results, with the observation, or the rule if there is none."""
    again = f" ({result.attempts} attempts)" if result.attempts > 1 else ""
    text = (result.text or result.row.rule) + again
    return Seen(ContractRow(result.row.name), WORDS[result.verdict], text, round(result.seconds, 6))


def document(record: Record, results: Iterable[RowResult], experiment: ContractExperiment, *, complete: bool) -> Result:
    """The rows as a result.

    Args:
        record: of the run.
        results: of the rows, in their order.
        experiment: the parameters.
        complete: all rows ran.

    """
    return record.result(experiment, [], [], seed=0, complete=complete, verdicts=[seen(one) for one in results])
