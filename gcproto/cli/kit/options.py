"""Options of a command as a value: a frozen dataclass, of which click's words are made once.

``Options`` of a command has one field for each of its parameters.  Options that several commands share are base classes
of it, beside the decorator that declares them: what needs them takes the base class.  A test checks the types of all
fields against the types of the parameters (tests/cli/test_typed.py).
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import ParamSpec, TypeVar

import click

P = ParamSpec("P")
T = TypeVar("T")


def takes(make: Callable[P, T]) -> Callable[[Callable[[click.Context, T], None]], Callable[P, None]]:
    """Decorator of a command's function, which is called with its context and with one value of all options.

    Args:
        make: the dataclass of the options; each field has the name of a parameter.

    """

    def decorate(function: Callable[[click.Context, T], None]) -> Callable[P, None]:
        def called(*args: P.args, **kwargs: P.kwargs) -> None:
            function(click.get_current_context(), make(*args, **kwargs))

        update_wrapper(called, function)
        return called

    return decorate
