"""Scenarios that a user named, one by one, as a script of the guest."""

from collections.abc import Iterable, Sequence

import msgspec

from gcproto import rows
from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.guest import script as sets
from gcproto.kernels.guest.script import INFO, SWAP_BYTES, Job, Measure, Script
from gcproto.kernels.guest.sizes import CALL, FOUR, Sizes
from gcproto.results.schema import CONGRUENT, SKEWED, PathScenario, Scenario
from gcproto.sizes import KIB, log2_pages, parse_size, size_text

ASKED = "asked"
"""Name of the scenario set."""
CANARY = "canary"
FORM = "SOURCE ARM GRANULE, as in 'small move 2m', 'mthp-64k move 2m', 'small copy 64k skewed'; or 'canary'"
DEVICES = {"swapped": "zram", "swapcache": "loop"}
"""Swap devices of sources: zram empties the swap cache at once, a loop device does not."""


class Asked(msgspec.Struct, frozen=True):
    """A path.

    Attributes:
        source: kind of the source;  kib: of its folios, 0 for small ones.
        arm: way of doing the work;  granule: bytes of one call.
        skewed: the destination is one page further than the source.

    """

    source: str
    kib: int
    arm: str
    granule: int
    skewed: bool = False
    page: int = FOUR

    @property
    def order(self) -> int:
        """Log2 of the folio size in base pages."""
        return log2_pages(self.kib * KIB, self.page) if self.kib else 0

    def is_path(self, one: Scenario) -> bool:
        """Whether a scenario is this path, of any number of pages and threads."""
        if not isinstance(one, PathScenario):
            return False
        mine = (self.source, self.order, self.arm, self.granule, SKEWED if self.skewed else CONGRUENT)
        return mine == (one.source, one.order, one.arm, one.granule_bytes, one.alignment)

    @property
    def name(self) -> str:
        """Of its job, and as it is given."""
        folio = f"-{size_text(self.kib * KIB)}" if self.kib and self.source != "thp" else ""
        parts = [f"{self.source}{folio}", self.arm, size_text(self.granule)]
        return "-".join([*parts, *[SKEWED] * self.skewed])


def parse(text: str, page: int = FOUR) -> Asked:
    """A scenario as a user names it; letters in either case, and the size may stand before the source.

    Args:
        text: of the user.
        page: bytes of a page of the kernel.

    Raises:
        GcprotoError: there is no such scenario.

    """
    words = text.lower().split()
    sizes = Sizes(page)
    if words == [CANARY]:
        return Asked("none", 0, CANARY, CALL, page=page)
    skewed = words[-1:] == [SKEWED]
    words = words[:-1] if skewed else words
    if len(words) == 4:  # "64k mthp move 2m", as tables have it
        words = [f"{words[1]}-{words[0]}", *words[2:]]
    if len(words) != 3:
        raise _no_scenario(text, "it has no three words")
    source, _, folio = words[0].partition("-")
    if source not in rows.SOURCES:
        raise _no_scenario(text, f"no source {source!r}; there are {', '.join(sorted(rows.SOURCES))}")
    if words[1] not in rows.ARMS:
        raise _no_scenario(text, f"no arm {words[1]!r}; there are {', '.join(sorted(rows.ARMS))}")
    try:
        kib = parse_size(folio) // KIB if folio else sizes.thp_kib if source == "thp" else 0
        granule = parse_size(words[2])
    except ValueError as error:
        raise _no_scenario(text, str(error)) from error
    known = [sizes.kib(order) for order in sizes.mthp_orders]
    if kib and kib not in known and kib != sizes.thp_kib:
        raise _no_scenario(text, f"no folios of {folio}; there are {', '.join(f'{one}k' for one in known)}")
    if source == "mthp" and not kib:
        raise _no_scenario(text, "mthp needs the size of its folios, as in mthp-64k")
    if granule % page:
        raise _no_scenario(text, f"{words[2]} is not a multiple of {page} bytes")
    return Asked(source, kib, words[1], granule, skewed, page)


def script(measure: Measure, asked: Sequence[Asked], *, swap: bool, touch: bool = False) -> Script:
    """A script that measures them.

    Args:
        measure: how much.
        asked: different ones.
        swap: the guest can have it; what needs it is left to fail with its reason otherwise.
        touch: a second thread touches memory on processor 1 meanwhile.

    """
    steps: list[str | Job] = [*sets.preamble(), INFO]
    device = ""
    last: int | None = None
    for one in _by_folio(asked):
        if one.kib != last:
            steps += sets.folios(one.kib, measure.sizes)
            last = one.kib
        wanted = DEVICES.get(one.source, "")
        if swap and wanted != device:
            steps += ["swapoff"] * bool(device) + [f"{wanted} {SWAP_BYTES}"]
            device = wanted
        options: dict[str, object] = {"skew": 1} if one.skewed else {}
        options |= {"cpu": 0, "touch-cpu": 1} if touch else {}
        steps.append(sets.job(measure, one.name, one.source, one.arm, [str(one.granule)], order=one.order, **options))
    return Script(tuple(steps))


def _by_folio(asked: Iterable[Asked]) -> list[Asked]:
    """Those that need swap come last, so that no page of another scenario is swapped out."""
    return sorted(asked, key=lambda one: (DEVICES.get(one.source, ""), one.kib))


def _no_scenario(text: str, why: str) -> GcprotoError:
    return GcprotoError(f"{text!r} is not a scenario", why=why, remedy=f"give {FORM}", code=ExitCode.USAGE)
