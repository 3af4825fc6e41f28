"""Options of clusters, and what a command shows of several hosts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gcproto.cli.app import cli
from gcproto.cli.heap.other_sizes import on_hosts
from gcproto.cli.kit.cluster import Done, Hosts
from gcproto.errors import ExitCode, GcprotoError
from gcproto.jobs.pool import Job, Place
from gcproto.jobs.run import Failed
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.results.facts import set_host
from gcproto.results.schema import Result
from tests.support.result_maker import measurement, result, scenario

NOWHERE = "tcp://127.0.0.1:1"


class Two:
    """A pool of two hosts that never runs anything."""

    poll = 1.0
    closed = 0

    def __init__(self, _address: str) -> None:
        pass

    def places(self) -> Sequence[Place]:
        return [Place("10.0.0.7:1", "10.0.0.7", 1), Place("10.0.0.8:1", "10.0.0.8", 1)]

    def close(self, *, now: bool) -> None:
        Two.closed += now


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("gc", "policies", "--deadline", "5"), 2, "--deadline is for jobs of a cluster"),
        (("predict", "--deadline", "5"), 2, "--deadline is for jobs of a cluster"),
        (("predict", "--heap-mib", "99", "--dask", NOWHERE), 3, "there is no Dask scheduler at tcp://127.0.0.1:1"),
        (("predict", __file__, "--dask", NOWHERE), 2, "--dask measures, and results were given as well"),
    ],
)
def test_mistakes(words: tuple[str, ...], code: int, text: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, [*words, "--out", str(tmp_path)])
    said = done.output + str(done.exception or "")
    assert text in said
    found = done.exception.code if isinstance(done.exception, GcprotoError | SystemExit) else done.exit_code
    assert found == code


def test_times_of_kernels_are_not_spread_over_hosts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kernels would differ by their hosts; nothing is booted."""
    kernel = LocalKernel("6.18.1", "/k", (), "here")
    monkeypatch.setattr("gcproto.cli.kernels.run.chosen", lambda _options: [kernel])
    monkeypatch.setattr("gcproto.jobs.cluster.DaskPool", Two)
    monkeypatch.setattr(Two, "closed", 0)
    words = ["kernels", "run", "6.18", "--wall-clock", "--dask", "tcp://x:1", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli, words)
    assert isinstance(done.exception, GcprotoError)
    assert done.exception.what == "times of 2 hosts can't be merged"
    assert "10.0.0.7, 10.0.0.8" in done.exception.why
    assert Two.closed == 1


def hosts() -> Hosts:
    found = Hosts(jobs=2)
    for name in ("fir", "oak"):
        one = result([measurement(scenario("move"), [100.0, 101.0, 102.0])])
        set_host(one, {"name": name})
        found.results[name] = [one]
    return found


def close(found: Hosts, *, well: bool = True) -> tuple[int, str]:
    import click

    from gcproto.cli.kit.output import ResultOptions

    @click.command()
    @click.pass_context
    def command(ctx: click.Context) -> None:
        found.close(ctx, ResultOptions(as_json=False, out=Path("r")), well=well)

    done = CliRunner().invoke(command)
    return done.exit_code, done.output


def test_exit_codes_of_several_hosts() -> None:
    assert close(hosts()) == (ExitCode.OK, "")
    assert close(hosts(), well=False) == (ExitCode.NO, "")
    lost = hosts()
    job: Job[list[Result]] = Job("10.0.0.9", list, "10.0.0.9")
    lost.ended = Done([Failed(job, "no answer within 5 s (x:1)")], cut=False)
    assert close(lost) == (ExitCode.NO, "gcproto: 10.0.0.9: no result: no answer within 5 s (x:1)\n")
    invalid = hosts()
    invalid.results["fir"][0].measurements[0].valid = False
    assert close(invalid) == (
        ExitCode.NO,
        "gcproto: 1 result has INVALID measurements: too many rounds failed their proof\n",
    )
    cut = hosts()
    cut.ended = Done([], cut=True)
    code, text = close(cut)
    assert code == ExitCode.INTERRUPTED
    assert "kept in r: 2 results of 2 jobs" in text


def test_a_host_whose_results_make_no_model_does_not_stop_the_others(capsys: Any) -> None:
    seen: list[int] = []

    def show(results: Sequence[Result]) -> bool:
        seen.append(len(results))
        if len(seen) == 1:
            raise GcprotoError("fewer than 3 sizes")
        return True

    assert on_hosts(hosts(), show) is False
    assert seen == [1, 1]
    assert "gcproto: fir: fewer than 3 sizes" in capsys.readouterr().err
