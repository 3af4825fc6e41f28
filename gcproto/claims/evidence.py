"""The evidence for claims: rows of the contract, paths, heaps. Each part is measured once, when it is first needed."""

from collections.abc import Callable, Iterable
from contextlib import closing
from functools import cached_property

from gcproto import contract
from gcproto.claims.pairs import Guests
from gcproto.collector.modes import MODES
from gcproto.contract.run import run_rows
from gcproto.experiments.paths import bench
from gcproto.experiments.paths.grid import Choice
from gcproto.experiments.policies import run as evacuation
from gcproto.experiments.workloads import run as gc_run
from gcproto.heap.folios import SMALL, Memory, parse_memory
from gcproto.host.doctor import Survey, survey
from gcproto.host.machine import machine
from gcproto.host.settings import may_change
from gcproto.process import interrupts
from gcproto.results.policy_cells import cells, noise_of
from gcproto.results.schema import (
    CONGRUENT,
    MEMORY,
    SHUFFLED,
    SKEWED,
    Measurement,
    ModeOptions,
    PathScenario,
    PolicyScenario,
    Result,
    WorkloadScenario,
)
from gcproto.sizes import KIB, MIB, log2_pages

ROUNDS = 15
HEAP_ROUNDS = 7
"""Rounds of each run. Fewer than six can't separate two costs (gcproto.claims.contrast)."""
CACHED_ROUNDS = 9
RUNNING_ROUNDS = 2
"""Rounds of heaps whose pages are counted and whose costs are not compared."""
LIVE = 32 * MIB
RUNNING_LIVE = 4 * MIB
RUNNING_OPERATIONS = 60_000
PINNED = 4 * MIB
"""The memory that may be pinned by default (RLIMIT_MEMLOCK)."""
EBUSY_ANSWERS = ("copy", "touch", "backoff")
"""Answers to EBUSY: copy at once, write to the source and retry, wait and retry."""
FOLIO = 64 * KIB
"""Of the mTHPs that claims are judged on."""

Say = Callable[[str], None]


