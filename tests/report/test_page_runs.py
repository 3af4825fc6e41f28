"""The page of several runs, and the command that makes it: files, labels, damaged results."""

from pathlib import Path

import pytest

from gcproto.report.page.build import build
from gcproto.results.gather import gather
from gcproto.results.schema import (
    Latency,
    Result,
    WindowFigures,
    WorkloadFigures,
)
from gcproto.results.store import save
from tests.support.condition_results import conditions
from tests.support.every_kind import EVERY, page_of
from tests.support.heap_results import heap_result, window_result
from tests.support.path_results import paths_result
from tests.support.processes import run_gcproto


class TestCommand:
    def test_a_folder(self, tmp_path: Path) -> None:
        for one in EVERY:
            save(one, tmp_path)
        (tmp_path / "broken.json").write_text("{")
        page, folder = tmp_path / "page.html", tmp_path / "plots"
        done = run_gcproto("report", str(tmp_path), "-o", str(page), "--plots", str(folder))
        assert done.returncode == 0, done.stderr
        assert "broken.json is not a usable result" in done.stderr
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


def test_gather_and_build_agree_on_names(tmp_path: Path) -> None:
    path = save(paths_result(), tmp_path)
    page = build(gather([path]).results, [])
    assert page.downloads[0].name == f"{path.name}.gz"
    assert page.title == "UFFDIO_MOVE on Linux 6.18.44"


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
