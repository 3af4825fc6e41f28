"""A run of this machine from its beginning to its result: who measured what, since when, where."""

import datetime
import sys
import time
import uuid
from collections.abc import Sequence
from typing import Any

from gcproto import __version__
from gcproto.host import environment
from gcproto.logs import bind
from gcproto.results.schema import Measurement, Noise, Producer, Result, Skip, Verdict


class Record:
    """Begins when it is made; the log's lines bear its run from then on.

    Args:
        producer: its name (gcproto.results.schema.Producer).

    Attributes:
        run_id: of the run;  environment: of the machine as the run began; producers may add to it.

    """

    def __init__(self, producer: str) -> None:
        self._producer = producer
        self.run_id = uuid.uuid4().hex[:12]
        bind(run_id=self.run_id)
        self._started = datetime.datetime.now(datetime.UTC)
        self._clock = time.monotonic()
        self.environment = environment.capture()

    def result(
        self,
        measurements: list[Measurement],
        skips: list[Skip],
        *,
        options: dict[str, Any],
        seed: int,
        complete: bool,
        noise: Noise | None = None,
        verdicts: Sequence[Verdict] = (),
    ) -> Result:
        """What it came to, until now.

        Args:
            measurements: of the run.
            skips: what was not measured, and why.
            options: what was asked, as far as it must be alike for a comparison.
            seed: of all that is random in it.
            complete: nothing was interrupted.
            noise: of its A/A pairs, where it has any.
            verdicts: likewise.

        """
        return Result(
            run_id=self.run_id,
            producer=Producer(
                name=self._producer,
                version=__version__,
                command=sys.argv[1:],
                options=options,
                seed=seed,
                started=self._started.isoformat(timespec="seconds"),
                seconds=round(time.monotonic() - self._clock, 3),
                benchmark=str(self.environment["build"]["hash"]),
                complete=complete,
            ),
            environment=self.environment,
            measurements=measurements,
            skips=skips,
            noise=noise,
            verdicts=list(verdicts),
        )
