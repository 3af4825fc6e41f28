"""Results of every kind, and their page."""

from pathlib import Path

from gcproto.report.page.build import build
from gcproto.report.page.render import render
from gcproto.results.schema import (
    ContractExperiment,
    ContractRow,
    Hazard,
    Result,
    Verdict,
)
from tests.support.claim_results import claims_result
from tests.support.dump_results import dump_result
from tests.support.heap_results import grid_result, heap_result, window_result
from tests.support.kernel_results import guest_result, stock
from tests.support.path_results import paths_result
from tests.support.policy_results import policy_result
from tests.support.result_maker import result


def contract_result() -> Result:
    verdicts = [Verdict(ContractRow("exists"), "fine", ""), Verdict(ContractRow("pinned"), "corruption", "it moved")]
    made = result([], experiment=ContractExperiment())
    made.verdicts = verdicts
    return made


def checked() -> Result:
    verdicts = [
        Verdict(Hazard("ksm"), "panic", "it went down"),
        Verdict(Hazard("khugepaged-race"), "unavailable", "no khugepaged"),
        Verdict(ContractRow("exists"), "fine", ""),
    ]
    return guest_result("6.18.15+deb13-cloud-amd64", {}, verdicts=verdicts, outcome="panic", why="kernel panic")


KINDS: dict[str, tuple[list[Result], list[str]]] = {
    "paths": ([paths_result()], ["fig-verdict-", "fig-paths-", "-granule-4k-small", "-order"]),
    "heap": (
        [heap_result()],
        [f"fig-heap-bbbbbbbbbbbb-{name}" for name in ("pauses", "mmu", "fault", "phases", "memory")],
    ),
    "grid": (
        [grid_result()],
        ["Cells of the grid", "Whole heaps: does mode auto choose", "No objection in 1 of 2 cells"],
    ),
    "window": ([window_result()], ["fig-window-cccccccccccc-ways", "fig-window-cccccccccccc-access"]),
    "policies": ([policy_result()], ["fig-policies-ffffffffffff-heaps", "Does policy auto choose well by"]),
    "claims": ([claims_result()], ["fig-claims-eeeeeeeeeeee-strip", "All 5 claims", "gcproto claims T9"]),
    "dumps": ([dump_result()], ["app.hprof.gz", "Pages by their live bytes", "30 weak references as strong"]),
    "kernels": (stock(), ["fig-kernels-0", "TLB-flush batching"]),
    "contract": ([contract_result()], ["it moved"]),
    "check": ([checked()], ["it went down", "no khugepaged", "Console of 6.18.15"]),
}


EVERY = [result for results, _ in KINDS.values() for result in results]


def page_of(results: list[Result]) -> str:
    return render(build([(Path(f"{number}.json"), one) for number, one in enumerate(results)], []))
