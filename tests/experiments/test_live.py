"""The view of a heap's run while it runs: a picture on a terminal, lines elsewhere, nothing left behind."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from gcproto.cli.gc.live import describe
from gcproto.experiments.session.status import Status, read, write
from tests.support.processes import COMMAND
from tests.support.processes import run_gcproto as gcproto

pytestmark = [pytest.mark.needs("move"), pytest.mark.timeout(200)]
RUN = ("gc", "--workload", "lru", "--live", "2m", "--modes", "move", "--rounds", "2")


def test_a_status_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = str(tmp_path / "status")
    assert read(path) is None
    write(path, Status(label="move 8M", collections=3, moved=7))
    write(path, Status(label="move 8M", collections=4, moved=9))
    found = read(path)
    assert found == Status(label="move 8M", collections=4, moved=9)
    assert [file.name for file in tmp_path.iterdir()] == ["status"]
    Path(path).write_text("{")
    assert read(path) is None
    write(str(tmp_path / "nowhere" / "status"), Status())  # a status that can't be written stops no process


def test_a_status_in_a_line() -> None:
    status = Status("move 8M", 2.0, "", 5, 900, 10, 2, 0, 2, 400, 0.5, 1.25)
    said = "move 8M: 5 collections, 900 pages moved, 12 copied (2 after EBUSY), 200 faults/s, longest pause 1.25 ms"
    assert describe(status) == said


def test_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    done = gcproto(*RUN, "--operations", "40000", "--out", str(tmp_path))
    assert done.returncode == 0
    lines = [line for line in done.stderr.splitlines() if " of 3 runs" in line]
    assert len(lines) == 3
    assert "move 8M, small folios" in lines[0]
    assert "longest pause" in lines[-1]
    assert " 0 collections" not in lines[-1]


def test_a_picture_on_a_terminal(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *RUN, "--operations", "120000", "--out", str(tmp_path / "r")],
        stdout=subprocess.DEVNULL,
        stderr=slave,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100", "TMPDIR": str(temporary)},
    )
    os.close(slave)
    said = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the terminal is gone with its last user
            break
        if not part:
            break
        said += part
    os.close(master)
    assert process.wait(timeout=60) == 0
    text = said.decode(errors="replace")
    for word in ("collections", "faults", "longest", "mutators run"):
        assert word in text
    assert list(temporary.iterdir()) == []
