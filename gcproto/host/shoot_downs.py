"""TLB shoot-downs that processors have received: the row TLB of /proc/interrupts, which x86 alone has."""

from collections.abc import Iterable
from pathlib import Path

INTERRUPTS = Path("/proc/interrupts")


def shoot_downs(cpus: Iterable[int] = (), text: str | None = None) -> int | None:
    """So far, by all of these processors together.

    Args:
        cpus: numbers of processors; none: all.
        text: of /proc/interrupts; None: read it.

    Returns:
        None where the kernel does not count them.

    """
    lines = (INTERRUPTS.read_text(encoding="ascii") if text is None else text).splitlines()
    row = next((line.split() for line in lines if line.lstrip().startswith("TLB:")), None)
    if row is None:
        return None
    numbers = [int(name.removeprefix("CPU")) for name in lines[0].split()]
    counts = dict(zip(numbers, row[1:], strict=False))
    wanted = list(cpus) or numbers
    return sum(int(counts[cpu]) for cpu in wanted if cpu in counts)
