"""``gcproto claims``: the thread's claims about UFFDIO_MOVE and mTHP, measured on this kernel."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gcproto.cli.kit.options import refuse_without_effect, takes
from gcproto.cli.kit.output import ResultOptions, echo_json, interrupted, keep, result_options
from gcproto.cli.kit.params import SEED, Once
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.process import interrupts

if TYPE_CHECKING:
    from gcproto.claims.finding import Claim, Finding
    from gcproto.results.schema import Skip


@dataclass(frozen=True, kw_only=True)
class Options(ResultOptions):
    """Options of ``gcproto claims``."""

    keys: tuple[str, ...]
    seed: int
    kernels: bool


@click.command(name="claims")
@click.argument("keys", nargs=-1, metavar="[T1 ... T16]...", callback=Once("claim", str.upper))
@click.option("--seed", type=SEED, default=1, show_default=True, help="Seed for contents and orders.")
@click.option(
    "--kernels", is_flag=True, help="Build and boot changed kernels for the claims that need one: T3, T11, T15."
)
@result_options
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Judge claims of the linux-mm thread on MOVE and mTHP (20 February 2025) on this kernel.

    A claim is confirmed, in part, refuted, or not testable here.  The answer has figures and a command that shows this
    claim alone.  "Better" is judged against the best alternative measured, by intervals of rounds.  All sixteen claims
    take about two minutes.

    With --kernels, three claims are judged in guests, on kernels without and with a patch.  Before it begins, the
    command says what is built and how long that takes.  Results of guests in --out are used again if they are of the
    same source, configuration, patches and compiler.

    A refuted claim is a finding, not a failure.  Before measuring, the command says what the machine lacks.  It then
    judges the other claims.  The exit code is 3 if no claim could be judged.
    """
    from gcproto.claims.evidence import Evidence
    from gcproto.claims.needs import asked_first, judge, why_not
    from gcproto.claims.pairs import Guests
    from gcproto.claims.result import document
    from gcproto.claims.rows import CLAIMS
    from gcproto.record import Record
    from gcproto.results.store import prepare

    wanted = [key.upper() for key in options.keys] or [claim.key for claim in CLAIMS]
    unknown = set(wanted) - {claim.key for claim in CLAIMS}
    if unknown:
        raise GcprotoError(f"there is no claim {min(unknown)!r}", why="known: T1 to T16", code=ExitCode.USAGE)
    claims = [claim for claim in CLAIMS if claim.key in wanted]
    if not any(claim.pair for claim in claims):
        able = ", ".join(claim.key for claim in CLAIMS if claim.pair)
        refuse_without_effect(("kernels",), f"of the claims only {able} need changed kernels")
    prepare(options.out)
    record = Record()
    guests = Guests(lambda what: click.echo(f"gcproto: {what}", err=True), options.out) if options.kernels else None
    evidence = Evidence(lambda what: click.echo(f"measuring {what}", err=True), options.seed, guests)
    found: list[tuple[Claim, Finding]] = []
    skips: list[Skip] = []
    complete = True
    try:
        lacking = asked_first(claims, evidence.survey, guests)
        for skip in lacking.values():
            remedy = f" (what to do: {skip.remedy})" if skip.remedy else ""
            click.echo(f"{skip.what} can't be judged here: {skip.reason}{remedy}", err=True)
        skips += lacking.values()
        pairs = [claim.pair for claim in claims if claim.pair and claim.key not in lacking]
        if guests and pairs:
            click.echo(f"gcproto: for --kernels, {guests.missing_work(pairs)}", err=True)
        for claim in claims:
            if claim.key in lacking:
                found.append((claim, why_not(lacking[claim.key])))
                continue
            finding, failed = judge(claim, evidence)
            found.append((claim, finding))
            skips += [failed] if failed else []
        interrupts.defer()
    except KeyboardInterrupt:
        complete = False
    result = document(record, found, skips, evidence, options.seed, complete=complete)
    path = keep(result, options.out)
    click.echo(f"result: {path}", err=True)
    if options.as_json:
        echo_json(result)
    else:
        from gcproto.cli.kit.terminal import console
        from gcproto.report.terminal.thread_claims import print_claims

        print_claims(result, console())
    if not complete or interrupts.noted():
        interrupted(ctx, f"judged: {len(found)} of {counted(len(wanted), 'claim')}")
    if len(skips) == len(claims):
        click.echo("gcproto: no claim could be judged here: the table says what is missing", err=True)
        ctx.exit(ExitCode.UNABLE)
