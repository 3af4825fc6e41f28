"""Types of options: numbers within bounds, sizes, lists without empty or repeated words.

Invalid values are refused with the name of the option.  Examples: nan and inf (no value exceeds a limit of
nan), impossible sizes, a repeated word, an empty list, an empty path or name.
"""

import math
import os
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import click
from click.shell_completion import CompletionItem

from gcproto.sizes import GIB, parse_size, size_text

T = TypeVar("T")

Known = Iterable[str] | Callable[[], Iterable[str]] | None
"""Words that a list may have; a function where finding out means to import something large; None: any."""

HOUR, DAY = 3600.0, 86400.0
WEEK_MINUTES = 10_080.0
LARGEST = 1 << 44
"""Bytes that are not exceeded by any machine's memory."""


class Number(click.ParamType[float]):
    """A number with bounds; neither nan nor inf.

    Args:
        low, high: bounds, which are allowed.
        what: that it is, for messages: ``seconds``, ``percent``.

    """

    name = "number"

    def __init__(self, low: float, high: float, what: str = "number") -> None:
        self.low, self.high, self.what = low, high, what

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number."""
        try:
            found = float(value)
        except (TypeError, ValueError):
            self.fail(f"{value!r} is not a number", param, ctx)
        if not math.isfinite(found) or not self.low <= found <= self.high:
            unit = "" if self.what in {"", "number"} else f" {self.what}"
            self.fail(f"{value} is not a number from {_plain(self.low)} to {_plain(self.high)}{unit}", param, ctx)
        return found

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What stands after the option in its help."""
        return self.what.upper()


def _plain(number: float) -> str:
    """A bound as a user would type it: no exponent."""
    return f"{number:.12g}"


class Whole(click.IntRange):
    """A whole number with bounds; every message says which numbers are valid.

    Args:
        low, high: bounds, which are allowed.

    """

    def __init__(self, low: int, high: int) -> None:
        super().__init__(low, high)
        self.low, self.high = low, high

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        try:
            found = int(str(value))
        except ValueError:
            found = self.low - 1
        if not self.low <= found <= self.high:
            self.fail(f"{value!r} is not a whole number from {self.low} to {self.high}", param, ctx)
        return found


def seconds(low: float = 1.0, high: float = DAY) -> Number:
    """A time limit, which must be reachable."""
    return Number(low, high, "seconds")


PERCENT = Number(0, 10_000, "percent")
"""A difference in percent."""

SHARE = Number(0, 1, "")
"""A part of something."""

SEED = Whole(0, 2**53)
ROUNDS = Whole(1, 10_000)
GUEST_ROUNDS = Whole(3, 1000)
"""Rounds of a scenario in a guest."""


class Size(click.ParamType[int]):
    """Bytes, as ``64k``, ``2m``, ``4096``.

    Args:
        low, high: bounds, which are allowed.

    """

    name = "size"

    def __init__(self, low: int = 1, high: int = LARGEST) -> None:
        self.low, self.high = low, high

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes."""
        if isinstance(value, int):
            return value
        try:
            found = parse_size(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not self.low <= found <= self.high:
            self.fail(f"{value} is not between {size_text(self.low)} and {_large(self.high)}", param, ctx)
        return found

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What stands after the option in its help."""
        return "SIZE"


def _large(count: int) -> str:
    return f"{count // GIB}g" if count % GIB == 0 else size_text(count)


class FilePath(click.ParamType[Path]):
    """A file or a folder; never the empty word.

    ``Path("")`` is the current folder: a shell variable that is not set would silently name it.

    Args:
        exists: it must be there already.
        file_okay, dir_okay: what it may be, if it is there.

    """

    name = "path"

    def __init__(self, *, exists: bool = False, file_okay: bool = True, dir_okay: bool = True) -> None:
        self._path = click.Path(exists=exists, file_okay=file_okay, dir_okay=dir_okay, path_type=Path)
        self.name = self._path.name

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path."""
        if not os.fspath(value):
            self.fail("the path is empty", param, ctx)
        found = self._path.convert(value, param, ctx)
        return found if isinstance(found, Path) else Path(os.fsdecode(found))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Files or folders, as the shell completes them."""
        return self._path.shell_complete(ctx, param, incomplete)


