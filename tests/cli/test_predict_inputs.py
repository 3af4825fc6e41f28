"""Files that ``gcproto predict`` is given: copies of a run, files without a proposal, results without heaps."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gcproto.cli.app import cli
from gcproto.errors import ExitCode, GcprotoError
from gcproto.model.proposals import load

V1 = Path("tests/data/v1")
GIVEN = (str(V1 / "policies.json"), str(V1 / "paths.json"))


def predicted(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["predict", *map(str, words)])


def test_a_copy_of_a_run_is_read_once_and_said(tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    shutil.copy(V1 / "policies.json", copy)
    once, twice = predicted(*GIVEN, "--json"), predicted(*GIVEN, copy, "--json")
    assert once.exit_code == twice.exit_code == ExitCode.OK
    assert twice.stdout == once.stdout
    assert f"{copy} is omitted" in twice.stderr


def test_a_damaged_file_is_refused_whatever_the_others_are(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.json"
    damaged.write_text((V1 / "policies.json").read_text()[:1000])
    done = predicted(*GIVEN, damaged)
    assert isinstance(done.exception, GcprotoError)
    assert done.exception.code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "truncated"),
        ("[]", "Expected `object`"),
        ('{"name": "x"}', "missing required field `text`"),
        ('{"name": "x", "text": "t", "foo": 1}', "unknown field `foo`"),
        ('{"name": "x", "text": "t", "page_cost": [2, 1]}', "page_cost"),
        ('{"name": "x", "text": "t"}', "it changes nothing"),
    ],
)
def test_a_file_that_is_no_proposal_is_called_so(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text(text)
    with pytest.raises(GcprotoError, match="is not a usable proposal") as error:
        load(str(file))
    assert why in error.value.why
    assert error.value.code == ExitCode.USAGE


def test_a_name_that_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(GcprotoError, match="neither a known proposal nor a file") as error:
        load(str(tmp_path / "cheese"))
    assert "Errno" not in str(error.value)
    with pytest.raises(GcprotoError, match="is not a usable proposal") as error:
        load(str(tmp_path))
    assert "Errno" not in str(error.value)


def test_results_without_heaps_have_no_size_to_predict_from() -> None:
    done = predicted(V1 / "paths.json", "--heap-mib", "64")
    assert isinstance(done.exception, GcprotoError)
    assert "no heap was collected in these results" in str(done.exception)


@pytest.mark.parametrize("cluster", [(), ("--dask", "tcp://127.0.0.1:1")])
def test_too_few_sizes_are_refused_before_heaps_are_collected(cluster: tuple[str, ...], tmp_path: Path) -> None:
    """Two heaps were collected on each host, and only then their results were refused."""
    done = predicted("--heap-mib", "1024", "--up-to", "128m", *cluster, "--out", tmp_path)
    assert isinstance(done.exception, GcprotoError)
    assert done.exception.code == ExitCode.USAGE
    assert done.exception.what == "--up-to leaves 2 sizes of a heap, and a fit needs 3"
    assert done.exception.remedy == "use --up-to 256m or more"
    assert not list(tmp_path.iterdir())
