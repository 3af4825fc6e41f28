"""Heaps of other sizes: the costs that made the data are found, and sizes that are omitted are predicted."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from gcproto.cli.predict import command
from gcproto.errors import GcprotoError
from gcproto.model.scale import Scale, Shape, object_bytes, scale
from gcproto.report.terminal.predicted.scale import print_scale
from gcproto.results.schema import Collection, Pause, PolicyFigures, Result
from gcproto.results.store import save
from tests.support.policy_results import policy_measurement, policy_scenario
from tests.support.result_maker import result

PAGE = 4096
SIZES = (32, 64, 128, 256)


def collection(mib: int, grows: float = 0.0) -> Collection:
    """Of a heap that is half live, in objects of 64 bytes.

    Args:
        mib: live.
        grows: by which part a page costs more in a heap that is twice as large.

    """
    live = mib << 20
    one = Collection(1, live_bytes=live, objects=live // 64, used_before=2 * live)
    one.collector.built = live // PAGE
    one.phases.mark = 20 * one.objects
    one.phases.compact = round(1000 * one.collector.built * (1 + grows) ** (mib.bit_length() - 6))
    one.pauses = [Pause("final marking", 0, 5_000), Pause("flip", 1_000, 50_000 + 2 * one.used_before // PAGE)]
    return one


def ladder(grows: float = 0.0, threads: int = 1, sizes: tuple[int, ...] = SIZES) -> list[Result]:
    found = []
    for mib in sizes:
        at = policy_scenario("move", "sparse", live_bytes=mib << 20, threads=threads)
        made = policy_measurement(at, 1000.0)
        assert isinstance(made.figures, PolicyFigures)
        made.figures.collections = [[collection(mib, grows)]] * 3
        found.append(result([made]))
    return found


def asked(mib: float = 4096.0, live: float = 0.5) -> Shape:
    used = mib * (1 << 20) / PAGE
    return Shape(used, used * live, 0.0, used * live, used * live * 64)


def figures(found: Scale) -> dict[str, float]:
    (one,) = found.policies
    return {figure.name: figure.ms for figure in one.figures}


def test_costs_that_made_the_data_are_found() -> None:
    found = scale(ladder(), asked(), 1)
    ms = figures(found)
    pages = 4096 * 256
    assert ms["longest pause"] == pytest.approx((51_000 + 2 * pages) / 1e6, rel=1e-3)
    assert ms["after the flip"] == pytest.approx(1000 * pages / 2 / 1e6, rel=1e-3)
    assert ms["before the flip"] == pytest.approx(20 * pages / 2 * 64 / 1e6, rel=1e-3)
    assert all(figure.worst < 1e-3 for figure in found.policies[0].figures)
    assert (found.from_mib, found.to_mib) == (64, 512)
    assert "8.0 times as large as the largest" in found.remarks[0]
    assert object_bytes(ladder()) == 64


def test_an_interval_is_what_sizes_that_were_left_out_had() -> None:
    """Pages that cost a tenth more in each larger heap: the largest is underrated, and the interval says so."""
    found = scale(ladder(grows=0.1), asked(), 1)
    after = found.policies[0].figures[2]
    largest = after.omitted[-1]
    assert largest.used_mib == 512
    assert largest.error == pytest.approx(-after.largest)
    assert 0.1 < after.largest < 0.25
    assert after.low < after.ms < after.high
    assert after.high == pytest.approx(after.ms * largest.measured / largest.predicted)


def test_processors() -> None:
    every = [*ladder(), *ladder(grows=0.0, threads=2)]
    assert scale(every, asked(), 1).policies[0].threads == 1
    found = scale(every, asked(), 8)
    assert found.policies[0].threads == 2
    assert any("With 8 processors" in one for one in found.remarks)
    assert not any("processors" in one for one in scale(every, asked(), 2).remarks)
    assert any("one thread was live" in one for one in scale(ladder(), asked(), 8).remarks)


def test_a_dump_has_the_error_that_other_programs_had() -> None:
    (remark,) = [one for one in scale(ladder(), asked(), 1, of_dump=True).remarks if "JVM" in one]
    assert "what each costs is that of sparse" in remark
    assert "not in the intervals" in remark
    assert not any("JVM" in one for one in scale(ladder(), asked(), 1).remarks)


def test_too_few_sizes() -> None:
    with pytest.raises(GcprotoError, match="fewer than 3 sizes"):
        scale(ladder(sizes=SIZES[:2]), asked(), 1)


def test_sizes_of_more_threads_than_processors_are_not_called_too_few() -> None:
    with pytest.raises(GcprotoError, match="only with 2 live threads, which is more than 1 processor") as refused:
        scale(ladder(threads=2), asked(), 1)
    assert "--processors 2" in refused.value.remedy
    assert scale(ladder(threads=2), asked(), 2).policies


def test_on_a_terminal() -> None:
    console = Console(record=True, width=100)
    print_scale(scale(ladder(), asked(), 1), console)
    text = console.export_text()
    assert "a heap of 4,096 MiB, 2,048 MiB live in 33,554,432 objects" in text.replace("\n", " ")
    assert "the largest heap, predicted from smaller ones, is off by longest pause 0%" in text.replace("\n", " ")


def test_the_command(tmp_path: Path) -> None:
    files = []
    for number, one in enumerate(ladder()):
        one.run_id = f"{number:012x}"
        files.append(str(save(one, tmp_path)))
    done = CliRunner().invoke(command, [*files, "--heap-mib", "4096", "--processors", "8", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["schema"] == "gcproto.predict-heap/1"
    assert found["heap"]["used"] == 4096 * 256
    assert found["policies"][0]["figures"][0]["name"] == "longest pause"


@pytest.mark.parametrize(
    "words", [("--heap-mib", "64", "--dump", __file__), ("--heap-mib", "64", "--fail-below", "0.5")]
)
def test_options_that_exclude_each_other(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(command, words)
    assert isinstance(done.exception, GcprotoError)
