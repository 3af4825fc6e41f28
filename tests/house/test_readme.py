"""The README is one page, and promises only what is there."""

import re

from gcproto.cli.app import COMMANDS
from tests.support.processes import ROOT, run_gcproto

TEXT = (ROOT / "README.md").read_text()
LINES = 130


def test_it_is_one_page() -> None:
    assert len(TEXT.splitlines()) <= LINES


def test_commands_and_options_exist() -> None:
    for name in COMMANDS:
        assert f"`gcproto {name}" in TEXT
    for command, options in re.findall(r"`gcproto ([a-z]+(?: [a-z]+)?)([^`]*)`", TEXT):
        said = run_gcproto(*command.split(), "--help")
        assert said.returncode == 0, command
        for option in re.findall(r"--[a-z-]+", options):
            assert option in said.stdout, f"gcproto {command} {option}"


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z][\w-]*)", TEXT):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_figures_of_the_findings_are_in_the_records() -> None:
    """The README quotes; figures are of the records."""
    findings = TEXT[TEXT.index("## Three findings") : TEXT.index("## Two commands")]
    records = "".join(page.read_text() for page in (ROOT / "docs" / "results").glob("*.md"))
    figures = re.findall(r"\d+\.\d+x|\b\d+\.\d instructions|takes (\d+)\b", findings)
    assert len(figures) > 3
    for figure in re.findall(r"\d+\.\d+x", findings):
        assert figure in records, figure
