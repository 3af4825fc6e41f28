"""Bits, hashes and headers of compiled code, at their edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcproto.heap import memory
from gcproto.heap.chance import advance, below, mix
from gcproto.heap.compiled import kernel
from gcproto.heap.objects import header, refs_of, words_of

WORD = st.integers(-(1 << 63), (1 << 63) - 1)


@kernel
def low_ones(count: int) -> int:
    return memory.low_ones(count)


@kernel
def drop_lowest(bits: int) -> int:
    return memory.drop_lowest(bits)


@kernel
def add(left: int, right: int) -> int:
    return memory.wrapping_add(left, right)


@kernel
def multiply(left: int, right: int) -> int:
    return memory.wrapping_mul(left, right)


@kernel
def count_bits(value: int) -> int:
    return memory.popcount(value) * 10000 + memory.ctz(value) * 100 + memory.clz(value)


@kernel
def out_of_bounds(seed: int, count: int, limit: int) -> int:
    """In a loop that the optimiser unrolls: with arithmetic whose overflow is undefined two in three came wrong."""
    state = mix(seed)
    found = 0
    for _ in range(count):
        for _ in range(3):
            state = advance(state)
            number = below(state, limit)
            if number < 0 or number >= limit:
                found += 1
    return found


def signed(value: int) -> int:
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


@pytest.mark.parametrize("count", range(64))
def test_low_ones(count: int) -> None:
    assert low_ones(count) == (1 << count) - 1


@given(WORD)
def test_bits(value: int) -> None:
    bits = value % (1 << 64)
    assert drop_lowest(value) == signed(bits & (bits - 1)) if bits else drop_lowest(value) == 0
    zeros = (bits & -bits).bit_length() - 1 if bits else 64
    assert count_bits(value) == bits.bit_count() * 10000 + zeros * 100 + 64 - bits.bit_length()


@given(WORD, WORD)
def test_arithmetic_wraps(left: int, right: int) -> None:
    assert add(left, right) == signed(left + right)
    assert multiply(left, right) == signed(left * right)


@given(st.integers(0, 1 << 53), st.integers(1, (1 << 31) - 1))
def test_numbers_stay_within_bounds(seed: int, limit: int) -> None:
    assert out_of_bounds(seed, 20, limit) == 0


@given(st.integers(2, (1 << 31) - 1), st.integers(0, (1 << 24) - 1))
def test_headers(words: int, refs: int) -> None:
    head = header(words, refs)
    assert (words_of(head), refs_of(head)) == (words, refs)
    assert head != 0
