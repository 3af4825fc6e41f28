"""Every number of every card against the results: nothing on a page is made up or taken from elsewhere."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from gcproto.report import labels
from gcproto.report.page.build import build
from gcproto.report.page.render import render
from gcproto.results.baseline import baseline_of
from gcproto.results.pool import pool
from gcproto.results.schema import ANY, CACHE, MEMORY, SHUFFLED, Measurement, Result, with_fields
from gcproto.results.statistics import ratio_interval, summarise
from tests.support.claim_results import claims_result
from tests.support.condition_results import conditions, of, part, path, refusing, run, two_modes
from tests.support.heap_results import heap_result, placed_window_result, window_result
from tests.support.page_cards import Card, accounted, cards, numbers_in, places
from tests.support.path_results import paths_result
from tests.support.policy_results import policy_result

ONE, LIVE, BEYOND = (1, CACHE, ANY), (2, CACHE, ANY), (1, MEMORY, ANY)
RATIOS = {ONE: 0.6, LIVE: 1.85, BEYOND: 0.4, (2, MEMORY, SHUFFLED): 1.3}


def page_of(results: Sequence[Result]) -> str:
    return render(build([(Path(f"{number}.json"), one) for number, one in enumerate(results)], []))


def with_modes() -> Result:
    made = conditions(RATIOS)
    move = two_modes(of(made, "move", threads=2, working_set=CACHE), 400.0, 1900.0, 0.75)
    summarise(made.measurements)
    assert len(move.modes) == 2
    return made


def refused_and_parts() -> Result:
    found = [path("copy", 800.0, 65536, "forked"), refusing("move")]
    found += [path("copy", 800.0, 65536, "pinned"), part("move", 1300.0, 0.4, "pinned")]
    return run(found)


PAGES: dict[str, list[Result]] = {
    "paths": [paths_result()],
    "a kernel that moves whole": [paths_result(splits=False)],
    "conditions": [conditions(RATIOS)],
    "two modes": [with_modes()],
    "refused": [refused_and_parts()],
    "three runs": [conditions(RATIOS, seed, 0.02 * seed) for seed in (1, 2, 3)],
    "runs that contradict each other": [conditions({LIVE: 0.4}, 1), conditions({LIVE: 3.0}, 2)],
    "heap": [heap_result()],
    "window": [window_result()],
    "placements": [placed_window_result({"own": {"move": 0.43}, "shared": {"move": 1.0}, "unplaced": {"move": 0.2}})],
    "policies": [policy_result()],
    "claims": [claims_result()],
    "everything": [paths_result(), heap_result(), window_result(), policy_result(), claims_result()],
}


@pytest.mark.parametrize("name", PAGES)
def test_every_number_of_every_card_is_in_the_results(name: str) -> None:
    results = PAGES[name]
    known = accounted(results)
    found = cards(page_of(results))
    assert found
    checked = 0
    for card in found:
        for number, sentence in card.numbers():
            assert number in known, f"{number} of {sentence!r} in the card {card.question!r}"
            checked += 1
    assert checked >= 5


@pytest.mark.parametrize("name", PAGES)
def test_every_section_with_something_to_show_has_a_card(name: str) -> None:
    text = page_of(PAGES[name])
    shown = build([(Path("a.json"), one) for one in PAGES[name]], [])
    for section in shown.sections:
        if section.parts and section.name != "provenance":
            assert any(
                place == f"#{section.name}" or place.startswith(f"#fig-{section.name}-") for place in places(text)
            ), section.name


def test_a_number_that_is_in_no_result_is_found() -> None:
    """The check can fail: another run's page is not accounted for."""
    other = accounted([conditions({(1, CACHE, ANY): 0.333}, 7)])
    assert any(number not in other for card in cards(page_of([paths_result()])) for number, _ in card.numbers())


def test_numbers_are_told_from_names() -> None:
    said = (
        "Move costs 0.137x copy (0.125-0.149) at 2M a call on 6.18.44-fc, T9, 95 % interval, run f6f659; 40,960 pages"
    )
    assert numbers_in(said) == ["0.137", "0.125", "0.149", "40,960"]


def card_of(results: Sequence[Result], question: str) -> Card:
    return next(one for one in cards(page_of(results)) if one.question == question)


def _against_copy(result: Result, one: Measurement) -> tuple[str, str]:
    known = {each.scenario: each for each in result.measurements}
    ratio = ratio_interval(one, known[baseline_of(one.scenario)])
    assert ratio
    return f"{labels.number(ratio.value)}x", labels.bounds(ratio)


