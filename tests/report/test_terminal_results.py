"""Every table of the program at every width: no figure is cut, and omitted columns are named."""

import re
from collections.abc import Callable
from functools import cache
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from gcproto.cli.app import cli
from gcproto.cli.doctor import print_survey
from gcproto.cli.kernels.list import Listed, print_list
from gcproto.host.capability import Capability
from gcproto.host.doctor import BugState, ScenarioOff, Survey
from gcproto.model.prediction import Heap, Prediction, Reason
from gcproto.model.proposals import load as load_proposal
from gcproto.report.terminal.comparison import print_comparison
from gcproto.report.terminal.kernels import print_guest_heaps, print_matrix
from gcproto.report.terminal.predicted.prediction import print_prediction
from gcproto.report.terminal.proposal import print_proposal, rows
from gcproto.report.terminal.series import print_history, print_pair
from gcproto.report.terminal.tables import print_result
from gcproto.report.terminal.verdicts import print_verdicts
from gcproto.results.comparison.compare import Comparison, compare
from gcproto.results.schema import (
    ClaimExperiment,
    ClaimVerdict,
    Collection,
    CollectorAccount,
    ContractRow,
    FolioCounts,
    FolioFigures,
    Hazard,
    MadeLarge,
    Measurement,
    PolicyExperiment,
    PolicyFigures,
    PolicyScenario,
    Result,
    SampleMode,
    Skip,
    Verdict,
    WorkloadFigures,
    with_fields,
)
from gcproto.results.series import build
from gcproto.results.steps import changes, steps
from gcproto.results.store import load
from tests.support.heap_results import heap_result, window_result
from tests.support.kernel_results import stock
from tests.support.path_results import paths_result
from tests.support.result_maker import measurement, noisy_run, result

DATA = Path(__file__).parents[1] / "data"
WIDEST = 320
REMARK = re.compile(
    r"(omitted\s+at\s+\d+\s+columns|in\s+\d+\s+parts\s+at).*?COLUMNS=\d+\)"
    r"(\s+or\s+with\s+gcproto\s+show\s+--wide)?",
    re.DOTALL,
)
K618, K73 = "6.18.15+deb13-cloud-amd64", "7.3.4+deb13-cloud-amd64"


@cache
def golden() -> Result:
    return load(DATA / "golden-result.json")


@cache
def two_modes_window() -> Result:
    made = window_result()
    for one in made.measurements[1:2]:
        one.modes = [SampleMode(430.0, 400.0, 480.0, 0.74), SampleMode(1900.0, 1700.0, 2100.0, 0.26)]
    for one in made.measurements[2:]:
        one.scenario = with_fields(one.scenario, placement="shared")
    return made


@cache
def folio_heaps() -> Result:
    made = heap_result()
    for one in made.measurements:
        assert isinstance(one.figures, WorkloadFigures)
        large = {"restored": MadeLarge(2048.0, 1100.0), "renewed": MadeLarge(512.0, 1300.0)}
        one.figures.folios = FolioFigures(0.9, 0.7, 120.0, 15.0, 0.66, **large)  # type: ignore[arg-type]
        one.figures.compact_ns_page, one.figures.copied_mib = 1234.0, 17.5
        for some in one.figures.collections:
            some[:] = [_with_folios(cycle) for cycle in some * 15]
    return made


def _with_folios(cycle: Collection) -> Collection:
    counts = CollectorAccount(moved=900, part_one=14, part_skewed=60, part_edge=8)
    return with_fields(cycle, folios=FolioCounts({0: 345, 9: 655}, swapped=5), collector=counts)


def policy(name: str, memory: str, order: int, median: float, threads: int) -> Measurement:
    asked = PolicyScenario("sparse", memory, order, name, "copy", 0, "", threads, 1, 32 << 20)
    figures = PolicyFigures(
        split_ns_page=35.0 * (name == "split-ahead"),
        went_whole=0.97 * (name == "whole"),
        ebusy=12.0 * (name == "move"),
        fallback=300.0 * (name == "move"),
        folios_split=128.0,
        restored=MadeLarge(2048.0, 1100.0) if name == "auto" else None,
        choice="calibration" if name == "auto" else "",
    )
    return measurement(asked, [median * factor for factor in (0.98, 0.99, 1.0, 1.01, 1.02, 1.03, 0.97)], figures)


@cache
def policies() -> Result:
    costs = {"move": 812.0, "copy": 700.0, "copy-large": 655.0, "split-ahead": 620.0, "whole": 88.1, "auto": 90.7}
    found = [
        policy(name, memory, order, median * (1 + order / 10), threads)
        for memory, order in (("small", 0), ("64k", 4), ("2m", 9))
        for threads in (1, 2)
        for name, median in costs.items()
    ]
    return result(found, experiment=PolicyExperiment())


