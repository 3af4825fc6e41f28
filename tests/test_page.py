"""The page as a file: what stands in it for each kind of result, and what never does."""

import base64
import gzip
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from gcproto.errors import GcprotoError
from gcproto.report.page import render as renderer
from gcproto.report.page.build import build
from gcproto.report.page.render import plots, render
from gcproto.results.gather import gather
from gcproto.results.page_map import LETTERS
from gcproto.results.schema import InvalidRound, Result, Skip, Verdict
from gcproto.results.store import save
from tests.heap_results import heap_result, window_result
from tests.kernel_results import guest_result, stock
from tests.path_results import paths_result
from tests.processes import run_gcproto

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&$x_{1}$\x07"


def checked() -> Result:
    verdicts = [
        Verdict("hazard/ksm", "panic", "it went down"),
        Verdict("hazard/khugepaged-race", "unavailable", "no khugepaged"),
        Verdict("contract/exists", "fine", ""),
    ]
    return guest_result("6.18.15+deb13-cloud-amd64", {}, verdicts=verdicts, outcome="panic", why="kernel panic")


KINDS: dict[str, tuple[list[Result], list[str]]] = {
    "paths": ([paths_result()], ["fig-verdict-", "fig-paths-", "-granule-4k-small", "-order"]),
    "heap": (
        [heap_result()],
        [f"fig-heap-bbbbbbbbbbbb-{name}" for name in ("pauses", "mmu", "fault", "phases", "memory")],
    ),
    "window": ([window_result()], ["fig-window-cccccccccccc-ways", "fig-window-cccccccccccc-access"]),
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
        "window": "gcproto gc window",
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
    move = next(one for one in run.measurements if one.scenario.arm == "move" and one.scenario.granule_bytes == 2 << 20)
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
        for collection in (each for round_ in measured.collections for each in round_):
            collection.phases = {HOSTILE: 5_000_000, **collection.phases}
    art = heap.measurements[1]
    art.scenario = msgspec.structs.replace(art.scenario, arm=HOSTILE)
    assert guest.guest
    guest.guest.why, guest.guest.console = HOSTILE, [HOSTILE]
    guest.verdicts = [Verdict(f"hazard/{HOSTILE}", HOSTILE, HOSTILE)]
    return [path, heap, guest]


def test_hostile_strings_stay_text() -> None:
    text = page_of(hostile())
    reader = read(text)
    assert "img" not in reader.tags
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert reader.tags.count("script") == 2
    assert any("<img src=x onerror=alert(1)>" in one for one in reader.text)


def test_unreadable_parts_of_a_heap_are_said() -> None:
    run = heap_result()
    run.measurements[0].histograms["fault"] = "bm8gaGlzdG9ncmFt"
    run.measurements[1].collections[0][0].map = "m5x9"
    text = page_of([run])
    assert "move: the histogram of fault can&#39;t be read" in text
    assert "art, round 2, collection 1: its map can&#39;t be read" in text


def test_a_heap_without_maps_says_so() -> None:
    assert "carry no heap map" in page_of([heap_result(mapped=False)])


def test_kernels_that_are_no_series_are_apart() -> None:
    other = stock(boots=1)
    for one in other:
        one.producer.options["pages"] = 2048
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
    with pytest.raises(GcprotoError, match="are the most"):
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
        bad.write_text(good.read_text().replace("gcproto.result/1", "gcproto.result/9"))
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
