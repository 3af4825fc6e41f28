"""Scenarios, names and judgements follow the page size of the kernel that they are about."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from gcproto.claims import judge_folios
from gcproto.claims.evidence import Evidence
from gcproto.errors import GcprotoError
from gcproto.kernels.guest.asked import Asked, parse, script
from gcproto.kernels.guest.script import Measure
from gcproto.kernels.guest.sizes import Sizes
from gcproto.model.prediction import Prediction, Reason
from gcproto.report.page.profiles import leads
from gcproto.report.terminal.functions import print_explanations
from gcproto.report.terminal.predicted.prediction import print_prediction
from gcproto.results.comparison.known_changes import known
from gcproto.results.profiles.explain import Explanation
from gcproto.results.schema import PathScenario
from tests.support.claim_maker import Made, made
from tests.support.result_maker import scenario

FOUR, SIXTEEN, SIXTY_FOUR = 4096, 16384, 65536
PMD_16K = 32 << 20
CALL = 2 << 20


@pytest.mark.parametrize(("page", "order", "thp"), [(FOUR, 4, 9), (SIXTEEN, 2, 11)])
def test_a_scenario_that_a_user_names_has_the_orders_of_the_kernel(page: int, order: int, thp: int) -> None:
    asked = parse("mthp-64k move 2m", page)
    assert asked == Asked("mthp", 64, "move", CALL, page=page)
    assert asked.order == order
    assert parse("thp move 32m", page).order == thp
    text = script(Measure(5, 2, 512, "instructions/page", 1, Sizes(page)), [asked], swap=False).text()
    assert f"--order {order}" in text
    assert f"hugepages-{Sizes(page).thp_kib}kB/enabled never" in text


def test_what_a_page_size_lacks_is_refused() -> None:
    assert parse("small move 4k").granule == FOUR
    with pytest.raises(GcprotoError, match="not a multiple of 16384"):
        parse("small move 4k", SIXTEEN)
    with pytest.raises(GcprotoError, match="no folios of 16k; there are 64k, 128k"):
        parse("mthp-16k move 2m", SIXTEEN)


@pytest.mark.parametrize("page", [FOUR, SIXTEEN, SIXTY_FOUR])
def test_a_call_of_one_page_is_not_a_batch(page: int) -> None:
    single, batch = scenario("move", page), scenario("move", CALL)
    assert not known(single, (7, 2), (7, 3), 0.08, page)
    assert "move_present_ptes" in known(batch, (7, 2), (7, 3), 0.08, page)


@pytest.mark.parametrize(("page", "order", "thp"), [(FOUR, 4, 9), (SIXTEEN, 2, 11)])
def test_profiles_that_lead_are_those_of_the_table(page: int, order: int, thp: int) -> None:
    assert leads(scenario("move", page), page)
    assert leads(scenario("move", CALL, source="mthp", order=order), page)
    assert leads(scenario("move", page << thp, source="thp", order=thp), page)
    assert not leads(scenario("move", CALL, source="mthp", order=order + 1), page)
    assert not leads(scenario("copy", page), page)


def test_tables_name_folios_in_bytes() -> None:
    at = scenario("move", CALL, source="mthp", order=7)
    out = io.StringIO()
    console = Console(file=out, width=200)
    one = Explanation(at, 1.0, 2.0, [], 0, 0.0)
    print_explanations([one], "7.2", "7.3", None, None, SIXTEEN, console)
    assert "2M mTHP move 2M" in out.getvalue()
    reason = Reason("prefix", 2, 1, (1.0, 1.0), (1.0, 1.0), (1.0, 1.0), {}, 0.0)
    print_prediction(Prediction({}, [], None, [reason], page_size=SIXTEEN), console)
    assert "prefix 64K: " in out.getvalue()


def test_claims_are_judged_on_folios_of_64_kib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Made, "page", SIXTEEN)
    asked: list[int] = []
    at = scenario("move", 64 << 10, source="mthp", order=2)
    assert isinstance(at, PathScenario)

    def present(_self: Evidence, _source: str, _arm: str, _granule: int, order: int = 0) -> object:
        asked.append(order)
        return made(at, folios=8, folios_split=8)

    monkeypatch.setattr(Made, "present", present)
    assert "8 of 8 split" in judge_folios.whole_mthp_could_move(Made()).figures
    assert asked == [2]
    monkeypatch.setattr(Made, "moves", lambda _self: [made(at, folios=8, folios_split=8)])
    assert "64K mTHP, 64K a call 8 of 8 split" in judge_folios.large_is_split(Made()).figures


def test_no_hazard_has_a_word_or_a_page_at_an_address_of_pages_of_4k() -> None:
    """On larger pages such a check fails, or checks what was never written."""
    for file in sorted((Path(__file__).parents[2] / "native/hazards").rglob("*.c")):
        assert not re.search(r"\[511\]|\* 4096\b|\b4096 \*|<< 12\b|>> 12\b", file.read_text()), file
