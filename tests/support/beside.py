"""A long command that runs beside tests of pure Python, on the processor that they leave idle, and is judged later.

It must count instructions, not time: then what runs beside it changes nothing that it says. Tests that run beside it
must time nothing either.
"""

import os
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

MARKER = "beside"
PURE = "tests/report/"
"""Its tests time nothing, and take longer than the command."""

Command = Callable[[Path, dict[str, str]], object]
"""Gets a folder of its own, and the variables that no test has changed. What it returns is the fixture's value."""

_folders: "list[tempfile.TemporaryDirectory[str]]" = []
_running: "dict[str, Future[object]]" = {}


def put_last(items: list[pytest.Item]) -> None:
    """Put the tests that judge such commands after all others."""
    items.sort(key=lambda item: item.get_closest_marker(MARKER) is not None)


def start(item: pytest.Item, able: Callable[[pytest.Item], bool]) -> None:
    """Start the commands of this session, once, when the first test comes that they may run beside.

    Args:
        item: the test that comes.
        able: whether the machine has what a test needs.

    """
    if _running or not item.nodeid.startswith(PURE):
        return
    judged = [one for one in item.session.items if one.get_closest_marker(MARKER) and able(one)]
    pool = ThreadPoolExecutor(1)  # guests that several commands boot at once would wait for each other
    for one in judged:
        _folders.append(tempfile.TemporaryDirectory(prefix="gcproto-beside-"))
        _running[one.nodeid] = pool.submit(_command(one), Path(_folders[-1].name), dict(os.environ))
    pool.shutdown(wait=False)


def answer(item: pytest.Item, folder: Path) -> object:
    """What the command of a test returned; it runs now if it has not run before."""
    found = _running.get(item.nodeid)
    return found.result() if found else _command(item)(folder, dict(os.environ))


def _command(item: pytest.Item) -> Command:
    marker = item.get_closest_marker(MARKER)
    assert marker
    command: Command = marker.kwargs["command"]
    return command


def needs(item: pytest.Item) -> Iterable[str]:
    """What a test needs."""
    return (need for marker in item.iter_markers("needs") for need in marker.args)
