"""The page as a file: what stands in it for each kind of result, and what never does."""

import base64
import gzip
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gcproto.errors import GcprotoError
from gcproto.report.page import render as renderer
from gcproto.report.page.build import build
from gcproto.report.page.render import plots, render
from gcproto.results.gather import gather
from gcproto.results.page_map import LETTERS
from gcproto.results.schema import (
    ContractRow,
    Hazard,
    InvalidRound,
    Latency,
    PathFigures,
    Result,
    Skip,
    Verdict,
    WindowFigures,
    WorkloadFigures,
    with_fields,
)
from gcproto.results.statistics import summarise
from gcproto.results.store import save
from tests.support.claim_results import claims_result
from tests.support.condition_results import conditions, of, refusing, two_modes
from tests.support.heap_results import heap_result, placed_window_result, window_result
from tests.support.kernel_results import guest_result, stock
from tests.support.path_results import paths_result
from tests.support.policy_results import policy_result
from tests.support.processes import run_gcproto

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&$x_{1}$\x07"


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
    "window": ([window_result()], ["fig-window-cccccccccccc-ways", "fig-window-cccccccccccc-access"]),
    "policies": ([policy_result()], ["fig-policies-ffffffffffff-heaps", "Does policy auto choose well?"]),
    "claims": ([claims_result()], ["fig-claims-eeeeeeeeeeee-strip", "All 5 claims", "gcproto claims T9"]),
    "kernels": (stock(), ["fig-kernels-0", "TLB-flush batching"]),
    "check": ([checked()], ["it went down", "no khugepaged", "Console of 6.18.15"]),
}
EVERY = [result for results, _ in KINDS.values() for result in results]


def page_of(results: list[Result]) -> str:
    return render(build([(Path(f"{number}.json"), one) for number, one in enumerate(results)], []))


