"""A run of this machine from its beginning to its result: who measured what, since when, where."""

import datetime
import sys
import time
import uuid
from collections.abc import Sequence

from gcproto import __version__
from gcproto.host import environment
from gcproto.logs import bind
from gcproto.results.schema import (
    ClaimExperiment,
    ClaimVerdict,
    ContractExperiment,
    DumpExperiment,
    Experiment,
    GridExperiment,
    KernelCell,
    Measurement,
    Noise,
    PathExperiment,
    PolicyExperiment,
    Producer,
    Result,
    Skip,
    Verdict,
    WindowExperiment,
    WorkloadExperiment,
)


class Record:
    """Begins when it is made; the log's lines bear its run from then on.

    Attributes:
        run_id: of the run;  environment: of the machine as the run began; producers may add to it.

    """

    def __init__(self) -> None:
        self.run_id = uuid.uuid4().hex[:12]
        bind(run_id=self.run_id)
        self._started = datetime.datetime.now(datetime.UTC)
        self._clock = time.monotonic()
        self.environment = environment.capture()

    def result(
        self,
        experiment: Experiment,
        measurements: list[Measurement],
        skips: list[Skip],
        *,
        seed: int,
        complete: bool,
        noise: Noise | None = None,
        verdicts: Sequence[Verdict] = (),
        claims: Sequence[ClaimVerdict] = (),
    ) -> Result:
        """What it came to, until now.

        Args:
            experiment: what was asked, as far as it must be alike for a comparison.
            measurements: of the run.
            skips: what was not measured, and why.
            seed: of all that is random in it.
            complete: nothing was interrupted.
            noise: of its A/A pairs, where it has any.
            verdicts: of contract and hazards.
            claims: of the thread, judged.

        """
        return Result(
            run_id=self.run_id,
            experiment=experiment,
            producer=Producer(
                version=__version__,
                command=sys.argv[1:],
                seed=seed,
                started=self._started.isoformat(timespec="seconds"),
                seconds=round(time.monotonic() - self._clock, 3),
                benchmark=self.program(experiment),
                complete=complete,
            ),
            environment=self.environment,
            measurements=measurements,
            skips=skips,
            noise=noise,
            verdicts=list(verdicts),
            claims=list(claims),
        )

    def program(self, experiment: Experiment) -> str:
        """The code that measured: results of other code are another series."""
        hashes: dict[str, str] = self.environment["build"]["hash"]
        match experiment:
            case PathExperiment() | KernelCell():
                return hashes["paths"]
            case WorkloadExperiment() | GridExperiment() | PolicyExperiment() | WindowExperiment():
                return hashes["heap"]
            case ContractExperiment():
                return hashes["contract"]
            case DumpExperiment():
                return hashes["heap"]
            case ClaimExperiment():
                return f"{hashes['paths']}+{hashes['heap']}"
