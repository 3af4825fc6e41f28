"""More threads than processors: said by way, for not all ways have the thread that answers faults."""

import os

import pytest

from gcproto.cli.gc.placements import say_if_crowded
from gcproto.report.placement import crowded
from gcproto.results.schema import WindowFigures
from tests.support.heap_results import window_scenario
from tests.support.result_maker import measurement, result


@pytest.mark.parametrize(
    ("processors", "handlers", "text"),
    [
        (4, {False, True}, ""),
        (3, {False}, ""),
        (3, {False, True}, "ways with a handler thread have 4 threads that want to run on 3 processors: their figures"),
        (3, {True}, "4 threads want to run on 3 processors: figures"),
        (2, {False}, "3 threads want to run on 2 processors: figures"),
        (2, {False, True}, "3 threads want to run on 2 processors (ways with a handler thread have 4): figures"),
        (1, {False}, "3 threads want to run on 1 processor: figures"),
    ],
)
def test_the_command_says_it_by_way(
    processors: int,
    handlers: set[bool],
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(processors)))
    say_if_crowded(2, handlers)
    said = capsys.readouterr().err
    assert said.startswith(f"gcproto: {text}") if text else said == ""


def test_a_table_says_it_by_way() -> None:
    ways = (("move", "sigbus"), ("move-thread", "thread"))
    found = [measurement(window_scenario(way, handler=by), [1.0] * 3, WindowFigures()) for way, by in ways]
    said = crowded(found, result([], cpu={"allowed": 2}))
    assert said.startswith("3 runnable threads (move-thread: 4) on 2 processors: ")
    said = crowded(found, result([], cpu={"allowed": 3}))
    assert said.startswith("move-thread: 4 runnable threads on 3 processors: ")
