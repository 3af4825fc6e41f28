"""How the kernels of guests were built, in words, and that no command prints their figures without it."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from gcproto.cli.app import cli
from gcproto.report.page.kernels_section import kernels_section
from gcproto.report.plots import kernels
from gcproto.report.plots.plot import NOTE
from gcproto.results.configurations import ABOUT, UNRECORDED, build_of, builds
from gcproto.results.exports import kcidb, pyperf, rows
from gcproto.results.schema import Configuration, Result
from gcproto.results.series import build
from gcproto.results.store import save
from tests.support.kernel_results import CANARY, MOVE, guest_result
from tests.support.result_maker import result

TINY = Configuration("fast", (), numa=False, slub_tiny=True)
DEBIAN = Configuration("Debian's cloud-amd64", ("spectre_v1", "spectre_v2"), numa=True, slub_tiny=False)
TINY_TEXT = "configuration fast, gcc 12.2; with SLUB_TINY; without CPU mitigations, NUMA"
DEBIAN_TEXT = (
    "configuration Debian's cloud-amd64, gcc 12.2; with CPU mitigations (spectre_v1, spectre_v2), NUMA; "
    "without SLUB_TINY"
)


def of(release: str, configuration: Configuration | None, move: float = 220.0) -> Result:
    made = guest_result(release, {CANARY: 4200.0, MOVE: move})
    version = f"Linux version {release} (gcproto@gcproto) (gcc (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils) 2.40)"
    made.environment["kernel"] = {"release": release, "version": version}
    assert made.guest
    made.guest.configuration = configuration
    return made


@pytest.mark.parametrize(
    ("configuration", "text"),
    [(TINY, TINY_TEXT), (DEBIAN, DEBIAN_TEXT), (None, f"gcc 12.2; {UNRECORDED}")],
)
def test_a_build_in_words(configuration: Configuration | None, text: str) -> None:
    assert build_of(of("7.3.4-stock", configuration)) == text


def test_kernels_that_were_built_alike_share_a_line() -> None:
    found = [of("7.3.4-stock", TINY), of("7.3.4-patched", TINY), of("7.3.4+deb13-cloud-amd64", DEBIAN)]
    assert set(builds(found)) == {f"7.3.4-patched, 7.3.4-stock: {TINY_TEXT}", f"7.3.4+deb13: {DEBIAN_TEXT}"}
    assert builds(found, ["7.3.4-stock"]) == [f"7.3.4-stock: {TINY_TEXT}"]


def test_of_a_host_nothing_is_said() -> None:
    assert builds([result([])]) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for one in (of("7.3.4-stock", TINY), of("7.3.4-patched", DEBIAN, 200.0)):
        save(one, tmp_path / "r")
    return tmp_path / "r"


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "7.3.4-stock", "7.3.4-patched", "--results"),
        ("compare", "7.3.4-stock", "7.3.4-patched", "--json", "--results"),
        ("history",),
        ("history", "--json"),
        ("export", "--kcidb"),
    ],
)
def test_commands_print_it(folder: Path, words: tuple[str, ...]) -> None:
    if "--kcidb" in words:
        pytest.importorskip("kcidb_io")
    done = CliRunner().invoke(cli, ["kernels", *words, str(folder)], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert TINY_TEXT in done.output
    assert DEBIAN_TEXT in done.output


def test_the_page_and_exports_have_it() -> None:
    found = [of("7.3.4-stock", TINY)]
    section, _ = kernels_section(found)
    assert f"7.3.4-stock: {TINY_TEXT}." in [line for part in section.parts for line in part.lines]
    assert {row["build"] for row in csv.DictReader(io.StringIO(rows.document(found)))} == {TINY_TEXT}
    assert pyperf.document(found)["benchmarks"][0]["metadata"]["gcproto_build"] == TINY_TEXT


def test_pictures_in_files_have_it(folder: Path, tmp_path: Path) -> None:
    """A file is sent without the text of the terminal or of the page."""
    words = ["history", str(folder), "--plot", str(tmp_path / "a.svg"), "--plot", str(tmp_path / "a.png")]
    done = CliRunner().invoke(cli, ["kernels", *words])
    assert done.exit_code == 0, done.output
    said = " ".join(re.sub(r"<[^>]*>", " ", (tmp_path / "a.svg").read_text()).split())
    assert ABOUT in said
    assert TINY_TEXT in said
    assert "with CPU mitigations (spectre_v1, spectre_v2), NUMA" in said
    section, _ = kernels_section([of("7.3.4-stock", TINY)])
    (picture,) = [one for part in section.parts for one in part.plots()]
    assert picture.notes == [f"{ABOUT}:", f"7.3.4-stock: {TINY_TEXT}"]
    assert ABOUT not in picture.svgs()[0], "the page says it beside the picture"


def test_long_notes_are_wrapped_and_no_result_fills_a_picture(tmp_path: Path) -> None:
    made = kernels.plot("one", build([of("7.3.4-stock", TINY)]), [], [])
    heights = []
    for notes in ([], ["short"], ["word " * 100_000]):
        replace(made, notes=notes).save(tmp_path / "a.svg")
        found = re.search(r'height="([\d.]+)pt"', (tmp_path / "a.svg").read_text())
        assert found
        heights.append(float(found[1]))
    assert heights[0] + NOTE < heights[1] < heights[2] < heights[0] + 10 * NOTE


def test_kernelci_gets_configuration_and_compiler() -> None:
    pytest.importorskip("kcidb_io")
    (build,) = kcidb.document([of("7.3.4-stock", TINY)], "gcproto")["builds"]
    assert (build["config_name"], build["compiler"], build["misc"]) == ("fast", "gcc 12.2", {"built": TINY_TEXT})
