"""Files that commands write for users: what was read, and what is not a regular file, stays."""

import os
from pathlib import Path

import pytest

from gcproto.errors import ExitCode, GcprotoError
from gcproto.process.outputs import see_that_outputs_are_new, write_whole
from gcproto.results.store import load, save
from tests.support.kernel_results import stock
from tests.support.processes import run_gcproto
from tests.support.result_maker import noisy_run


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return save(noisy_run(1), tmp_path / "in")


@pytest.mark.parametrize("words", [("report", "-o"), ("export", "--csv"), ("export", "--pyperf")])
def test_no_output_is_written_over_its_input(words: tuple[str, str], result: Path) -> None:
    command, option = words
    done = run_gcproto(command, str(result), option, str(result))
    assert (done.returncode, "lose the measurements" in done.stderr) == (2, True)
    assert load(result)


def test_two_outputs_are_two_files(result: Path, tmp_path: Path) -> None:
    same = str(tmp_path / "x")
    done = run_gcproto("export", str(result), "--csv", same, "--pyperf", same)
    assert (done.returncode, "written twice" in done.stderr) == (2, True)
    assert not Path(same).exists()


def test_devices_and_links_stay_what_they_are(tmp_path: Path) -> None:
    write_whole(Path("/dev/null"), "x")
    assert not Path("/dev/null").is_file()
    with pytest.raises(GcprotoError) as caught:
        write_whole(Path("/dev/full"), "x" * 100_000)
    assert caught.value.code == ExitCode.WRITE
    assert not Path("/dev/full").is_file()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"


def test_what_can_not_be_written_whole_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    target.write_text("before")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GcprotoError, match="can't be written"):
        write_whole(target, "after")
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["", ".."])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(GcprotoError, match="not the name of a file"):
        see_that_outputs_are_new([Path(name)], [])


def test_texts_of_the_command_line_reach_no_terminal(result: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    escape = "\x1b[31m"
    words = ("--title", f"x{escape}", "--label", f"a{escape}={result}")
    assert run_gcproto("report", str(result), "-o", str(page), *words).returncode == 0
    assert "\x1b" not in page.read_text()


def test_a_folder_of_two_kernels_is_no_side_of_a_comparison(tmp_path: Path) -> None:
    for one in stock(boots=1)[:2]:
        save(one, tmp_path)
    done = run_gcproto("kernels", "compare", str(tmp_path), str(tmp_path))
    assert (done.returncode, "several kernels" in done.stderr) == (2, True)
