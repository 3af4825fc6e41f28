"""The reference is what the program says: generated pages are current, and no variable, code or record is missing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import records
from gcproto import contract
from gcproto.cli import man, reference
from gcproto.cli.app import cli
from gcproto.cli.reference import contexts
from gcproto.errors import ExitCode
from gcproto.results.schema import Hazard, Verdict
from gcproto.results.store import save
from tests.support.kernel_results import guest_result
from tests.support.processes import ROOT

FOLDER = ROOT / "docs" / "reference"
VARIABLES = re.compile(
    r"""(?:environ(?:\.get|\.pop)?|environment\.pop|getenv)[\[(]\s*["'](\w+)["']|\b(_?GCPROTO_(?:[A-Z]+))\b"""
    r"""|^\s*[A-Z_]+ = "([A-Z]+(?:_[A-Z]+)+)"$"""
)
MACROS = {"GCPROTO_COMPLETE"}
"""Part of ``_GCPROTO_COMPLETE``."""


def test_commands_are_current() -> None:
    """In a process of its own: a command keeps the help option of the context in which it was first called."""
    code = "import sys; from gcproto.cli import reference; sys.stdout.write(reference.commands())"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert (FOLDER / "commands.md").read_text() == made, "make docs"


def test_the_result_format_is_current() -> None:
    assert (FOLDER / "result.md").read_text() == reference.result(), "make docs"


def test_the_list_of_commands_is_current() -> None:
    text = (ROOT / "README.md").read_text()
    assert text == reference.readme(text), "make docs"


def test_every_exit_code_is_documented() -> None:
    text = (FOLDER / "exit-codes.md").read_text()
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.M)} == set(map(int, ExitCode))


def asked() -> set[str]:
    """Environment variables that the sources name."""
    found: set[str] = set()
    for folder in ("gcproto", "native", "benchmarks", "tests"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".c", ".h"} and path.name != "test_reference.py":
                for line in path.read_text().splitlines():
                    if "GCPROTO_" in line or "environ" in line or "getenv" in line:
                        found |= {name for groups in VARIABLES.findall(line) for name in groups if name}
    return found - MACROS


def test_every_variable_is_documented() -> None:
    documented = set(re.findall(r"`(_?[A-Z][A-Z_]+)`", (FOLDER / "environment.md").read_text()))
    assert {"GCPROTO_CACHE", "GCPROTO_MIRROR", "GCPROTO_STATE", "PATH"} <= asked()
    assert asked() <= documented


def test_every_record_has_its_place() -> None:
    for name in (*records.RECORDS, *records.GUESTS, records.COMPARE):
        page = (ROOT / "docs" / "results" / f"{name.partition('-')[0]}.md").read_text()
        changed = records.replaced(page, name, "new\n")
        assert changed.count("new\n") == page.count("new\n") + 1
        assert records.replaced(changed, name, "new\n") == changed


def test_a_record_says_where_it_comes_from() -> None:
    result = {
        "run_id": "0123456789ab",
        "producer": {"started": "2026-11-26T14:33:35+00:00", "seconds": 219.7},
        "environment": {"cpu": {"model": "a processor", "count": 2, "allowed": 2}, "kernel": {"release": "6.18.44"}},
    }
    made = records.text("gcproto bench", result, " table\n", "abc1234")
    for part in (
        "`gcproto bench`",
        "2026-11-26, 14:33 UTC",
        "2 of 2 CPUs, a processor",
        "abc1234",
        "0123456789ab",
        " table\n",
    ):
        assert part in made


def test_an_unknown_record_is_refused() -> None:
    with pytest.raises(SystemExit, match="no record other"):
        records.main(["other"])


def test_the_map_is_made_of_all_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run in pieces, without running it again."""
    for release in ("6.18.15", "7.3.4"):
        made = guest_result(release, {}, verdicts=[Verdict(Hazard("ksm"), "ebusy", "x")])
        assert made.guest
        made.guest.host["qemu"] = "7.2"
        save(made, tmp_path / "kept")
    monkeypatch.setattr(records, "PAGES", tmp_path)
    monkeypatch.setattr(records, "ROOT", tmp_path)
    monkeypatch.setattr(records, "commit", lambda: "abc1234")
    page = tmp_path / "hazards.md"
    page.write_text(f"before\n{records.BEGIN.format('hazards')}old\n{records.END}after\n")
    records.main([f"hazards={tmp_path / 'kept'}"])
    assert re.search(r"^hazard +6.18.15 +7.3.4$\n^ksm +ebusy +ebusy$", page.read_text(), re.M), page.read_text()
    assert re.search(r"^row +6.18.15 +7.3.4$\n^mode-unknown +- +-$", page.read_text(), re.M), page.read_text()
    assert set(records.MAP_ROWS) < {row.name for row in contract.rows()}
    assert "old" not in page.read_text()
    with pytest.raises(SystemExit, match="no record paths"):
        records.main(["paths=x"])


@pytest.mark.parametrize("name", records.RECORDS)
def test_the_command_of_a_record_is_understood(name: str) -> None:
    from click.testing import CliRunner

    from gcproto.cli.app import cli

    words = records.RECORDS[name].split()
    assert CliRunner().invoke(cli, [*words, "--help"]).exit_code == 0


def test_commits_named_in_records_exist() -> None:
    git = ("git", "-C", str(ROOT))
    shallow = subprocess.run(
        [*git, "rev-parse", "--is-shallow-repository"], capture_output=True, text=True, check=False
    )
    if shallow.stdout.strip() != "false":
        pytest.skip("the whole history is not here")
    known = subprocess.run([*git, "rev-list", "--all"], capture_output=True, text=True, check=True).stdout
    for page in (ROOT / "docs" / "results").glob("*.md"):
        for commit in re.findall(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{7}\b", page.read_text()):
            assert re.search(rf"^{commit}", known, re.M), f"{page.name}: {commit}"


def test_every_command_has_a_manual_page_with_its_options(tmp_path: Path) -> None:
    found = {path.name: path.read_text() for path in man.write(tmp_path)}
    names = {context.command_path.replace(" ", "-") for context in contexts("gcproto", cli, None)}
    assert set(found) == {f"{name}.1" for name in names}
    assert r"\fB\-\-rounds INTEGER RANGE\fP" in found["gcproto-gc-window.1"]
    assert r"\fBgcproto\-kernels\-ab\fP(1)" in found["gcproto-kernels.1"]
    assert "Exit codes" in found["gcproto.1"]
    for text in found.values():
        assert all(re.match(r"\.(TH|SH|PP|TP|nf|fi)\b", line) for line in text.splitlines() if line[:1] in {".", "'"})


def test_a_manual_page_has_the_text_as_it_is() -> None:
    assert man.roff("a-b \\n\n.TH is not a title\n'quoted'") == "a\\-b \\en\n\\&.TH is not a title\n\\&'quoted'"
