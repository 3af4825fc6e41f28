"""The run-length text of a heap map."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcproto.results.page_map import LETTERS, decode, encode, totals


def test_an_example() -> None:
    assert decode("m120c3z5") == [("m", 120), ("c", 3), ("z", 5)]
    assert totals(decode("m120c3z5m1")) == {"m": 121, "c": 3, "z": 5}


@given(st.text(alphabet=st.sampled_from(list(LETTERS)), max_size=60))
def test_there_and_back(letters: str) -> None:
    assert "".join(letter * count for letter, count in decode(encode(letters))) == letters


@pytest.mark.parametrize("text", ["m", "5", "m5x3", "m5 c3", "m-5", "q5", "m99999999999999999999", "m5c", "m300000000"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"no letter|more than"):
        decode(text)
