"""The contract of UFFDIO_MOVE: one row for each sentence of its behaviour, checked on the running kernel.

The rows are C (``native/contract``); each runs in a process of its own under a watchdog.  ``row`` lists and tries them,
``ktap`` prints them, ``run`` tries many with the settings that they need.  Without ``run`` no setting of the machine
changes. A row whose folio size is not enabled, or whose swap device is missing, is skipped with the reason.

>>> row = find("result-moved")
>>> row.rule
'All moved: MOVE succeeds and the out-field is the length'
>>> print(ktap([run_row(row.index)]), end="")
KTAP version 1
1..1
ok 1 result-moved # All moved: MOVE succeeds and the out-field is the length
"""

from gcproto.contract.ktap import ktap, ktap_lines
from gcproto.contract.row import TIMEOUT_MS, Row, RowResult, Verdict, find, rows, run_drill, run_row

__all__ = [
    "TIMEOUT_MS",
    "Row",
    "RowResult",
    "Verdict",
    "find",
    "ktap",
    "ktap_lines",
    "rows",
    "run_drill",
    "run_row",
]
