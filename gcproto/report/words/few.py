"""What an interval of few rounds is worth."""

from collections.abc import Iterable

from gcproto.report import labels
from gcproto.report.words.ratios import SURE_FROM
from gcproto.results.schema import Measurement
from gcproto.results.statistics import MIN_SAMPLES


def few_rounds(found: Iterable[Measurement]) -> list[str]:
    """A sentence if intervals rest on too few rounds to hold with 95 %; empty otherwise.

    A percentile interval of fewer than six samples goes from the least to the largest at most. The median of what they
    are drawn from lies outside if all are on one side of it: once in ``2 ** (n - 1)`` times.

    Args:
        found: measurements whose intervals are shown.

    """
    counts = [len(one.samples) for one in found if one.valid and MIN_SAMPLES <= len(one.samples) < SURE_FROM]
    if not counts:
        return []
    least = min(counts)
    holds = 1 - 0.5 ** (least - 1)
    return [
        f"intervals of {least} rounds include the true median in at most {labels.share(holds)} of cases, not in 95 %; "
        f"that takes {SURE_FROM} rounds"
    ]
