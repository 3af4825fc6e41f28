"""Result files: whole or not at all, and what is wrong with one that can't be used is said."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import msgspec
import pytest

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results import json_schema
from gcproto.results.schema import Result
from gcproto.results.store import file_name, load, prepare, save
from tests.support.heap_results import heap_result, window_result
from tests.support.kernel_results import stock
from tests.support.path_results import paths_result
from tests.support.result_maker import noisy_run


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    run = noisy_run(1)
    path = save(run, tmp_path / "new" / "folder")
    assert path.name == file_name(run)
    assert "6.18.44" in path.name
    assert load(path) == run
    assert [entry.name for entry in path.parent.iterdir()] == [path.name], "nothing else is left in the folder"


def test_the_schema_in_the_repository_is_the_one_of_the_code() -> None:
    assert json_schema.FILE.read_text() == json_schema.text(), "run python -m gcproto.results.json_schema"
    jsonschema.Draft202012Validator.check_schema(json_schema.document())


def test_new_results_fit_the_schema() -> None:
    for run in (noisy_run(2), paths_result(), heap_result(rounds=2), window_result(), stock(boots=1)[0]):
        jsonschema.validate(json.loads(msgspec.json.encode(run)), json_schema.document())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not the JSON"),
        ("[1, 2]", "not the JSON of a result"),
        ("{}", "names no schema"),
        ('{"schema": "gcproto.result/9"}', "gcproto.result/9"),
        ('{"schema": "gcproto.result/1", "run_id": 5}', "a field does not match"),
        ('{"schema": "gcproto.result/2", "run_id": 5}', "a field does not match"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(text)
    with pytest.raises(GcprotoError, match="not a usable result") as caught:
        load(path)
    assert why in caught.value.why
    assert caught.value.code is ExitCode.USAGE


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.json", tmp_path):
        with pytest.raises(GcprotoError, match="not a usable result"):
            load(path)


def test_unknown_fields_of_a_newer_program_are_tolerated(tmp_path: Path) -> None:
    document = json.loads(msgspec.json.encode(noisy_run(3))) | {"invented_later": 1}
    path = tmp_path / "file.json"
    path.write_text(json.dumps(document))
    assert isinstance(load(path), Result)


@pytest.mark.needs("root")
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], check=True)
    try:
        prepare(tmp_path)
        (tmp_path / "filler").write_bytes(b"x" * 40_000)
        with pytest.raises(GcprotoError, match="can't be written") as caught:
            save(noisy_run(4, rounds=400), tmp_path)
        assert caught.value.code is ExitCode.WRITE
        kept = re.search(r"the result is in (\S+): move it", caught.value.remedy)
        assert kept, "what was measured is not lost"
        assert load(Path(kept[1])).run_id == noisy_run(4, rounds=400).run_id
        shutil.rmtree(Path(kept[1]).parent)
        assert [entry.name for entry in tmp_path.iterdir()] == ["filler"]
        (tmp_path / "filler").write_bytes(b"x" * 60_000)
        with pytest.raises(GcprotoError, match="can't be written") as caught:
            prepare(tmp_path)  # a full disk is seen before anything is measured
        assert "free some space" in caught.value.remedy
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GcprotoError, match="can't be written"):
        prepare(tmp_path / "file")
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208
