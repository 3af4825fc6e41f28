"""Grave verdicts that no known bug explains: each is retried in fresh guests, and marked if it stays.

A corruption, a panic or a hang of a kernel is a hard thing to say of it.  One run can be wrong about it: the row may
have taken something else for the bug (see gcp_lru_drain for one that did).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest import machine as vm
from gcproto.kernels.guest.sizes import Sizes
from gcproto.kernels.run import check
from gcproto.known.bugs import BUGS, State
from gcproto.known.version import parse
from gcproto.results.schema import ContractRow, Hazard, Verdict, Word

GRAVE: Final[frozenset[Word]] = frozenset({"corruption", "panic", "hang"})
"""The verdicts that a known bug must explain."""

TIMES: Final = 3
"""Fresh guests in which such a verdict is retried."""


def explained(one: Verdict, release: str) -> bool:
    """Whether a verdict is not grave, or the release has a known bug of the hazard's name."""
    if one.verdict not in GRAVE:
        return True
    if not isinstance(one.subject, Hazard):
        return False
    try:
        version = parse(release)
    except ValueError:
        return False
    return any(bug.key == one.subject.name and bug.state_by_version(version) is State.BY_VERSION for bug in BUGS)


def confirm(
    verdicts: Sequence[Verdict], release: str, again: Callable[[Verdict], Verdict | None], times: int = TIMES
) -> list[Verdict]:
    """Try unexplained grave verdicts again.

    One that no other guest shows is not dropped: it becomes ``differs``, with what was seen.

    Args:
        verdicts: of one kernel.
        release: of the kernel.
        again: gives the verdict on the same subject in a fresh guest; None if there was none.
        times: how often.

    """
    return [one if explained(one, release) else _confirmed(one, again, times) for one in verdicts]


def _confirmed(one: Verdict, again: Callable[[Verdict], Verdict | None], times: int) -> Verdict:
    seen = [again(one) for _ in range(times)]
    words = [other.verdict if other else "unavailable" for other in seen]
    stays = sum(word in GRAVE for word in words)
    if stays:
        text = f"unexplained, again in {stays} of {times} fresh guests: {one.text}"
        return msgspec.structs.replace(one, text=text, unexplained=True)
    text = f"{one.verdict} once, then {', '.join(words)} in fresh guests: {one.text}"
    return msgspec.structs.replace(one, verdict="differs", text=text)


@dataclass(frozen=True)
class FreshGuest:
    """Retries one subject.

    Args:
        machine: as of the first run.
        kernel: to boot.
        image: makes the initramfs of a script.

    """

    machine: vm.Machine
    kernel: LocalKernel
    image: vm.Imager

    def __call__(self, one: Verdict) -> Verdict | None:
        """The verdict of one boot; None if it says nothing of the subject."""
        sizes, swap = Sizes(self.kernel.page_size), self.kernel.swap
        if isinstance(one.subject, Hazard):
            wanted = check.script(swap=swap, only=[one.subject.name], sizes=sizes)
        elif isinstance(one.subject, ContractRow):
            wanted = check.row_script(one.subject.name, swap=swap, sizes=sizes)
        else:
            wanted = check.script(swap=swap, sizes=sizes)
        _, _, verdicts = check.follow(self.machine, self.kernel, wanted, self.image)
        return next((other for other in verdicts if other.subject == one.subject), None)
