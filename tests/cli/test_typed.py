"""What commands get from click has the types that they say: mypy sees only one half of that seam."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import get_type_hints

import click
import pytest

from gcproto.cli.app import cli
from gcproto.cli.kit.options import takes
from gcproto.cli.kit.params import Once
from gcproto.cli.reference import contexts

BUILT_IN: dict[type, object] = {
    click.types.BoolParamType: bool,
    click.types.IntParamType: int,
    click.types.StringParamType: str,
    click.IntRange: int,
    click.Choice: str,
}
EVERY = {context.command_path: context for context in contexts("gcproto", cli, None)}


def given(parameter: click.Parameter) -> object:
    """The type of what click passes for a parameter, by its own type and callback."""
    called = parameter.callback
    if called is not None and not isinstance(called, Once):
        return get_type_hints(called)["return"]
    kind = type(parameter.type)
    one = BUILT_IN.get(kind) or get_type_hints(kind.convert)["return"]
    if parameter.multiple or parameter.nargs == -1:
        return tuple[one, ...]  # type: ignore[valid-type]  # made of a value
    absent = not parameter.required and parameter.to_info_dict()["default"] is None
    return one | None if absent else one  # type: ignore[operator]  # as above


def said(command: click.Command) -> dict[str, object]:
    """The types that a command's function says, by parameter: those of its arguments, or of its ``Options``."""
    assert command.callback is not None
    hints = get_type_hints(inspect.unwrap(command.callback))
    if is_dataclass(options := hints.get("options")):
        assert isinstance(options, type)
        return get_type_hints(options)
    return {name: kind for name, kind in hints.items() if name not in {"ctx", "return"}}


def differences(context: click.Context) -> Iterator[str]:
    """Parameters whose two types differ."""
    passed = {one.name: given(one) for one in context.command.params if one.name and getattr(one, "expose_value", True)}
    declared = said(context.command)
    for name in sorted(passed.keys() | declared.keys()):
        if passed.get(name) != declared.get(name):
            yield f"{name}: click passes {passed.get(name)}, the command says {declared.get(name)}"


@pytest.mark.parametrize("path", EVERY)
def test_options_have_the_types_of_their_parameters(path: str) -> None:
    found = list(differences(EVERY[path]))
    assert not found, "\n".join(found)


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """One of three is right."""

    count: int
    size: int
    place: str


def test_the_check_finds_a_wrong_type() -> None:
    @click.command()
    @click.option("--count", type=click.IntRange(1, 3))
    @click.option("--size", type=int, default=3)
    @click.option("--place", type=click.Path(path_type=Path), multiple=True)
    @takes(Wrong)
    def command(_ctx: click.Context, options: Wrong) -> None:
        """Nothing."""

    BUILT_IN[click.Path] = Path
    found = [line.partition(":")[0] for line in differences(click.Context(command))]
    assert found == ["count", "place"]


def test_a_command_gets_its_options_as_one_value() -> None:
    seen: list[Wrong] = []

    def function(_ctx: click.Context, options: Wrong) -> None:
        """What it does."""
        seen.append(options)

    made: Callable[..., None] = takes(Wrong)(function)
    with click.Context(cli):
        made(count=1, size=2, place="here")
    assert seen == [Wrong(count=1, size=2, place="here")]
    assert made.__doc__ == "What it does."
