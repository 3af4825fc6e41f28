"""Commands whose work is done by the hosts of a Dask cluster: options, progress, and what becomes of lost jobs.

Counts of instructions do not depend on the host: any worker may do a job, and results of all hosts are one series.
Times do: each host measures everything by itself, and each has a result of its own.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

import click

from gcproto.cli.kit.output import ResultOptions, echo_json, interrupted
from gcproto.cli.kit.params import Name, seconds
from gcproto.counted import counted
from gcproto.errors import ExitCode
from gcproto.process import interrupts

if TYPE_CHECKING:
    from gcproto.jobs.pool import Job, Place, Pool
    from gcproto.jobs.run import Failed
    from gcproto.results.schema import Result

F = TypeVar("F", bound=Callable[..., None])
T = TypeVar("T")

DEADLINE = 3600.0


@dataclass(frozen=True, kw_only=True)
class ClusterOptions:
    """What `cluster_options` declares."""

    dask: str | None
    deadline: float | None

    def __post_init__(self) -> None:
        if self.deadline is not None and self.dask is None:
            raise click.UsageError("--deadline is for jobs of a cluster: give --dask ADDRESS as well")

    @property
    def limit(self) -> float | None:
        """Seconds for a job of a cluster; None: the jobs run here, where each has limits of its own."""
        return (self.deadline or DEADLINE) if self.dask else None


def cluster_options(text: str) -> Callable[[F], F]:
    """``--dask``, ``--deadline``.

    Args:
        text: what ``--dask`` does.

    """
    dask = click.option("--dask", type=Name("address"), metavar="ADDRESS", help=text)
    deadline = click.option(
        "--deadline",
        type=seconds(),
        help="Seconds for a job on one worker of the cluster.  Then another worker gets it as well, unless it measures "
        f"times.  [default: {DEADLINE:.0f}]",
    )
    return lambda function: dask(deadline(function))


@dataclass
class Done(Generic[T]):
    """How jobs ended.

    Attributes:
        lost: those without an answer;  cut: a signal came before all were done.

    """

    lost: "list[Failed[T]]"
    cut: bool

    def tell_lost(self) -> None:
        """Say which jobs have no answer, and why."""
        for one in self.lost:
            click.echo(f"gcproto: {one.job.key}: no result: {one.reason}", err=True)


def run_jobs(
    jobs: "Sequence[Job[T]]", pool: "Pool", done: "Callable[[Job[T], T, Place], None]", deadline: float | None
) -> Done[T]:
    """Run jobs and close their pool; a signal ends that, and what was handed over is kept.

    Args:
        jobs: with distinct keys.
        pool: where they run.
        done: takes each answer.
        deadline: seconds for a job on one worker; None: no limit.

    """
    from gcproto.jobs.run import run

    lost: list[Failed[T]] = []
    cut, well = False, False
    try:
        lost = run(jobs, pool, done, deadline=deadline, tell=lambda text: click.echo(f"gcproto: {text}", err=True))
        interrupts.defer()
        well = True
    except KeyboardInterrupt:
        cut = True
    finally:
        with interrupts.held():
            pool.close(now=not well)
    interrupts.allow()
    return Done(lost, cut or interrupts.noted() is not None)


@dataclass
class Hosts:
    """Results of each host, by its address, in the order in which they came.

    Attributes:
        results: by address;  ended: how the jobs ended;  jobs: how many there were.

    """

    results: "dict[str, list[Result]]" = field(default_factory=dict)
    ended: "Done[list[Result]]" = field(default_factory=lambda: Done([], cut=False))
    jobs: int = 0

    @property
    def every(self) -> "list[Result]":
        """Results, host by host."""
        return [one for some in self.results.values() for one in some]

    def close(self, ctx: click.Context, options: ResultOptions, *, well: bool = True) -> None:
        """End the command unless each host has what was asked for.

        Args:
            ctx: of the command.
            options: of the command.
            well: False: something else of the command is not as it should be, and was said.

        """
        self.ended.tell_lost()
        if self.ended.cut:
            self._interrupted(ctx, options)
        bad = [
            one for one in self.every if not one.producer.complete or any(not made.valid for made in one.measurements)
        ]
        if bad:
            many = counted(len(bad), "result has", "results have")
            click.echo(f"gcproto: {many} INVALID measurements: too many rounds failed their proof", err=True)
        if bad or self.ended.lost or not well:
            ctx.exit(ExitCode.NO)

    def _interrupted(self, ctx: click.Context, options: ResultOptions) -> NoReturn:
        interrupted(ctx, f"kept in {options.out}: {counted(len(self.every), 'result')} of {counted(self.jobs, 'job')}")


def measure_on_each_host(
    cluster: ClusterOptions, options: ResultOptions, parts: "Sequence[tuple[str, Callable[[], list[Result]]]]"
) -> Hosts:
    """Measure on each host of a cluster, one part after the other, and keep each result as soon as it is here.

    Args:
        cluster: options that name it.
        options: of the command.
        parts: names, and functions that can be pickled and measure there.

    """
    from gcproto.jobs.cluster import DaskPool
    from gcproto.jobs.pool import Job
    from gcproto.results.facts import host_of, set_host
    from gcproto.results.store import prepare, save

    assert cluster.dask
    prepare(options.out)
    pool = DaskPool(cluster.dask)
    hosts = sorted({one.host for one in pool.places()})
    found = Hosts({host: [] for host in hosts})
    command = tuple(sys.argv[1:])
    jobs: list[Job[list[Result]]] = [
        Job(f"{host} {name}".strip(), partial(measure_there, measure, command), host)
        for name, measure in parts
        for host in hosts
    ]
    found.jobs = len(jobs)

    def done(job: "Job[list[Result]]", answer: "list[Result]", place: "Place") -> None:
        for result in answer:
            set_host(result, {"address": place.host})
            path = save(result, options.out)
            found.results[place.host].append(result)
            click.echo(f"{job.key}: {host_of(result)} ({result.producer.seconds:.0f} s) {path}", err=True)

    found.ended = run_jobs(jobs, pool, done, cluster.limit)
    return found


def measure_there(measure: "Callable[[], list[Result]]", command: tuple[str, ...]) -> "list[Result]":
    """On a worker: put back what a killed worker left changed, measure, and say by which host and for which command.

    Args:
        measure: makes results.
        command: the command line that asked for them.

    """
    from gcproto.host.identity import identity
    from gcproto.host.settings import recover
    from gcproto.results.facts import set_host

    recover()
    results = measure()
    for one in results:
        one.producer.command = list(command)
        set_host(one, identity())
    return results


def show_hosts(found: Hosts, options: ResultOptions, show: "Callable[[Result], None]") -> None:
    """Show the results of each host below its name.  They are never put together: times belong to their host.

    Args:
        found: the results.
        options: of the command.
        show: prints one.

    """
    from gcproto.results.facts import cpu_of, host_of

    for result in found.every:
        if options.as_json:
            echo_json(result)
            continue
        click.echo(f"\n{host_of(result)}, {cpu_of(result)}")
        show(result)
    if not options.as_json and sum(bool(some) for some in found.results.values()) > 1:
        click.echo("\nTimes of different hosts are not merged: they depend on processor, memory and kernel.")
