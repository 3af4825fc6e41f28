"""What claims are judged by: rows of the contract, paths, heaps; each part is measured once, when first asked for."""

from collections.abc import Callable
from contextlib import closing
from functools import cached_property

from gcproto import contract
from gcproto.collector import evacuation, gc_run
from gcproto.collector.modes import MODES, Mode
from gcproto.collector.policies import POLICIES
from gcproto.contract_run import run_rows
from gcproto.heap.folios import SMALL, Memory, parse_memory
from gcproto.host.doctor import Survey, survey
from gcproto.host.machine import machine
from gcproto.host.settings import may_change
from gcproto.paths import bench
from gcproto.paths.grid import Choice
from gcproto.process import interrupts
from gcproto.results.schema import Measurement, Result
from gcproto.sizes import MIB

ROUNDS = 15
HEAP_ROUNDS = 5
LIVE = 32 * MIB
RUNNING_LIVE = 4 * MIB
RUNNING_OPERATIONS = 60_000
ANSWERS = ("copy", "touch", "backoff")
"""To EBUSY: copy at once, write to the source and try again, wait and try again."""

Progress = Callable[[str], None]


class Evidence:
    """Measures what is asked for.

    Args:
        say: is told what is being measured.
        seed: of contents and orders.

    Attributes:
        results: of the measurements so far.

    """

    def __init__(self, say: Progress, seed: int = 1) -> None:
        self._say = say
        self._seed = seed
        self._rows: dict[str, contract.RowResult] = {}
        self.results: list[Result] = []

    def rows(self, *names: str) -> list[contract.RowResult]:
        """Rows of the contract, with swap where they need it."""
        missing = [contract.find(name) for name in names if name not in self._rows]
        if missing:
            self._say(f"contract: {', '.join(row.name for row in missing)}")
            # Rows whose swap device can't be had skip themselves, and say why.
            swap = may_change() and any({"zram", "loop"} & set(row.needs) for row in missing)
            with closing(run_rows(missing, swap=swap)) as results:
                for result in results:
                    self._rows[result.row.name] = result
        return [self._rows[name] for name in names]

    def _bench(self, what: str, choice: Choice) -> list[Measurement]:
        self._say(f"paths: {what}")
        result = bench.run(bench.Order(choice, rounds=ROUNDS, seed=self._seed), lambda _done, _total: None)
        return self._taken(result)

    def _taken(self, result: Result) -> list[Measurement]:
        """Measurements of a run, which is kept; a run that a signal cut short ends the judging."""
        self.results.append(result)
        interrupts.resume()
        if not result.producer.complete:
            raise KeyboardInterrupt
        return result.measurements

    @cached_property
    def _present(self) -> list[Measurement]:
        sources = ["small", *(f"mthp-{name}" for name in ("16k", "64k", "1m")), "thp"]
        arms = ["move", "copy", "copy_discard", "split_move", "tao"]
        return self._bench("present pages", Choice(sources=sources, arms=arms, granules=["64k", "2m"]))

    @cached_property
    def _skewed(self) -> list[Measurement]:
        choice = Choice(sources=["mthp-64k", "thp"], arms=["move", "copy"], granules=["2m"], alignments=["skewed"])
        return self._bench("misaligned destinations", choice)

    @cached_property
    def _swapped(self) -> list[Measurement]:
        sources = ["swapped", "swapped-64k", "swapcache", "swapcache-64k"]
        return self._bench(
            "swapped pages",
            Choice(sources=sources, arms=["move", "copy", "move_fallback"], granules=["64k"], swap=True),
        )

    def path(
        self, source: str, arm: str, granule: int, *, order: int = 0, skewed: bool = False, swap: bool = False
    ) -> Measurement | None:
        """A measured path; None if it could not be had."""
        pool = self._swapped if swap else self._skewed if skewed else self._present
        for one in pool:
            scenario = one.scenario
            if (scenario.source, scenario.arm, scenario.granule_bytes, scenario.order, scenario.replica) == (
                *(source, arm, granule, order),
                0,
            ):
                return one
        return None

    def splits(self) -> dict[int, Measurement]:
        """Splits ahead of a move, by order."""
        found = [one for one in self._present if one.scenario.arm == "split_move" and one.split_part is not None]
        return {one.scenario.order: one for one in sorted(found, key=lambda one: one.scenario.order)}

    def _evacuated(self, what: str, order: evacuation.PolicyOrder) -> list[Measurement]:
        self._say(f"heaps: {what}")
        return self._taken(evacuation.run(order, lambda _done, _total: None))

    @cached_property
    def policies(self) -> list[Measurement]:
        """Evacuation policies on heaps of small folios, 64 KiB mTHPs and THPs."""
        order = evacuation.PolicyOrder(
            workloads=["prefix", "sparse"],
            memories=[SMALL, parse_memory("64k"), parse_memory("2m")],
            policies=list(POLICIES),
            live_bytes=LIVE,
            runs=HEAP_ROUNDS,
            seed=self._seed,
            verify=True,
        )
        return self._evacuated("evacuation policies", order)

    def heap(self, workload: str, order: int, policy: str) -> Measurement | None:
        """A heap of `policies`."""
        wanted = (f"evacuate-{workload}", order, policy)
        found = [one for one in self.policies if (one.scenario.source, one.scenario.order, one.scenario.arm) == wanted]
        return found[0] if found else None

    def _beside_mutators(
        self, what: str, modes: list[tuple[Mode, dict[str, int | str | bool]]], memory: Memory, disturb: str = ""
    ) -> list[Measurement]:
        self._say(f"heaps: {what}")
        order = gc_run.GcOrder(
            workload="lru",
            modes=modes,
            factors=[3.0],
            memories=[memory],
            policies=["move"],
            live_bytes=RUNNING_LIVE,
            operations=RUNNING_OPERATIONS,
            runs=2,
            seed=self._seed,
            verify=True,
            disturb=disturb,
        )
        return self._taken(gc_run.run(order, lambda _done, _total: None))

    @cached_property
    def pinned(self) -> list[Measurement]:
        """A heap whose pages are pinned all the time, with each answer to EBUSY; verified."""
        options: list[dict[str, int | str | bool]] = [{"ebusy": answer} for answer in ANSWERS]
        modes = [(MODES["move"].with_options(**one), one) for one in options]
        return self._beside_mutators("pinned pages, every answer to EBUSY", modes, SMALL, "pins")

    @cached_property
    def running(self) -> list[Measurement]:
        """A heap of 64 KiB mTHPs whose mutators run while it is evacuated as ART does; verified."""
        return self._beside_mutators("64 KiB mTHPs beside mutators", [(MODES["art"], {})], parse_memory("64k"))

    @cached_property
    def cached(self) -> list[Measurement]:
        """A heap of 64 KiB mTHPs, half of it in the swap cache when it is evacuated, with each answer to EBUSY."""
        order = evacuation.PolicyOrder(
            workloads=["arrays"],
            memories=[parse_memory("64k")],
            policies=["move"],
            live_bytes=LIVE // 2,
            runs=3,
            seed=self._seed,
            verify=True,
            ebusy=ANSWERS,
            swapped=500,
            device="loop",
        )
        return self._evacuated("mTHPs in the swap cache, every answer to EBUSY", order)

    @cached_property
    def survey(self) -> Survey:
        """What this kernel is known and seen to do."""
        return survey()

    @property
    def thp(self) -> int:
        """Order of a THP."""
        return machine().pmd_order