class Name(click.ParamType[str]):
    """A word that names something, a path among others; never empty.

    Args:
        what: it names, for messages: ``kernel``.

    """

    name = "text"

    def __init__(self, what: str) -> None:
        self.what = what

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word."""
        if not value:
            self.fail(f"the {self.what} is empty", param, ctx)
        return str(value)


class Words(click.ParamType[list[str]]):
    """A list with commas, of at least one word, none of them twice.

    Args:
        what: a word is, for messages: ``mode``.
        known: words that there are.
        key: what makes two words the same; by default the word itself, in lower case.
        check: raises ValueError or GcprotoError of exit code 2 if a word is invalid.

    """

    name = "list"

    def __init__(
        self,
        what: str,
        known: Known = None,
        *,
        key: Callable[[str], Hashable] = str.lower,
        check: Callable[[str], object] | None = None,
    ) -> None:
        self.what, self._known, self._key, self._check = what, known, key, check

    def convert(
        self, value: str | Sequence[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> list[str]:
        """The words."""
        if not isinstance(value, str):
            return list(value)
        return self.words(value.split(","), param, ctx)

    def words(self, parts: Iterable[str], param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """The words of parts, each of which may hold spaces around one."""
        found = [part.strip() for part in parts]
        if not any(found):
            self.fail(f"the list has no {self.what}", param, ctx)
        if not all(found):
            self.fail(f"the list has an empty {self.what} between its commas", param, ctx)
        known = None if self._known is None else list(self._known() if callable(self._known) else self._known)
        for word in found:
            if known is not None and word not in known:
                self.fail(f"unknown {self.what} {word!r}; known: {', '.join(known)}", param, ctx)
            if self._check is not None:
                try:
                    self._check(word)
                except ValueError as error:
                    self.fail(str(error), param, ctx)
        refuse_twice(found, self.what, param, ctx, key=self._key)
        return found

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What stands after the option in its help."""
        return "LIST"


class Factors(click.ParamType[list[float]]):
    """A list of multiples with commas: ``2x,4x``; none of them twice.

    Args:
        above: each is larger than this;  most: and at most this.

    """

    name = "factors"

    def __init__(self, above: float, most: float) -> None:
        self._number = Number(above, most)
        self.above = above

    def convert(
        self, value: str | Sequence[float], param: click.Parameter | None, ctx: click.Context | None
    ) -> list[float]:
        """The multiples."""
        if not isinstance(value, str):
            return list(value)
        texts = Words("multiple", key=lambda word: _factor(word)).convert(value, param, ctx)
        found = [self._number.convert(text.lower().removesuffix("x"), param, ctx) for text in texts]
        for text, one in zip(texts, found, strict=True):
            if one <= self.above:
                self.fail(f"{text} is not above {self.above:g}x", param, ctx)
        return found

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What stands after the option in its help."""
        return "LIST"


class Numbers(click.ParamType[list[int]]):
    """A list of whole numbers with commas: ``1,2,4``; none of them twice.

    Args:
        least: each is at least this;  most: and at most this.

    """

    name = "numbers"

    def __init__(self, least: int, most: int) -> None:
        self._number = Whole(least, most)

    def convert(
        self, value: str | Sequence[int], param: click.Parameter | None, ctx: click.Context | None
    ) -> list[int]:
        """The numbers."""
        if not isinstance(value, str):
            return list(value)
        texts = Words("number", key=_whole).convert(value, param, ctx)
        return [self._number(text, param, ctx) for text in texts]

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What stands after the option in its help."""
        return "LIST"


def _whole(word: str) -> Hashable:
    try:
        return int(word)
    except ValueError:
        return word


def _factor(word: str) -> Hashable:
    try:
        return float(word.lower().removesuffix("x"))
    except ValueError:
        return word


def refuse_twice(
    words: Sequence[T],
    what: str,
    param: click.Parameter | None,
    ctx: click.Context | None,
    *,
    key: Callable[[T], Hashable],
) -> None:
    """See that nothing is named twice: two scenarios of one name could not be told apart.

    Raises:
        click.BadParameter: something is.

    """
    seen: dict[Hashable, T] = {}
    for word in words:
        first = seen.get(key(word))
        if first is None:
            seen[key(word)] = word
            continue
        texts = [repr(str(one)) for one in (first, word)]
        again = f"{texts[0]} is named twice" if texts[0] == texts[1] else f"{' and '.join(texts)} are the same {what}"
        raise click.BadParameter(again, ctx, param)


class Once(Generic[T]):
    """Callback of an option or argument that may be given several times: each value once.

    Args:
        what: a value is, for messages.
        key: what makes two values the same.

    """

    def __init__(self, what: str, key: Callable[[T], Hashable] = str) -> None:
        self._what, self._key = what, key

    def __call__(self, ctx: click.Context, param: click.Parameter, values: tuple[T, ...]) -> tuple[T, ...]:
        """The values as they are."""
        refuse_twice(values, self._what, param, ctx, key=self._key)
        return values
