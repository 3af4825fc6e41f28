"""The check of every arm can fail: a page that is lost after the work makes the round invalid."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec
import pytest

from gcproto._native import lib
from gcproto.experiments.paths.lab import Lab
from gcproto.experiments.paths.round import INVALID, VALID, request_for
from gcproto.host.machine import machine
from gcproto.host.settings import Settings
from gcproto.results.schema import PathScenario
from gcproto.rows import ARMS, Row

MIB = 1 << 20
MTHP = 4
SETTINGS = {"mthp": ("mthp",), "swapped": ("mthp", "zram")}
"""What sources need of the machine's settings."""


def scenario(arm: Row) -> PathScenario:
    """The plainest scenario that the arm can run: of holes there would be no page to lose."""
    here = machine()
    source, order = "small", 0
    if arm.has(lib.GCP_ARM_SPLITS):
        source, order = "mthp", MTHP
    elif arm.has(lib.GCP_ARM_SWAPS_IN):
        source = "swapped"
    return PathScenario(source, order, arm.name, 64 << 10, "congruent", 1, here.pmd_size // here.page_size)


@contextmanager
def provided(one: PathScenario) -> Iterator[None]:
    """The settings that its source needs."""
    with ExitStack() as stack:
        if one.source not in SETTINGS:
            yield
            return
        settings = stack.enter_context(Settings())
        settings.quiet_khugepaged()
        settings.mthp_only(one.order or None)
        if one.source == "swapped":
            stack.enter_context(settings.swap_zram(64 * MIB))
        yield


@pytest.mark.parametrize(
    "arm",
    [
        pytest.param(arm, id=arm.name, marks=pytest.mark.needs("move", "pfn", *SETTINGS.get(scenario(arm).source, ())))
        for arm in ARMS.values()
    ],
)
def test_a_lost_page_makes_the_round_invalid(arm: Row) -> None:
    one = scenario(arm)
    request = request_for(one, -1, -1, seed=5)
    with provided(one), Lab() as lab:
        good = lab.run(request)
        lost = lab.run(msgspec.structs.replace(request, lose_page=1))
    assert good.status == VALID, good.reason
    assert lost.status == INVALID, "a check that cannot fail proves nothing"
    assert lost.reason
