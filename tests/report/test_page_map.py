"""The run-length text of a heap map."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcproto.report.plots.phases import parts
from gcproto.results.page_map import LETTERS, decode, encode, totals
from gcproto.results.schema import Collection, Pause, Phases


def test_an_example() -> None:
    assert decode("m120c3z5") == [("m", 120), ("c", 3), ("z", 5)]
    assert totals(decode("m120c3z5m1")) == {"m": 121, "c": 3, "z": 5}


@given(st.text(alphabet=st.sampled_from(list(LETTERS)), max_size=60))
def test_there_and_back(letters: str) -> None:
    assert "".join(letter * count for letter, count in decode(encode(letters))) == letters


@pytest.mark.parametrize("text", ["m", "5", "m5x3", "m5 c3", "m-5", "q5", "m99999999999999999999", "m5c", "m300000000"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a letter|more than"):
        decode(text)


def test_the_flip_stands_behind_what_was_split_ahead() -> None:
    phases = Phases(mark=3_000_000, prepare=1_000_000, split=2_000_000, compact=4_000_000)
    flip = Pause("flip", 100_000, 400_000)
    names = [part.name for part in parts(Collection(1, phases=phases, pauses=[flip]))]
    assert names == ["mark", "prepare", "split", "flip", "compact"]
    phases.split = 0
    assert [part.name for part in parts(Collection(1, phases=phases, pauses=[flip]))] == [
        *("mark", "prepare", "flip", "compact")
    ]
    whole = Pause("whole collection", 0, 8_000_000)
    found = parts(Collection(1, phases=phases, pauses=[whole]))
    assert [part.name for part in found] == ["mark", "prepare", "compact", "whole collection"]
    assert (found[-1].start, found[-1].length) == (0.0, 8.0)
