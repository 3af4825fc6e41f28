"""Random numbers for workloads: the same sequence for the same seed, on every machine, in compiled code."""

from gcproto.heap.compiled import kernel
from gcproto.heap.memory import lshr, wrapping_add, wrapping_mul


@kernel
def mix(value: int) -> int:
    """splitmix64's finaliser: neighbouring values get unrelated results."""
    value = wrapping_mul(value ^ lshr(value, 30), -4658895280553007687)
    value = wrapping_mul(value ^ lshr(value, 27), -7723592293110705685)
    return value ^ lshr(value, 31)


@kernel
def mix_at(name: int, place: int) -> int:
    """The value at a place of a named sequence; the name is any number."""
    return mix(wrapping_add(name, place))


@kernel
def advance(state: int) -> int:
    """The next state of a generator; its number is ``mix`` of it."""
    return wrapping_add(state, -7046029254386353131)


@kernel
def below(state: int, limit: int) -> int:
    """A number in [0, limit) from a state; limit is below 2^31."""
    return (lshr(mix(state), 33) * limit) >> 31
