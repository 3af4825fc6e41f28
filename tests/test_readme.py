"""The README promises only what is there."""

import re

from gcproto.cli.app import COMMANDS

from .processes import ROOT, run_gcproto

TEXT = (ROOT / "README.md").read_text()


def test_commands_and_options_exist() -> None:
    for name in COMMANDS:
        assert f"`gcproto {name}" in TEXT
    for line in TEXT.splitlines():
        command = re.match(r"\| `gcproto ([a-z]+(?: [a-z]+)?)", line)
        if command:
            said = run_gcproto(*command[1].split(), "--help").stdout
            for option in re.findall(r"--[a-z-]+", line):
                assert option in said, f"gcproto {command[1]} {option}"


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z]\w*)", TEXT):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_links_exist() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert (ROOT / link).exists(), link
