"""A run that judged claims of the thread: with the measurements of several kinds that it rests on."""

from gcproto.results.schema import ClaimExperiment, ClaimVerdict, Judgement, Result
from tests.support.condition_results import path
from tests.support.heap_results import heap_mode
from tests.support.result_maker import result

JUDGEMENTS: dict[str, Judgement] = {
    "T1": "confirmed",
    "T2": "confirmed",
    "T3": "not testable here",
    "T9": "in part",
    "T10": "refuted",
}


def claim(key: str, judgement: Judgement) -> ClaimVerdict:
    untestable = judgement == "not testable here"
    return ClaimVerdict(
        key,
        f"what {key} claims",
        judgement,
        "" if untestable else f"move 85.0, copy 790 ns/page for {key}",
        "no swap device" if untestable else "touch is cheaper than both" if judgement == "in part" else "",
        f"gcproto claims {key}",
    )


def claims_result(judgements: dict[str, Judgement] | None = None, run_id: str = "eeeeeeeeeeee") -> Result:
    """Claims with the paths and a heap that were measured to judge them."""
    found = [path("move", 85.0), path("copy", 790.0), path("copy_discard", 1010.0), heap_mode("move", 15.0)]
    judged = JUDGEMENTS if judgements is None else judgements
    made = result(found, experiment=ClaimExperiment(list(judged)))
    made.run_id = run_id
    made.claims = [claim(key, judgement) for key, judgement in judged.items()]
    return made
