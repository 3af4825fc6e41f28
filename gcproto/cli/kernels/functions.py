"""Differences of two kernels by function, for the commands that compare kernels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from gcproto.results.profiles.explain import Explanation
    from gcproto.results.schema import Result


def by_function(
    results: "Sequence[Result]", before: str, after: str, scenarios: Sequence[str] = ()
) -> "list[Explanation]":
    """Explanations of the scenarios that changed by more than boots of one kernel may differ, or of those named.

    Args:
        results: of guests.
        before: release of the kernel that is compared with.
        after: of the other.
        scenarios: as a user names them; none: those that changed.

    Raises:
        GcprotoError: the two have no profile of one scenario, or of one that was named.

    """
    from gcproto.results.profiles.explain import explanations
    from gcproto.results.series import FLAG, short

    found = list(explanations(results, before, after).values())
    if not found:
        versions = f"{short(before)} {short(after)}"
        raise GcprotoError(
            "these results have no profile of one scenario in both kernels",
            remedy=f"measure both with profiles: gcproto kernels run {versions} --profile",
            code=ExitCode.USAGE,
        )
    if scenarios:
        return [_named(text, found) for text in scenarios]
    return [one for one in found if one.old and abs(one.change) > FLAG * one.old]


def _named(text: str, found: "Sequence[Explanation]") -> "Explanation":
    from gcproto.kernels.guest.asked import parse

    asked = parse(text)
    chosen = [one for one in found if asked.is_path(one.scenario)]
    if not chosen:
        raise GcprotoError(
            f"these results have no profile of {text!r} in both kernels",
            remedy=f"gcproto kernels profile KERNEL '{text}' measures it",
            code=ExitCode.USAGE,
        )
    return chosen[0]


def print_functions(found: "Sequence[Explanation]", before: str, after: str, page_size: int) -> None:
    """Print explanations; where this machine knows the kernels' symbols, what one of them lacks is marked.

    Args:
        found: explanations.
        before: release of the kernel that was compared with.
        after: of the other.
        page_size: of both, in bytes.

    """
    from gcproto.cli.kit.terminal import console
    from gcproto.kernels.profile.functions import names_of
    from gcproto.report.terminal.functions import print_explanations

    print_explanations(found, before, after, names_of(before), names_of(after), page_size, console())
