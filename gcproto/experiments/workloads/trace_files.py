"""Names of traces: one file for each scenario of a run, so that none is written over another."""

from pathlib import Path


def trace_file(path: str, arm: str, memory: str, capacity: int, *, alone: bool) -> str:
    """Where the trace of a scenario is written.

    Args:
        path: that was asked for.
        arm: mode and policy of the scenario.
        memory: its folios.
        capacity: bytes of its heap.
        alone: it is the only one of the run, and has the name that was asked for.

    Returns:
        The file, absolute: ``t.json`` becomes ``t-move-64k-512m.json``.

    """
    asked = Path(path).absolute()
    if alone:
        return str(asked)
    words = "-".join([arm, *([memory] if memory != "small" else []), f"{capacity >> 20}m"])
    name = "".join(c if c.isalnum() or c in "-=" else "_" for c in words)
    return str(asked.with_name(f"{asked.stem}-{name}{asked.suffix or '.json'}"))
