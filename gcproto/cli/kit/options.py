"""Options of a command as a value: a frozen dataclass, of which click's words are made once.

``Options`` of a command has one field for each of its parameters.  Options that several commands share are base classes
of it, beside the decorator that declares them: what needs them takes the base class.  A test checks the types of all
fields against the types of the parameters (tests/cli/test_typed.py).
"""

from collections.abc import Callable, Iterable
from functools import update_wrapper
from typing import ParamSpec, TypeVar

import click
from click.core import ParameterSource

from gcproto.errors import ExitCode, GcprotoError

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


def given(name: str) -> bool:
    """Whether the user gave a parameter of the running command.

    Args:
        name: of the parameter in Python, ``full_after``.

    """
    source = click.get_current_context().get_parameter_source(name)
    return source in {ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT}


def refuse_without_effect(names: Iterable[str], why: str, remedy: str = "") -> None:
    """See that no option was given that the command would not use.

    Args:
        names: of parameters in Python that have no effect beside the other options.
        why: they have none.
        remedy: what to do; "": omit them.

    Raises:
        GcprotoError: one was given.

    """
    unused = {name for name in names if given(name)}
    words = [one.opts[0] for one in click.get_current_context().command.params if one.name in unused]
    if words:
        raise GcprotoError(
            f"{', '.join(words)} {'has' if len(words) == 1 else 'have'} no effect here",
            why=why,
            remedy=remedy or f"omit {'it' if len(words) == 1 else 'them'}",
            code=ExitCode.USAGE,
        )