@cache
def claims() -> Result:
    made = result([], experiment=ClaimExperiment(["T1", "T9", "T16"]))
    made.claims = [
        ClaimVerdict(
            "T1", "A present page is moved by rewriting its folio", "confirmed", "83,968 of 83,968", "", "x 1"
        ),
        ClaimVerdict(
            "T9",
            "Early EBUSY is better than back-off",
            "in part",
            "early 1,081 ns/page, back-off 2,650, touch 1,007 (990-1,020)",
            "touch is cheaper than both",
            "gcproto gc policies --memory 64k --policies move --on-ebusy touch",
        ),
        ClaimVerdict("T16", "Needs a kernel that does not exist", "not testable here", "", "no such kernel", "x 2"),
    ]
    return made


@cache
def checked() -> list[Result]:
    found = []
    for number, made in enumerate(stock(1)):
        made.measurements = []
        made.verdicts = [
            Verdict(
                Hazard("livelock-references"), "hang" if number < 2 else "fine", "1 of 64 never ended after 2000 ms"
            ),
            Verdict(Hazard("swapcache-rmap"), "unavailable", "no swap in this kernel"),
            *(
                Verdict(ContractRow(f"row-{row}"), "differs" if row == number else "fine", "12 of 13")
                for row in range(5)
            ),
        ]
        found.append(made)
    return found


@cache
def prediction() -> Prediction:
    heaps = [
        Heap(
            scenario=PolicyScenario(workload, memory, order, one, "copy", 0, "", threads, 1, 32 << 20),
            workload=workload,
            memory_order=order,
            policy=one,
            threads=threads,
            fitted=workload == "prefix",
            measured=812.4,
            predicted=790.1,
            error=-0.03,
            errors=[-0.03],
            parts={
                "calls": 12.3,
                "pages": 83.1,
                "splits": 655.0,
                "shoot-downs": 39.9,
                "whole folios": 4.2,
                "copies": 7.0,
            },
            ahead=0.0,
            evacuation=1100.0,
            proposed=91.2,
            low=88.0,
            high=95.5,
        )
        for workload in ("prefix", "sparse")
        for memory, order in (("small", 0), ("64k", 4))
        for one in ("move", "auto")
        for threads in (1, 2)
    ]
    costs = {"page moved": (71.2, 70.1, 73.3), "page of a split folio moved": (35.1, 33.3, 36.0)}
    why = Reason("sparse", 4, 2, (1100.0, 640.0), (812.0, 333.0), (790.0, 340.0), {"splits": (655.0, 0.0)}, 35.5)
    return Prediction(costs, heaps, 0.75, [why], load_proposal("whole-folio"), [Skip("1 window", "no policy")])


plain_heaps, plain_windows, plain_paths, kernels = (
    cache(heap_result),
    cache(window_result),
    cache(paths_result),
    cache(stock),
)


@cache
def compared() -> Comparison:
    return compare(noisy_run(1), noisy_run(2, arms={"move": 1.3}))


def history(console: Console) -> None:
    series = build(kernels())
    found = steps(series)
    print_history(series, found, [None] * len(found), console)
    found = changes(series, K618, K73)
    print_pair(series, K618, K73, found, "the canary moved by +7.3%, allowed are 0.5%", console)


def proposal(console: Console) -> None:
    found = kernels()
    print_proposal(rows(found, K618, K73), (K618, K73), "instructions/page", 4096, "the canary moved", console)


@cache
def guests() -> list[Result]:
    found = stock(1)[:2]
    found[0].measurements = [*window_result().measurements, *policies().measurements[:6], *heap_result().measurements]
    return found


def guest_heaps(console: Console) -> None:
    print_guest_heaps(guests(), console)


@cache
def survey() -> Survey:
    able = [Capability("userfaultfd", name, able=True) for name in ("UFFDIO_MOVE", "UFFDIO_COPY")]
    why = "0: without privilege, only user-mode faults of 1 process are served"
    able.append(Capability("userfaultfd", "vm.unprivileged_userfaultfd", False, "", why, "sysctl -w vm.x=1"))
    able.append(Capability("folios", "folios of 1024 KiB", None, "", "policy never; bench enables 512 KiB and more"))
    bugs = [BugState("livelock", "mm: fix 1 livelock", "a MOVE never ends", "hang", "fixed", "version 6.18")]
    off = [ScenarioOff("moves of swapped pages", "zram: no such device (errno 19)", "modprobe zram num_devices=1")]
    return Survey("6.18.44", 1, "", able, bugs, off)


