"""Text around the tables: the machine, failed rounds, what was not measured, the noise."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from rich.console import Console

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.terminal.kit.text import say
from gcproto.report.words.finding import few_rounds
from gcproto.report.words.kinds import paths
from gcproto.report.words.runs import spread_of
from gcproto.results import names
from gcproto.results.facts import cpus_of
from gcproto.results.schema import PathExperiment, Result, Skip
from gcproto.results.series import page_size_of


def get(environment: Mapping[str, object], *path: str) -> str:
    """A field of the environment as text; ``unknown`` if it is missing."""
    found: object = environment
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return "unknown" if found is None else str(found)


def print_head(result: Result, console: Console) -> None:
    """Print the kernel and the machine, and the meaning of the figures of paths."""
    env = result.environment
    levels = sorted({measurement.proof.level for measurement in result.measurements if measurement.proof.rounds})
    say(
        console,
        (f"kernel {get(env, 'kernel', 'release')}", "bold"),
        f" on {get(env, 'cpu', 'model')} ({cpus_of(result)}); userfaultfd by {get(env, 'uffd', 'via')};"
        f" THP {get(env, 'thp', 'enabled')}; proof by {', '.join(levels) or 'nothing'}",
    )
    found = [one.measured for one in paths(result.measurements)]
    if found:
        units = sorted({one.unit for one in found})
        rounds = _rounds([len(one.samples) for one in found])
        say(
            console,
            f"{', '.join(units)} of {labels.size(page_size_of(result))}: median of {rounds}, below it "
            "the ratio to copy with its 95 % interval; splits and EBUSY are per round",
        )
    if result.guest and result.guest.outcome != "done":
        say(console, f"the guest ended with {result.guest.outcome}: {result.guest.why}", style="bold red")


def _rounds(counts: Sequence[int]) -> str:
    """``88 rounds``, ``9 to 88 rounds``: memory beyond the caches is measured in some rounds only."""
    least, most = min(counts), max(counts)
    return counted(most, "round") if least == most else f"{least} to {counted(most, 'round')}"


def print_invalid(result: Result, console: Console) -> None:
    """Print the rounds whose proof failed, by scenario and reason."""
    page_size = page_size_of(result)
    bad = [one for one in result.measurements if one.invalid_rounds]
    if not bad:
        return
    console.print()
    say(console, ("rounds whose proof failed", "bold red"), " (kept in the file, not in the figures above)")
    for one in bad:
        mark = "" if one.valid else "INVALID, do not quote: "
        reasons: dict[str, int] = defaultdict(int)
        for invalid in one.invalid_rounds:
            reasons[invalid.reason] += 1
        for reason, count in reasons.items():
            what = f"{names.scenario(one.scenario, page_size)}: {counted(count, 'round')}: {reason}"
            say(console, (mark, "bold red"), what, indent=2)


def print_skips(skips: Sequence[Skip], console: Console, title: str = "not measured here") -> None:
    """Print what was asked and not measured, each reason once, and its remedy.

    Args:
        skips: with their reasons.
        console: the terminal.
        title: the heading.

    """
    if not skips:
        return
    console.print()
    say(console, (title, "bold"))
    # Scenarios that lack the same thing are listed once: a source has many.
    same: dict[tuple[str, str], dict[str, None]] = {}
    for skip in skips:
        same.setdefault((skip.reason, skip.remedy), {})[skip.what] = None
    for (reason, remedy), what in same.items():
        say(console, f"{', '.join(what)}: {reason}", indent=2)
        if remedy:
            say(console, f"what to do: {remedy}", indent=4)


def print_noise(result: Result, console: Console) -> None:
    """Print how far equal work differed in this run, and other influences on its figures."""
    run = result.environment.get("run")
    texts = []
    if result.noise:
        texts.append(
            f"noise: {counted(len(result.noise.pairs), 'A/A pair differs', 'A/A pairs differ')} by "
            f"{spread_of(result.noise, digits=1)}"
        )
    if isinstance(run, dict) and run:
        texts.append(_how_it_ran(run, alone=isinstance(result.experiment, PathExperiment)))
        texts += few_rounds(result.measurements)
        taken = _stolen(run)
        if taken:
            texts.append(f"the hypervisor stole {counted(taken, 'tick')} of the processors' time during the run")
    if result.producer.imported:
        texts.append(f"imported from {result.producer.imported}: lines of gcprobe bench, and the environment they say")
    if not result.producer.complete:
        texts.append("INTERRUPTED: fewer rounds than asked")
    if isinstance(result.experiment, PathExperiment) and result.experiment.slowdown:
        texts.append(f"arms were slowed down on purpose (per mille): {result.experiment.slowdown}")
    if texts:
        console.print()
    for one in texts:
        say(console, one)


def _how_it_ran(run: Mapping[str, object], *, alone: bool) -> str:
    """Rounds, and the processors; those of several threads are their placement, which their table shows.

    Args:
        run: the environment's group of that name.
        alone: one thread did the work.

    """
    cpu, second = run.get("cpu"), run.get("touch_cpu")
    beside = f", second thread on CPU {second}" if isinstance(second, int) and second >= 0 else ""
    pinned = [f"pinned to CPU {cpu}{beside}"] if isinstance(cpu, int) and cpu >= 0 else ["not pinned"] * alone
    rounds = run.get("rounds")
    measured = counted(rounds, "round") if isinstance(rounds, int) else f"{rounds} rounds"
    return ", ".join((f"{measured} and {run.get('warmup')} of warm-up", *pinned))


def _stolen(run: Mapping[str, object]) -> int:
    match run.get("steal_before_after"):
        case [int(before), int(after)]:
            return max(0, after - before)
    return 0