class Reader(HTMLParser):
    """Tags, text, ids and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src"}:
                self.addresses.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


@cache
def whole_page() -> str:
    """Of all kinds together; test_page_browser looks at it too."""
    return page_of(EVERY)


@pytest.fixture
def whole() -> str:
    return whole_page()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_alone(kind: str) -> None:
    results, expected = KINDS[kind]
    text = page_of(results)
    for word in expected:
        assert word in text, word
    missing = {
        "paths": "gcproto bench",
        "heap": "gcproto gc",
        "policies": "gcproto gc policies",
        "window": "gcproto gc window",
        "claims": "gcproto claims",
        "kernels": "gcproto kernels run",
    }
    for other, command in missing.items():
        if other != kind:
            assert f"<code>{command}" in text, other


def test_all_kinds_together(whole: str) -> None:
    for _, expected in KINDS.values():
        for word in expected:
            assert word in whole, word
    assert len(whole.encode()) < renderer.MAX_BYTES


def test_it_is_one_sound_document(whole: str) -> None:
    reader = read(whole)
    assert len(set(reader.ids)) == len(reader.ids)
    targets = {address[1:] for address in reader.addresses if address.startswith("#")}
    assert targets <= set(reader.ids)
    for address in reader.addresses:
        assert address.startswith(("#", "data:")), address
    assert not re.search(r"url\((?!#)", whole)
    assert "@import" not in whole


def test_every_picture_has_words_and_samples(whole: str) -> None:
    found = plots(build([(Path(f"{number}.json"), one) for number, one in enumerate(EVERY)], []))
    assert len(found) > 15
    for plot in found:
        assert len(plot.text) > 40
        assert plot.data.rows
        assert f'id="fig-{plot.name}"' in whole
        assert f'download="{plot.name}.csv' in whole


def test_samples_are_the_samples() -> None:
    run = paths_result()
    text = page_of([run])
    address = re.search(r'download="paths-aaaaaaaaaaaa.csv.gz" href="data:application/gzip;base64,([^"]+)"', text)
    assert address
    csv = gzip.decompress(base64.b64decode(address[1])).decode()
    move = of(run, "move", source="small", granule_bytes=2 << 20)
    for value in move.samples:
        assert f",{value}\n" in csv


def test_nothing_is_hidden() -> None:
    run = paths_result()
    bad = run.measurements[3]
    bad.valid = False
    bad.invalid_rounds = [InvalidRound(4, 5.0, "3 pages have wrong contents")] * 7
    run.skips = [Skip("pinned", "no io_uring", "use a kernel with io_uring")]
    run.producer.complete = False
    text = page_of([run])
    for word in (
        "3 pages have wrong contents",
        "VOID, do not quote",
        "7 of 37",
        "no io_uring",
        "use a kernel with io_uring",
        "INTERRUPTED",
        "A/A noise",
    ):
        assert word in text, word


def hostile() -> list[Result]:
    path, heap, guest = paths_result(), heap_result(rounds=6), checked()
    for one in (path, heap, guest):
        one.environment["kernel"] = {"release": HOSTILE, "version": HOSTILE}
        one.environment["cpu"] = {"model": HOSTILE, HOSTILE: HOSTILE}
        one.producer.command = [HOSTILE]
        one.producer.started = HOSTILE
        one.skips = [Skip(HOSTILE, HOSTILE, HOSTILE)]
        one.run_id = HOSTILE + one.run_id
    path.measurements[0].invalid_rounds = [InvalidRound(1, 1.0, HOSTILE)]
    heap.measurements[0].notes = [HOSTILE]
    for measured in (*heap.measurements, *path.measurements):
        measured.proof.path = HOSTILE
    for measured in heap.measurements:
        assert isinstance(measured.figures, WorkloadFigures)
        for pause in (each for some in measured.figures.collections for one in some for each in one.pauses):
            pause.name = HOSTILE
        measured.figures.choice = measured.figures.stall.cause = HOSTILE
    changed = {1: {"mode": HOSTILE}, 2: {"workload": HOSTILE}, 3: {"memory": HOSTILE}, 4: {"placement": HOSTILE}}
    for at, fields in changed.items():
        heap.measurements[at].scenario = with_fields(heap.measurements[at].scenario, **fields)
    foreign = {"source": HOSTILE, "arm": HOSTILE, "working_set": HOSTILE, "frames": HOSTILE}
    path.measurements[4].scenario = with_fields(path.measurements[4].scenario, **foreign)
    assert guest.guest
    guest.guest.why, guest.guest.console = HOSTILE, [HOSTILE]
    guest.verdicts = [Verdict(Hazard(HOSTILE), "differs", HOSTILE)]
    return [path, heap, guest, *hostile_others()]


def hostile_others() -> list[Result]:
    policies, window, claims = policy_result(), window_result(), claims_result()
    for number, measured in enumerate(policies.measurements):
        fields = {"policy": HOSTILE} if number % 5 == 1 else {}
        asked = with_fields(measured.scenario, workload=HOSTILE, device=HOSTILE, swapped_permille=5, **fields)
        measured.scenario = asked
    window.measurements[1].scenario = with_fields(window.measurements[1].scenario, way=HOSTILE, placement=HOSTILE)
    window.measurements[2].notes = [HOSTILE]
    claims.claims = [
        with_fields(one, key=HOSTILE, claim=HOSTILE, why=HOSTILE, figures=HOSTILE, command=HOSTILE)
        for one in claims.claims
    ]
    for result in (policies, window, claims):
        result.run_id = HOSTILE + result.run_id
    return [policies, window, claims]


def test_hostile_strings_stay_text() -> None:
    text = page_of(hostile())
    reader = read(text)
    assert "img" not in reader.tags
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert reader.tags.count("script") == 2
    assert any("<img src=x onerror=alert(1)>" in one for one in reader.text)


def test_unreadable_parts_of_a_heap_are_said() -> None:
    run = heap_result()
    move, art = run.measurements[0].figures, run.measurements[1].figures
    assert isinstance(move, WorkloadFigures)
    assert isinstance(art, WorkloadFigures)
    move.histograms.fault = "bm8gaGlzdG9ncmFt"
    art.collections[0][0].map = "m5x9"
    text = page_of([run])
    assert "move: the histogram of &#34;Serving a fault&#34; can&#39;t be read" in text
    assert "art, round 2, collection 1: its map can&#39;t be read" in text


def test_a_heap_without_maps_says_how_to_record_one() -> None:
    """It blamed the version of gcproto that made the result: issue 14, item 15."""
    text = page_of([heap_result(mapped=False)])
    assert "No heap map was recorded. Run <code>gcproto gc --map</code> to record it." in text
    assert "version of gcproto that made it" not in text


def test_kernels_that_are_no_series_are_apart() -> None:
    other = stock(boots=1)
    for one in other:
        one.experiment = with_fields(one.experiment, pages=2048)
        one.run_id += "x"
    text = page_of([*stock(boots=1), *other])
    assert "Series 1:" in text
    assert "Series 2:" in text


def test_a_boot_that_brought_nothing_is_no_series_of_its_own() -> None:
    dead = guest_result("6.19.14+deb13-cloud-amd64", {}, outcome="panic", why="Kernel panic - not syncing")
    text = page_of([*stock(boots=1), dead])
    assert "Series 2:" not in text
    assert "Kernel panic - not syncing" in text
    alone = page_of([dead])
    assert "Kernel panic - not syncing" in alone
    assert "fig-kernels" not in alone


def test_the_script_knows_the_letters_of_the_map() -> None:
    assert f'"{"".join(LETTERS)}"' in (Path(renderer.__file__).parent / "page.js").read_text()


def test_what_is_too_large_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    results = [window_result()]
    monkeypatch.setattr(renderer, "MAX_BYTES", len(page_of(results).encode()) - 1000)
    assert "with them it would be larger" in page_of(results)
    monkeypatch.setattr(renderer, "MAX_BYTES", 1000)
    with pytest.raises(GcprotoError, match="the limit is"):
        page_of(results)


class TestCommand:
    def test_a_folder(self, tmp_path: Path) -> None:
        for one in EVERY:
            save(one, tmp_path)
        (tmp_path / "broken.json").write_text("{")
        page, folder = tmp_path / "page.html", tmp_path / "plots"
        done = run_gcproto("report", str(tmp_path), "-o", str(page), "--plots", str(folder))
        assert done.returncode == 0, done.stderr
        assert "broken.json is no usable result" in done.stderr
        assert "broken.json" in page.read_text()
        names = {path.stem for path in folder.glob("*.png")}
        assert names == {path.stem for path in folder.glob("*.svg")}
        assert len(names) > 15
        assert "fe00" not in (folder / "kernels-0.svg").read_text()

    def test_a_named_file_that_is_bad_is_an_error_and_the_page_is_made(self, tmp_path: Path) -> None:
        good = save(paths_result(), tmp_path)
        bad = tmp_path / "newer.json"
        bad.write_text(good.read_text().replace("gcproto.result/2", "gcproto.result/9"))
        page = tmp_path / "page.html"
        done = run_gcproto("report", str(bad), str(good), "-o", str(page))
        assert done.returncode == 2
        assert "this program knows" in done.stderr
        assert "Small folios: move or copy?" in page.read_text()

    def test_nothing_to_report(self, tmp_path: Path) -> None:
        done = run_gcproto("report", str(tmp_path), "-o", str(tmp_path / "page.html"))
        assert done.returncode == 2
        assert "there is no result to report" in done.stderr
        assert not (tmp_path / "page.html").exists()

    def test_places_that_cannot_be_written(self, tmp_path: Path) -> None:
        good = save(paths_result(), tmp_path)
        done = run_gcproto("report", str(good), "-o", str(tmp_path / "no" / "page.html"))
        assert done.returncode == 4
        assert "can't be written" in done.stderr
        (tmp_path / "file").write_text("")
        done = run_gcproto(
            "report", str(good), "-o", str(tmp_path / "page.html"), "--plots", str(tmp_path / "file" / "x")
        )
        assert done.returncode == 4
        assert "Traceback" not in done.stderr


def test_a_map_that_is_too_much_is_thinned_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from gcproto.report.page import heap_map

    monkeypatch.setattr(heap_map, "MAX_TEXT", 20_000)
    found = heap_map.heap_map(heap_result())
    assert found
    assert "collections, every" in found.notes[0]
    assert sum(len(step.runs) for _, steps in found.modes for step in steps) < 40_000


def test_gather_and_build_agree_on_names(tmp_path: Path) -> None:
    path = save(paths_result(), tmp_path)
    page = build(gather([path]).results, [])
    assert page.downloads[0].name == f"{path.name}.gz"
    assert page.title == "UFFDIO_MOVE on Linux 6.18.44"


class TestClaims:
    """Claims were read as checks of kernels, and their paths as a heap: issue 14, item 7."""

    def test_they_are_no_heap_and_no_check(self) -> None:
        text = page_of([claims_result()])
        assert "A whole heap" not in text
        assert "Do these kernels misbehave" not in text
        assert "What was not fine" not in text
        assert "These results hold no run of a workload on a heap" in text
        assert "These results hold no run of the evacuation paths" in text

    def test_each_has_its_verdict_its_figures_and_its_command(self) -> None:
        text = page_of([claims_result()])
        for one in claims_result().claims:
            for cell in (one.key, one.claim, one.judgement, one.figures, one.why, one.command):
                assert f">{cell}</t" in text, cell

    def test_what_they_rest_on_stands_there(self) -> None:
        text = page_of([claims_result()])
        assert "What was measured to judge the claims" in text

    def test_two_runs_have_a_card_each(self) -> None:
        other = claims_result({"T1": "refuted"}, "eeeeeeeeeeef")
        text = page_of([claims_result(), other])
        assert text.count("<h4>Which of the thread&#39;s claims hold here? (run ") == 2


class TestRefused:
    def test_it_is_grey_without_a_ratio_and_never_a_win(self) -> None:
        made = paths_result()
        made.measurements += [refusing("move")]
        summarise(made.measurements)
        text = page_of([made])
        assert "move is refused: 0 of 24,576 pages were evacuated, EBUSY 1,536" in text
        row = re.search(r"<tr><th scope=\"row\">forked, 64K a call, one thread</th><td>move</td>.*?</tr>", text)
        assert row
        assert "refused" in row[0]
        assert not re.search(r">[\d.]+x<", row[0])


class TestModes:
    def test_both_stand_in_table_picture_and_sentence(self) -> None:
        made = conditions({(1, "cache", "any"): 0.5})
        two_modes(of(made, "move"), 300.0, 1400.0, 0.75)
        text = page_of([made])
        assert "<td>300 (75 %) or 1400 (25 %)</td>" in text
        assert "Move has two modes, on one thread, in the caches: 75 % of the rounds at 300 ns/page" in text
        verdict = text[text.index('id="fig-verdict') : text.index("Figures and samples")]
        assert "in 75 % of the rounds" in verdict
        assert "in 25 % of the rounds" in verdict


class TestPlacements:
    def test_rows_pictures_and_sentences(self) -> None:
        made = placed_window_result({"unplaced": {"move": 0.2}, "own": {"move": 0.43}, "shared": {"move": 1.0}})
        text = page_of([made])
        for name in ("own", "shared", "unplaced"):
            assert f'id="fig-window-cccccccccccd-access-{name}"' in text
        assert "If the collector shares a processor with a mutator, move costs" in text
        rows = re.findall(r"<tr><th scope=\"row\">move</th><td>([a-z ]+)</td><td>[\d.]+</td>", text)
        assert rows == ["placed by the scheduler", "own processor", "shared processor"]

    def test_a_note_of_version_one_is_shown(self) -> None:
        made = window_result()
        for one in made.measurements:
            one.notes = ["measured by version 1, which read the window's start late"]
        assert page_of([made]).count("All: measured by version 1, which read the window&#39;s start late.") == 2


class TestKindsAreApart:
    def test_a_measurement_that_is_not_of_its_scenario_is_passed_over(self) -> None:
        made = heap_result()
        made.measurements[1].figures = PathFigures()
        text = page_of([made, policy_result()])
        assert "fig-heap-bbbbbbbbbbbb-modes" in text

    def test_a_run_that_measured_nothing_makes_a_page(self) -> None:
        for made in (paths_result(), heap_result(), window_result(), policy_result(), claims_result()):
            made.measurements, made.claims, made.noise = [], [], None
            assert "<h1>" in page_of([made])


class TestLabels:
    def test_runs_are_called_by_their_labels(self, tmp_path: Path) -> None:
        files = [save(conditions({(1, "cache", "any"): 0.5}, seed), tmp_path) for seed in (1, 2)]
        page = tmp_path / "page.html"
        given = [f"--label=quiet={files[0]}", f"--label=busy one={files[1]}"]
        done = run_gcproto("report", str(tmp_path), "-o", str(page), *given)
        assert done.returncode == 0, done.stderr
        text = page.read_text()
        assert "<td>quiet</td>" in text
        assert "<td>busy one</td>" in text

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ("quiet", "is not NAME=RESULT"),
            ("=x.json", "is not NAME=RESULT"),
            ("quiet=missing.json", "is none of the results of this report"),
        ],
    )
    def test_a_label_of_nothing_is_refused(self, tmp_path: Path, given: str, why: str) -> None:
        file = save(paths_result(), tmp_path)
        done = run_gcproto("report", str(file), "-o", str(tmp_path / "page.html"), "--label", given)
        assert done.returncode == 2
        assert why in done.stderr
        assert not (tmp_path / "page.html").exists()

    def test_a_label_is_of_one_run(self, tmp_path: Path) -> None:
        file = save(paths_result(), tmp_path)
        twice = ["--label", f"a={file}", "--label", f"b={file}"]
        done = run_gcproto("report", str(file), "-o", str(tmp_path / "page.html"), *twice)
        assert done.returncode == 2
        assert "is given twice" in done.stderr


class TestSeveralRuns:
    """One table over all runs, and sure only what holds between them: issue 14, item 10."""

    RATIOS = ((2, "cache", "any"), (1, "cache", "any"))

    def runs(self, *ratios: float) -> list[Result]:
        return [
            conditions(dict.fromkeys(self.RATIOS, ratio), seed, 0.02 * seed) for seed, ratio in enumerate(ratios, 1)
        ]

    def test_one_table_over_all_of_them(self) -> None:
        text = page_of(self.runs(0.14, 0.141, 0.139))
        table = text[text.index("The same comparisons in all runs") :]
        table = table[: table.index("</table>")]
        assert table.count("<td>all 3 runs</td>") == 2
        assert table.count("<td>a processor</td>") == 6
        assert table.count("<td>yes</td>") == 2

    def test_the_least_noisy_leads_and_not_the_newest(self) -> None:
        page = build([(Path(f"{number}.json"), one) for number, one in enumerate(self.runs(0.14, 0.141))], [])
        assert page.answers[0].title == "2 runs together"
        assert page.sections[0].parts[0].title.endswith("2026-11-24 01:00:00 UTC, run a00000000001")
        assert page.sections[0].parts[1].title.endswith("2026-11-24 02:00:00 UTC, run b00000000002")
        assert page.sections[0].parts[1].folded

    def test_runs_of_other_kernels_are_not_pooled(self) -> None:
        runs = self.runs(0.14, 0.141)
        runs[1].environment["kernel"] = {"release": "6.19.0"}
        text = page_of(runs)
        assert "Runs of different kernels are not put together: 2 groups are separate." in text
        assert "all 2 runs" not in text
        assert ">Sure<" not in text

    def test_sure_is_said_of_several_runs_only(self) -> None:
        assert ">Sure<" not in page_of(self.runs(0.14))
        assert ">Sure<" in page_of(self.runs(0.14, 0.141, 0.139))


class TestDamaged:
    """Results that are sound by their form and absurd by their figures."""

    @pytest.mark.parametrize("value", [5e-324, 1e20, 0.0])
    def test_absurd_figures_make_a_page(self, value: float) -> None:
        window, path, heap = window_result(), paths_result(), heap_result(rounds=3)
        for one in (*window.measurements[1:2], *path.measurements[4:8], *heap.measurements[:1]):
            one.samples = [value] * len(one.samples)
            one.median, one.ci, one.ratio_to_copy = value, None, None
        for one in window.measurements[:2]:
            assert isinstance(one.figures, WindowFigures)
            one.figures.access = Latency(5, value, value, value, value, value)
        figures = heap.measurements[0].figures
        assert isinstance(figures, WorkloadFigures)
        figures.resident = [(0, value), (0, value)]
        assert "<h1>" in page_of([window, path, heap])
