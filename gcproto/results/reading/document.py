"""Checks on the JSON of a result before it has types: content that no field may have.

They reject numbers that no measurement gives (1e308, a negative time, integers of a thousand digits), endless texts and
endless nesting. Texts are neutralised only here: the output of ``neutral`` can be printed.
"""

from functools import lru_cache
from typing import Any, cast

from gcproto.results.reading.text import MOST, clean, short_enough

LARGEST = 1e20
"""Limit of figures: a century of nanoseconds is 3e18, and version 1 had wrapped times of unsigned arithmetic."""
LARGEST_INTEGER = (1 << 64) - 1
DEEPEST = 40
"""Limit of levels of nesting; results have twelve."""
LONGEST = 1 << 24
"""Limit of characters of texts that are data: maps of collections and histograms."""
NUMBERS = frozenset({float, int})
SHORT = 64
"""Names of fields have fewer characters."""
LONG = frozenset({"map", "fault", "pause", "wait", "runs"})
SIGNED = frozenset({"sample", "warmup", "extras"})
"""Fields of measurements that may be negative: samples of invalid and unused rounds, and figures without a reader."""


class Unsound(Exception):  # noqa: N818  (it is said, and no error of the program)
    """The reason why a document is not a result."""


def neutral(document: object) -> Any:
    """A document with its texts neutralised.

    Args:
        document: decoded JSON.

    Raises:
        Unsound: it has content that no result has.

    """
    return _value(document, "", signed=True, depth=0)


def _value(value: object, name: str, *, signed: bool, depth: int) -> object:
    if type(value) is str:
        return _text(value, name)
    if type(value) is float:
        return _number(value, name, signed=signed)
    if type(value) is int:
        return _integer(value, name, signed=signed)
    if type(value) is dict:
        if depth > DEEPEST:
            raise Unsound(f"it is nested more than {DEEPEST} levels deep")
        return {
            _name(key): _value(one, key, signed=_signed(key, signed=signed), depth=depth + 1)
            for key, one in value.items()
        }
    if type(value) is list:
        if depth > DEEPEST:
            raise Unsound(f"it is nested more than {DEEPEST} levels deep")
        if _plain_numbers(value, signed=signed):
            return value
        return [_value(one, name, signed=signed, depth=depth + 1) for one in value]
    return value


def _plain_numbers(values: list[object], *, signed: bool) -> bool:
    """Whether a list has numbers only, all within all bounds. Most of a result is lists of samples and of rounds."""
    if not values or not set(map(type, values)) <= NUMBERS:
        return False
    numbers = cast("list[float]", values)  # JSON has no NaN
    return (-LARGEST_INTEGER if signed else 0) <= min(numbers) and max(numbers) <= LARGEST_INTEGER


def _signed(name: str, *, signed: bool) -> bool:
    """Measurements can't be below zero; settings of the machine can."""
    return (signed and name != "measurements") or name in SIGNED


def _name(name: str) -> str:
    return _short(name) if len(name) < SHORT else _text(name, "a name")


@lru_cache(1024)
def _short(name: str) -> str:
    """A short name of a field, neutralised: a file has the same ones thousands of times."""
    return _text(name, "a name")


def _text(text: str, name: str) -> str:
    return clean(short_enough(text, LONGEST if name in LONG else MOST))


def _number(value: float, name: str, *, signed: bool) -> float:
    if not -LARGEST <= value <= LARGEST:
        raise Unsound(f"{name} is {value:g}, which is not a measurement")
    if value < 0 and not signed:
        raise Unsound(f"{name} is negative ({value:g})")
    return value


def _integer(value: int, name: str, *, signed: bool) -> int:
    if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        raise Unsound(f"{name} is an integer beyond 64 bits")
    if value < 0 and not signed:
        raise Unsound(f"{name} is negative ({value})")
    return value
