"""Costs belong to one kernel on one machine."""

from collections.abc import Callable, Sequence

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.facts import cpu_of, timed_on
from gcproto.results.schema import Result
from gcproto.results.series import page_size_of, release_of

PARTS: tuple[tuple[str, Callable[[Result], str]], ...] = (
    ("kernels", release_of),
    ("processors", cpu_of),
    ("page sizes", lambda one: str(page_size_of(one))),
    ("hosts", timed_on),
)


def see_that_they_are_of_one_machine(results: Sequence[Result]) -> int:
    """See that times of several machines are not merged: a fit over several would describe none of them.

    Args:
        results: that costs are to be fitted on, at least one.

    Returns:
        The page size in bytes.

    Raises:
        GcprotoError: the results are from several.

    """
    for what, of in PARTS:
        found = {of(one) for one in results} - {""}
        if len(found) > 1:
            raise GcprotoError(
                f"one model can't be fitted to several {what}",
                why=", ".join(sorted(found)),
                remedy="give results of one machine and kernel: instructions can be merged over hosts, times cannot",
                code=ExitCode.USAGE,
            )
    return page_size_of(results[0])
