"""Options of ``gcproto gc`` that no chosen mode or workload would use: they are refused, not ignored."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gcproto.cli.gc.recordings import REPLAY
from gcproto.cli.kit.options import refuse_without_effect
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gcproto.collector.modes import Mode

FIELDS = {
    "ebusy": "ebusy",
    "fault_pages": "fault_pages",
    "run_pages": "run_pages",
    "fault": "fault_by",
    "ready": "ready_by",
    "early": "early_by",
    "fresh": "fresh",
    "dense": "dense_permille",
    "regions": "regions",
    "cut_at_tables": "cut_at_tables",
    "compactors": "compactors",
    "full_after": "full_after",
    "granule": "granule",
}
"""Parameters of the command, and the fields of ModeOptions that they set."""


def see_that_options_take_effect(names: Iterable[str], workload: str) -> None:
    """See that each option that was given changes at least one of the modes.

    A mode that has no choice in an option runs without it, and its name in the tables says so.

    Args:
        names: of the chosen modes.
        workload: name.

    Raises:
        GcprotoError: an option changes none of them, or none of them collects.

    """
    from gcproto.collector.modes import MODES

    chosen = [MODES[name] for name in names]
    if not any(mode.collects for mode in chosen):
        raise GcprotoError(
            "no mode of --modes collects",
            why="a mode that never collects gets as much memory as the other modes allocate",
            remedy="name a mode that collects as well: --modes copy,none",
            code=ExitCode.USAGE,
        )
    for parameter, field in FIELDS.items():
        _see(parameter, chosen, lambda mode, field=field: mode.takes(field))  # type: ignore[misc]
    _see("policies", chosen, lambda mode: mode.moves and not mode.young)
    _see("page_map", chosen, lambda mode: mode.moves_pages)
    if workload == REPLAY:
        refuse_without_effect(("mutation", "fragmentation"), "the trace says what the workload does")


def _see(parameter: str, chosen: "list[Mode]", takes: "Callable[[Mode], bool]") -> None:
    from gcproto.collector.modes import MODES

    if any(map(takes, chosen)):
        return
    takers = [mode.name for mode in MODES.values() if takes(mode)]
    refuse_without_effect(
        (parameter,),
        f"no chosen mode has a choice in it ({', '.join(mode.name for mode in chosen)})",
        f"omit it, or choose one of these modes: {', '.join(takers)}",
    )