class TestMainFigures:
    """Median, ratio, interval and rounds of the main cards, each of the one scenario that it is of."""

    def test_small_folios(self) -> None:
        made = conditions(RATIOS)
        card = card_of([made], "Small folios: move or copy?")
        lead = of(made, "move", threads=2, working_set=MEMORY)
        copy = of(made, "copy", threads=2, working_set=MEMORY)
        ratio, bounds = _against_copy(made, lead)
        where = "beside a second live thread, beyond the caches, shuffled frames"
        assert card.figure == f"move costs {ratio} copy, {where}"
        assert f"95 % interval {bounds}" in card.parts["standing"]
        assert lead.median
        assert copy.median
        times = f"Move takes {labels.number(lead.median)} ns/page, copy {labels.number(copy.median)}"
        assert f"{times} ({len(lead.samples)} rounds)" in card.parts["detail"]
        for (threads, working_set, frames), column in ((ONE, 1), (LIVE, 1), (BEYOND, 2)):
            one = of(made, "move", threads=threads, working_set=working_set, frames=frames)
            row = card.cells[4:8] if threads > 1 else card.cells[8:12]
            assert row[column].split("\n") == list(_against_copy(made, one))

    def test_several_runs(self) -> None:
        runs = [conditions(RATIOS, seed, 0.02 * seed) for seed in (1, 2, 3)]
        card = card_of(runs, "Small folios: move or copy?")
        ratios = []
        for made in runs:
            one = of(made, "move", threads=2, working_set=MEMORY)
            ratio = ratio_interval(one, of(made, "copy", threads=2, working_set=MEMORY))
            assert ratio
            ratios.append(ratio)
        together = pool(ratios)
        assert card.figure.startswith(f"move costs {labels.number(together.value)}x copy")
        assert together.predicted_low
        assert together.predicted_high
        predicted = f"{labels.number(together.predicted_low)}-{labels.number(together.predicted_high)}"
        assert card.parts["standing"] == (
            f"Sure: 3 runs differ by {together.tau:.1%} (tau); a further run is expected to give {predicted}"
        )

    def test_a_window(self) -> None:
        made = placed_window_result({"own": {"move": 0.43}, "shared": {"move": 1.0}})
        card = card_of([made], "Mutators after the flip (64M, 2 mutators): move or copy?")
        move = next(one for one in made.measurements if getattr(one.scenario, "way", "") == "move")
        ratio, bounds = _against_copy(made, move)
        assert card.figure == f"move costs {ratio} copy, if the collector has a processor of its own"
        assert f"95 % interval {bounds}" in card.parts["standing"]
        assert move.median
        assert f"mutators took {labels.number(move.median * 16384 / 1e6)} ms with move" in card.parts["detail"]

    def test_a_heap(self) -> None:
        made = heap_result()
        card = card_of([made], "A whole heap (trees): move or copy?")
        move = next(one for one in made.measurements if getattr(one.scenario, "mode", "") == "move")
        ratio, _ = _against_copy(made, move)
        assert card.figure == f"move costs {ratio} copy mode, if the scheduler places all threads"
        assert move.median
        assert f"Mutators took {labels.number(move.median)} ns/operation with move" in card.parts["detail"]

    def test_policies(self) -> None:
        made = policy_result()
        card = card_of([made], "Which heaps should move all pages?")
        for one in made.measurements:
            if getattr(one.scenario, "policy", "") == "move":
                ratio, bounds = _against_copy(made, one)
                assert f"{ratio}\n{bounds}" in card.cells


def test_no_two_sentences_contradict_each_other_under_one_condition() -> None:
    """A ratio of one arm to copy, of one kind of page and one condition, has one value on a page."""
    made = conditions(RATIOS)
    made.measurements += paths_result().measurements
    made.measurements = list({one.scenario: one for one in made.measurements}.values())
    summarise(made.measurements)
    seen: dict[tuple[str, ...], str] = {}
    pattern = re.compile(r"^(.*?) costs ([\d.]+)x copy \([^)]*\) at (\w+) a call, (.*?)(?:, no sure.*|;.*)?\.$")
    for card in cards(page_of([made])):
        for sentence in card.sentences():
            found = pattern.match(sentence.strip())
            if found:
                arm, value, granule, where = found.groups()
                key = (card.question, arm, granule, where)
                assert seen.setdefault(key, value) == value
    assert seen


def test_the_same_measurement_is_the_same_figure_in_card_and_table() -> None:
    made = paths_result()
    text = page_of([made])
    lead = of(made, "move", source="small", granule_bytes=2 << 20)
    assert lead.median
    scenario = with_fields(lead.scenario)
    assert scenario in {one.scenario for one in made.measurements}
    row = re.search(r"<tr><th scope=\"row\">small move 2M</th>.*?</tr>", text)
    assert row
    assert f"<td>{labels.number(lead.median)}</td>" in row[0]
    assert f"<td>{_against_copy(made, lead)[0]}</td>" in row[0]
