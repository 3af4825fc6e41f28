"""Two lines of plain words: the case of a concurrent collector leads, and nothing claims more than was measured."""

import re

import pytest

from gcproto.report.plots.forest import in_words
from gcproto.report.terminal.verdict import verdict
from gcproto.report.words.ratios import Ratio, compared
from gcproto.report.words.rows import path_rows
from gcproto.results.schema import ANY, CACHE, MEMORY, SHUFFLED, Measurement
from gcproto.results.statistics import summarise
from tests.support.condition_results import PMD, conditions, of, part, path, refusing, run, two_modes
from tests.support.result_maker import measurement, noisy_run, result, scenario

ONE, LIVE = (1, CACHE, ANY), (2, CACHE, ANY)
BEYOND, SCATTERED = (1, MEMORY, ANY), (1, MEMORY, SHUFFLED)
LIVE_BEYOND = (2, MEMORY, ANY)


def large(arm: str, median: float, *, split: int, order: int = 4, alignment: str = "congruent") -> Measurement:
    source = "thp" if order == 9 else "mthp"
    return measurement(
        scenario(arm, PMD, source, order=order, alignment=alignment),
        [median * factor for factor in (0.99, 1.0, 1.01) for _ in range(5)],
        folios=960,
        folios_split=split,
        order_after={0 if split else order: 15360},
    )


def small(one: dict[tuple[int, str, str], float]) -> str:
    return verdict(conditions(one))[0]


def test_two_lines() -> None:
    first, second = verdict(noisy_run(1))
    assert re.match(
        r"Small folios: in this run, move: 0\.11\dx copy \(0\.1\d\d-0\.1\d\d\) at 64K per ioctl, on one", first
    )
    assert second == "Large folios: not measured here."


def test_a_live_second_thread_leads_and_the_easy_case_stands_beside_it() -> None:
    text = small({ONE: 0.6, LIVE: 1.85})
    assert text.startswith("Small folios: in this run, copy beside a second live thread: move costs 1.8")
    assert re.search(r"on one thread, in the caches: move, 0\.(59|60)", text)
    assert "not measured: memory beyond the caches" in text


def test_memory_beyond_the_caches_leads_where_it_was_measured() -> None:
    text = small({ONE: 0.1, LIVE: 0.14, BEYOND: 0.2, LIVE_BEYOND: 1.4, SCATTERED: 0.3})
    assert text.startswith(
        "Small folios: in this run, copy beside a second live thread, beyond the caches: move costs 1."
    )
    for words in (
        r"beside a second live thread, in the caches: move, 0\.1[34]",
        r"on one thread, beyond the caches: move, 0\.(19|20)",
        r"on one thread, beyond the caches, shuffled frames: move, 0\.(29|30)",
        r"on one thread, in the caches: move, 0\.(09|10)",
    ):
        assert re.search(words, text), words
    assert "not measured" not in text


def test_an_answer_that_holds_everywhere_needs_no_condition() -> None:
    assert small({ONE: 0.1, LIVE: 0.14, LIVE_BEYOND: 0.2}).startswith("Small folios: in this run, move: 0.")


def test_what_was_not_measured_is_said() -> None:
    assert "not measured: a second live thread and memory beyond the caches" in small({ONE: 0.5})
    assert "not measured: one thread" in small({LIVE: 0.5, LIVE_BEYOND: 0.5})


def test_dear_moves_are_not_recommended() -> None:
    first, _ = verdict(noisy_run(1, arms={"move": 20.0}))
    assert first.startswith("Small folios: in this run, copy: move costs 2.")


def test_an_arm_that_is_the_answer_is_named_once() -> None:
    for line in verdict(conditions({ONE: 0.1, LIVE: 0.14})):
        assert "move: move" not in line


def test_no_difference_is_none() -> None:
    first, _ = verdict(noisy_run(1, arms={"move": 700 / 80}))
    assert first.startswith("Small folios: in this run, either: move costs ")
    assert "no sure difference: " in first


def test_the_baseline_is_copy_and_not_copy_then_discard() -> None:
    found = run([path("move", 80.0), path("copy_discard", 900.0)])
    assert verdict(found)[0] == "Small folios: not measured here (UFFDIO_MOVE against UFFDIO_COPY)."


def test_a_kernel_that_splits() -> None:
    _, big = verdict(result([large("move", 900, split=960), large("copy", 700, split=0)]))
    assert "splits 64K mTHP to move it (64 of 64 folios): copy: move costs 1.29x copy" in big


def test_a_kernel_that_moves_whole() -> None:
    _, big = verdict(result([large("move", 9, split=0), large("copy", 800, split=0)]))
    assert "moves 64K mTHP whole, without a split: move: 0.011x copy" in big