class Evidence:
    """Measures what is asked for.

    Args:
        say: is told what is being measured.
        seed: of contents and orders.
        guests: where claims that need a changed kernel get one; None: they are judged on this kernel.

    Attributes:
        guests: as given;  results: of the measurements so far.

    """

    def __init__(self, say: Say, seed: int = 1, guests: Guests | None = None) -> None:
        self.guests = guests
        self._say = say
        self._seed = seed
        self._rows: dict[str, contract.RowResult] = {}
        self.results: list[Result] = []

    def rows(self, *names: str) -> list[contract.RowResult]:
        """Rows of the contract, with swap if they need it."""
        missing = [contract.find(name) for name in names if name not in self._rows]
        if missing:
            self._say(f"contract: {', '.join(row.name for row in missing)}")
            # Rows whose swap device is unavailable are skipped with the reason.
            swap = may_change() and any({"zram", "loop"} & set(row.needs) for row in missing)
            with closing(run_rows(missing, swap=swap)) as results:
                for result in results:
                    self._rows[result.row.name] = result
        return [self._rows[name] for name in names]

    def floor(self, *some: Measurement) -> float:
        """Relative size below which a difference is noise in the runs of these measurements; 0 without an A/A pair."""
        of_these = [
            result for result in self.results if any(one is each for one in result.measurements for each in some)
        ]
        # Policies have no replicas: their pairs are those that chose the same work.
        return max((result.noise.floor if result.noise else _of_policies(result) for result in of_these), default=0.0)

    def _taken(self, result: Result) -> list[Measurement]:
        """Measurements of a run, which is kept. A run that a signal interrupted ends the judging."""
        self.results.append(result)
        interrupts.resume()
        if not result.producer.complete:
            raise KeyboardInterrupt
        return result.measurements

    def _bench(self, what: str, choice: Choice) -> list[Measurement]:
        self._say(f"paths: {what}")
        return self._taken(
            bench.run(bench.PathParameters(choice, rounds=ROUNDS, seed=self._seed), lambda _done, _total: None)
        )

    @cached_property
    def _present(self) -> list[Measurement]:
        sources = ["small", *(f"mthp-{name}" for name in ("16k", "64k", "1m")), "thp"]
        arms = ["move", "copy", "copy_discard", "split_move"]
        choice = Choice(sources=sources, arms=arms, granules=["64k", "2m"], alignments=[CONGRUENT], threads=[1])
        return self._bench("present pages", choice)

    @cached_property
    def _migrated(self) -> list[Measurement]:
        choice = Choice(
            sources=["mthp-64k"],
            arms=["tao", "copy", "copy_discard", "split_move"],
            granules=["2m"],
            alignments=[CONGRUENT],
            threads=[1, 2],
        )
        return self._bench("folios that are migrated first", choice)

    @cached_property
    def _skewed(self) -> list[Measurement]:
        both = [CONGRUENT, SKEWED]
        choice = Choice(
            sources=["mthp-64k", "thp"], arms=["move", "copy"], granules=["2m"], alignments=both, threads=[1]
        )
        return self._bench("misaligned destinations", choice)

    @cached_property
    def _swapped(self) -> list[Measurement]:
        choice = Choice(
            sources=["swapped", "swapped-64k", "swapcache", "swapcache-64k"],
            arms=["move", "copy", "move_fallback"],
            granules=["64k"],
            alignments=[CONGRUENT],
            threads=[1],
            swap=True,
        )
        return self._bench("swapped pages", choice)

    @cached_property
    def _refused(self) -> list[Measurement]:
        arms = ["move", "move_fallback"]
        choice = Choice(sources=["pinned"], arms=arms, granules=["64k"], threads=[1], memory=PINNED)
        return self._bench("pinned pages", choice)

    def present(self, source: str, arm: str, granule: int, order: int = 0) -> Measurement | None:
        """A path of present pages, aligned, one thread; None if it is unavailable."""
        return _path(self._present, source, arm, granule, order)

    def swapped(self, source: str, arm: str, granule: int, order: int = 0) -> Measurement | None:
        """A path of swapped pages, in the swap cache or not."""
        return _path(self._swapped, source, arm, granule, order)

    def skewed(self, source: str, granule: int, order: int, alignment: str) -> Measurement | None:
        """Moves to a destination that is aligned, or one page off."""
        return _path(self._skewed, source, "move", granule, order, alignment=alignment)

    def migrated(self, arm: str, granule: int, threads: int) -> Measurement | None:
        """64 KiB mTHPs by an arm, with so many live threads."""
        return _path(self._migrated, "mthp", arm, granule, self.order, threads=threads)

    def refused(self, arm: str, granule: int) -> Measurement | None:
        """Small folios that are pinned."""
        return _path(self._refused, "pinned", arm, granule, 0)

    def moves(self) -> list[Measurement]:
        """All moves of present pages, of every available folio size."""
        return [one for one in self._present if isinstance(one.scenario, PathScenario) and one.scenario.arm == "move"]

    def _evacuated(self, what: str, wanted: evacuation.PolicyParameters) -> list[Measurement]:
        self._say(f"heaps: {what}")
        return self._taken(evacuation.run(wanted, lambda _done, _total: None))

    @cached_property
    def _policies(self) -> list[Measurement]:
        """Evacuation policies on heaps of small folios, 64 KiB mTHPs and THPs."""
        wanted = evacuation.PolicyParameters(
            workloads=["prefix", "sparse"],
            memories=[SMALL, parse_memory("64k"), parse_memory("2m")],
            policies=["move", "copy-large", "split-ahead", "whole", "auto"],
            live_bytes=LIVE,
            rounds=HEAP_ROUNDS,
            seed=self._seed,
            verify=True,
        )
        return self._evacuated("evacuation policies", wanted)

    def heap(self, workload: str, order: int, policy: str) -> Measurement | None:
        """A heap without mutators, evacuated by a policy."""
        for one in self._policies:
            match one.scenario:
                case PolicyScenario(workload=known, order=of, policy=by) if (known, of, by) == (
                    workload,
                    order,
                    policy,
                ):
                    return one
        return None

    def _beside_mutators(
        self, what: str, mode: str, options: Iterable[ModeOptions], memory: Memory, disturb: str = ""
    ) -> list[Measurement]:
        self._say(f"heaps: {what}")
        wanted = gc_run.WorkloadParameters(
            workload="lru",
            modes=[(MODES[mode].with_options(one), one) for one in options],
            factors=[3.0],
            memories=[memory],
            policies=["move"],
            live_bytes=RUNNING_LIVE,
            operations=RUNNING_OPERATIONS,
            rounds=RUNNING_ROUNDS,
            seed=self._seed,
            verify=True,
            disturb=disturb,
        )
        return self._taken(gc_run.run(wanted, lambda _done, _total: None))

    @cached_property
    def _pinned(self) -> list[Measurement]:
        """A heap whose pages are pinned all the time, with each answer to EBUSY; verified."""
        options = [ModeOptions(ebusy=answer) for answer in EBUSY_ANSWERS]
        return self._beside_mutators("pinned pages, every answer to EBUSY", "move", options, SMALL, "pins")

    def pinned(self, answer: str) -> Measurement | None:
        """A heap whose pages are pinned, with an answer to EBUSY; verified."""
        return _workload(self._pinned, ModeOptions(ebusy=answer))

    @cached_property
    def _running(self) -> list[Measurement]:
        options = [ModeOptions(), self._whole_folios]
        return self._beside_mutators("64 KiB mTHPs beside mutators", "art", options, parse_memory("64k"))

    def running(self, *, whole_folios: bool) -> Measurement | None:
        """A heap of 64 KiB mTHPs whose mutators run while it is evacuated as ART does; verified.

        Args:
            whole_folios: in granules of a folio; ART's are pages.

        """
        return _workload(self._running, self._whole_folios if whole_folios else ModeOptions())

    @cached_property
    def _cached(self) -> list[Measurement]:
        wanted = evacuation.PolicyParameters(
            workloads=["arrays"],
            memories=[parse_memory("64k")],
            policies=["move"],
            live_bytes=LIVE // 2,
            rounds=CACHED_ROUNDS,
            seed=self._seed,
            verify=True,
            ebusy=EBUSY_ANSWERS,
            swapped=500,
            device="loop",
        )
        return self._evacuated("mTHPs in the swap cache, every answer to EBUSY", wanted)

    def cached(self, answer: str) -> Measurement | None:
        """A heap of 64 KiB mTHPs, half of it in the swap cache when it is evacuated, with an answer to EBUSY."""
        for one in self._cached:
            match one.scenario:
                case PolicyScenario(ebusy=ebusy) if ebusy == answer:
                    return one
        return None

    @cached_property
    def survey(self) -> Survey:
        """What this kernel is known and seen to do."""
        return survey()

    @property
    def thp(self) -> int:
        """Order of a THP."""
        return machine().pmd_order

    @property
    def page(self) -> int:
        """Bytes of a page."""
        return machine().page_size

    @property
    def order(self) -> int:
        """Order of the mTHPs of 64 KiB; 0 where a page is as large."""
        return log2_pages(FOLIO, self.page)

    @property
    def _whole_folios(self) -> ModeOptions:
        """A collector that evacuates granules of a folio of 64 KiB."""
        return ModeOptions(granule=1 << self.order)


def _of_policies(result: Result) -> float:
    return noise_of(cells(result.measurements)) or 0.0


def _path(
    pool: Iterable[Measurement],
    source: str,
    arm: str,
    granule: int,
    order: int,
    *,
    alignment: str = CONGRUENT,
    threads: int = 1,
) -> Measurement | None:
    """The one of a pool, whose pages were written just before, on frames as they come; None if it is unavailable."""
    wanted = (source, arm, granule, order, alignment, threads, 0)
    for one in pool:
        match one.scenario:
            case PathScenario() as known:
                of = (known.source, known.arm, known.granule_bytes, known.order, known.alignment, known.threads)
                usual = known.working_set != MEMORY and known.frames != SHUFFLED
                if usual and (*of, known.replica) == wanted:
                    return one
    return None


def _workload(pool: Iterable[Measurement], options: ModeOptions) -> Measurement | None:
    for one in pool:
        match one.scenario:
            case WorkloadScenario(options=known, replica=0) if known == options:
                return one
    return None