def kernel_list(console: Console) -> None:
    lock = SimpleNamespace(written="2026-11-20")
    known: Any = SimpleNamespace(seen={}, locked=lock)
    some = ["livelock-references", "uffd-wp-swap", "swapcache-race-2"]
    found = [
        Listed(
            release=f"{release}-cloud-amd64",
            architecture="amd64",
            page_size=4096,
            source=f"{release}-1",
            suite="bookworm-backports",
            state="here",
            here=True,
            move=number > 0,
            swap=True,
            bugs=some[:number],
            mib=87 + number,
            sha256={},
        )
        for number, release in enumerate(("6.1.0-56", "6.12.43+deb12", "6.18.15+deb13", "7.3.4+deb13"))
    ]
    print_list(found, known, "amd64", console)


KINDS: dict[str, Callable[[Console], None]] = {
    "paths": lambda console: print_result(golden(), console),
    "paths wide": lambda console: print_result(golden(), console, wide=True),
    "paths with an A/A pair": lambda console: print_result(plain_paths(), console),
    "heaps": lambda console: print_result(plain_heaps(), console),
    "heaps wide": lambda console: print_result(plain_heaps(), console, wide=True),
    "heaps of large folios": lambda console: print_result(folio_heaps(), console),
    "windows": lambda console: print_result(plain_windows(), console),
    "windows wide": lambda console: print_result(plain_windows(), console, wide=True),
    "windows with two modes": lambda console: print_result(two_modes_window(), console),
    "policies": lambda console: print_result(policies(), console),
    "policies wide": lambda console: print_result(policies(), console, wide=True),
    "claims": lambda console: print_result(claims(), console),
    "verdicts": lambda console: print_verdicts(checked(), console),
    "matrix": lambda console: print_matrix(kernels(), console),
    "heaps in guests": guest_heaps,
    "history": history,
    "proposal": proposal,
    "comparison": lambda console: print_comparison(compared(), console),
    "doctor": lambda console: print_survey(survey(), console),
    "kernels list": kernel_list,
    "prediction": lambda console: print_prediction(prediction(), console),
}


def shown(kind: str, width: int) -> str:
    out = StringIO()
    KINDS[kind](Console(file=out, width=width, color_system=None))
    return out.getvalue()


def figures(printed: str) -> set[str]:
    """Words with a digit in them, without the remarks on omitted columns."""
    return {word for word in REMARK.sub("", printed).split() if re.search(r"\d", word)}


@pytest.mark.parametrize("kind", KINDS)
def test_no_width_cuts_a_figure(kind: str) -> None:
    full = shown(kind, WIDEST)
    everything = figures(full)
    assert len(everything) > 5
    wide = kind.endswith("wide")
    for width in (*range(20, 201), WIDEST) if not wide else range(20, WIDEST, 7):
        printed = shown(kind, width)
        some = figures(printed)
        assert some <= everything, f"at {width} columns"
        assert "…" not in printed
        assert "..." not in printed
        # Only a word, such as a path, may be longer than a line.
        assert all(len(line) <= width for line in printed.splitlines() if width >= 40 or " " in line.strip())
        if "omitted" not in " ".join(printed.split()):
            assert some == everything, f"at {width} columns nothing is said to be missing"


def test_what_is_said_to_be_left_out_is_missing() -> None:
    """By the heads of a table that has a figure in each column."""
    made = folio_heaps()
    for width in range(40, 140):
        out = StringIO()
        print_result(made, Console(file=out, width=width, color_system=None))
        printed = " ".join(out.getvalue().split())
        said = re.search(rf"omitted at {width} columns: ([^;]*); shown from", printed)
        if said is None:
            assert "RSS" in printed
        else:
            names = said[1].split(", ")
            table = printed.partition(" mode heap ")[2].partition("omitted at")[0]
            for head in ("GCs", "mark", "compact", "MMU10", "faults", "copied", "RSS"):
                assert (head in table.split()) != (head in names), (width, head)


def test_a_terminal_of_twenty_columns_has_whole_figures() -> None:
    """Tables were laid out for 40 columns at least, and narrower terminals broke their figures."""
    done = CliRunner().invoke(cli, ["show", str(DATA / "golden-result.json")], env={"COLUMNS": "20"})
    assert done.exit_code == 0
    assert max(map(len, done.stdout.splitlines())) <= 20
    assert figures(done.stdout) <= figures(shown("paths", WIDEST))


def test_no_prediction_stands_without_its_error() -> None:
    printed = " ".join(shown("prediction", WIDEST).split())
    assert "predicted 790 -> 340 (off by -3% and +2%)" in printed
    parts = printed.partition("Where the predicted time goes")[2].partition("Where auto")[0]
    for heap in prediction().heaps:
        assert f"{heap.error:+.0%}" in parts
