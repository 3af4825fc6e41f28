"""The page as a file: what it has for each kind of result, and what it never has."""

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
from gcproto.report.page.render import plots
from gcproto.results.page_map import LETTERS
from gcproto.results.schema import (
    Experiment,
    Hazard,
    InvalidRound,
    PathFigures,
    Result,
    Skip,
    Verdict,
    WorkloadFigures,
    with_fields,
)
from gcproto.results.statistics import summarise
from tests.support.claim_results import claims_result
from tests.support.condition_results import conditions, of, refusing, two_modes
from tests.support.every_kind import EVERY, KINDS, checked, page_of
from tests.support.heap_results import grid_result, heap_result, placed_window_result, window_result
from tests.support.kernel_results import guest_result, stock
from tests.support.path_results import paths_result
from tests.support.policy_results import policy_result

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&$x_{1}$\x07"


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
        "dumps": "gcproto heap inspect",
        "kernels": "gcproto kernels run",
    }
    shown = {"grid": "heap"}.get(kind, kind)
    for other, command in missing.items():
        if other != shown:
            assert f"<code>{command}" in text, other


def test_each_kind_of_experiment_is_among_them() -> None:
    shown = {type(result.experiment) for result in EVERY}
    assert shown == set(Experiment.__args__), "a kind that the page does not show is said to be missing"


def test_a_grid_has_a_line_for_each_cell_and_what_is_not_good_enough() -> None:
    text = page_of([grid_result()])
    assert "These results hold no run of a workload" not in text
    assert "the best fixed mode, by its median time in this run, is move in 2" in text.lower()
    assert "in trees, 2 mutators, own, small: time 1.2" in text.lower()
    assert "the best fixed mode of each cell (geometric means over cells)" in text


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


def test_a_map_that_is_too_much_is_thinned_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from gcproto.report.page import heap_map

    monkeypatch.setattr(heap_map, "MAX_TEXT", 20_000)
    found = heap_map.heap_map(heap_result())
    assert found
    assert "collections, every" in found.notes[0]
    assert sum(len(step.runs) for _, steps in found.modes for step in steps) < 40_000


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