def test_thp() -> None:
    whole, other = large("move", 4, split=0, order=9), large("copy", 700, split=0, order=9)
    skewed = large("move", 650, split=960, order=9, alignment="skewed")
    copy = large("copy", 700, split=0, order=9, alignment="skewed")
    _, big = verdict(result([whole, other, skewed, copy]))
    assert "asked whole stays whole: move: 0.006x copy" in big
    assert "skewed by one page it is split: move costs 0.929x copy" in big
    assert big.count("just written") == 2


@pytest.mark.parametrize(("live", "who"), [(8.8, "should copy its page"), (0.5, "may move its page too")])
def test_a_faulting_mutator(live: float, who: str) -> None:
    found = [path("copy", 1000.0, 4096), path("move", 700.0, 4096)]
    found += [path("copy", 1000.0, 4096, threads=2), path("move", 1000.0 * live, 4096, threads=2)]
    text = verdict(run(found))[0]
    assert f"a faulting mutator {who}: move costs" in text
    assert "at 4K per ioctl, beside a second live thread" in text
    assert re.search(r"on one thread, pages just written: move, 0\.(69|70)", text)


def test_a_faulting_mutator_of_the_easy_case_only_says_so() -> None:
    text = verdict(run([path("copy", 1000.0, 4096), path("move", 700.0, 4096)]))[0]
    assert text.startswith("Small folios: in this run, runs of pages were not measured (")
    mutator = text[text.index("a faulting mutator") :]
    assert "not measured: a second live thread and memory beyond the caches" in mutator


def test_what_was_refused_has_no_ratio_and_never_wins() -> None:
    found = [path("copy", 800.0, 65536, "small"), refusing("move", "small")]
    text = verdict(run(found))[0]
    assert text.startswith("Small folios: in this run, move is refused at 64K per ioctl")
    assert "0 of 24,576 pages were evacuated, EBUSY 1,536" in text
    assert "x copy" not in text


def test_a_part_is_said_and_is_no_win() -> None:
    found = [path("copy", 800.0, 65536, "small"), part("move", 300.0, 0.4, "small")]
    text = verdict(run(found))[0]
    assert text.startswith("Small folios: in this run, either: move costs 0.3")
    assert "only 40 % of the pages were evacuated, which is not the same work" in text


def test_two_modes_on_both_sides_of_copy_are_no_answer() -> None:
    found = conditions({ONE: 0.5})
    two_modes(of(found, "move"), 300.0, 1400.0, 0.75)
    text = verdict(found)[0]
    assert text.startswith("Small folios: in this run, either: move costs 0.37")
    assert "(75 %) or 1.7" in text
    assert "(25 %)" in text
    assert "two modes that disagree" in text
    assert "300 (75 %) or 1400 (25 %) ns/page" in text


def test_two_modes_on_one_side_are_both_shown() -> None:
    found = conditions({ONE: 0.5})
    two_modes(of(found, "move"), 100.0, 300.0, 0.5)
    text = verdict(found)[0]
    assert text.startswith("Small folios: in this run, move: 0.12")
    assert "(50 %) or 0.37" in text


def test_two_modes_have_no_interval_of_one_value() -> None:
    """It stood behind both modes, as if there were one ratio between its ends."""
    found = conditions({ONE: 0.5, LIVE: 0.5})
    for threads, low, high in ((1, 100.0, 300.0), (2, 300.0, 1400.0)):
        two_modes(of(found, "move", threads=threads), low, high, 0.5)
    for text in (verdict(found)[0], *(in_words(row) for row in path_rows(found, compared(found)))):
        assert re.search(r"x \(50 %\) or \d\.\d+x \(50 %\)", text)
        assert not re.search(r"\d\.\d+-\d", text), text
    basis = [row.basis for row in path_rows(found, compared(found)) if isinstance(row, Ratio)]
    assert any(one.startswith("rounds fall into two modes that agree, 0.12") for one in basis)
    assert not any("95 % interval" in one for one in basis)


def test_invalid_measurements_say_nothing() -> None:
    found = noisy_run(1)
    for one in found.measurements:
        one.valid = False
    assert verdict(found)[0] == "Small folios: not measured here (UFFDIO_MOVE against UFFDIO_COPY)."


def test_every_ratio_has_its_condition() -> None:
    found = conditions({ONE: 0.6, LIVE: 1.85, BEYOND: 0.9})
    found.measurements += [path("copy", 1000.0, 4096, threads=2), path("move", 9000.0, 4096, threads=2)]
    summarise(found.measurements)
    for line in verdict(found):
        for clause in re.split(r"; (?=[a-z])", line):
            if re.search(r"\dx", clause):
                assert re.search(r"beside a second live thread|on one thread", clause), clause
                assert re.search(r"in the caches|beyond the caches|just written", clause), clause
