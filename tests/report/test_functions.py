"""Profiles by function in a terminal."""

from io import StringIO

import pytest
from rich.console import Console

from gcproto.report.page.profiles import profile_parts
from gcproto.report.terminal.functions import in_a_line, print_events, print_explanations, print_profiles
from gcproto.results.profiles.explain import explanations
from gcproto.results.schema import FunctionProfile, PathFigures, Profile, Result, with_fields
from tests.results.test_profiles import K72, K73, NEW, OLD, profile, profiled
from tests.support.kernel_results import MOVE

BOTH = [profiled(K72, OLD), profiled(K73, NEW)]


def shown(console: Console) -> list[str]:
    assert isinstance(console.file, StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines() if line.strip()]


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=140, color_system=None)


def test_functions_are_shown_up_to_95_percent(console: Console) -> None:
    print_profiles(BOTH[:1], console)
    lines = shown(console)
    assert lines[0] == "7.2.12+deb13: small move 2M: 178 instructions a page", "nothing was copied by words"
    assert lines[1] == "function instructions share so far calls", "columns of zeros are omitted"
    assert [line.split()[0] for line in lines[2:-1]] == ["move_pages_ptes", "vm_normal_page", "pte_mkwrite"]
    assert lines[-1] == "1 more function with 5.00 instructions a page: --every"
    console.file = StringIO()
    print_profiles(BOTH[:1], console, every=True)
    assert shown(console)[-1].startswith("folio_unlock 5.00 2.8% 100.0%")


def test_iterations_of_string_instructions_are_named(console: Console) -> None:
    copied = profiled(K72, OLD)
    copied.measurements[0].figures = PathFigures(profile=profile(OLD, rep=10.0))
    print_profiles([copied], console)
    assert "instructions a page, 40.0 of them iterations of string instructions" in shown(console)[0]


def test_differences_name_functions_and_what_one_kernel_lacks(console: Console) -> None:
    found = list(explanations(BOTH, K72, K73).values())
    print_explanations(found, K72, K73, {"vm_normal_page"}, None, 4096, console)
    lines = shown(console)
    assert "small move 2M: 178 -> 195 (+17.1, +9.6%)" in lines
    assert "move_pages_ptes 120 -> 132" not in lines
    assert any(line.startswith("move_pages_ptes 120 132 +12.0 +12.0 1.00 new here") for line in lines)
    assert any(line == "vm_normal_page 40.0 45.0 +5.0 +17.0 1.00" for line in lines)
    assert "1 other function changes, by +0.1 together" in lines
    assert lines[-1].startswith("Code that the compiler inlined counts for its caller")


def test_without_a_change_that_is_said(console: Console) -> None:
    print_explanations([], K72, K73, None, None, 4096, console)
    assert shown(console) == ["no scenario with a profile changed by more than boots of one kernel may differ"]


def test_a_step_in_a_line() -> None:
    assert in_a_line(explanations(BOTH, K72, K73)[MOVE]) == (
        "by function: move_pages_ptes +12.0, vm_normal_page +5.0; 1 other +0.1"
    )


def spinning() -> Result:
    """A scenario beside a second thread: 11 million instructions that say nothing."""
    made = profiled(K72, OLD)
    made.measurements[0].scenario = with_fields(MOVE, threads=2)
    functions = [
        FunctionProfile("move_pages_ptes", 22_000.0, 1.0),
        FunctionProfile("flush_tlb_func", 100.0, 0.25),
        FunctionProfile("native_send_call_func_single_ipi", 30.0, 0.125),
    ]
    made.measurements[0].figures = PathFigures(profile=Profile(3, functions))
    return made


def test_beside_a_second_thread_no_instructions_are_printed(console: Console) -> None:
    print_profiles([spinning()], console)
    print_events([spinning()], console)
    lines = shown(console)
    assert lines[0] == "7.2.12+deb13: small move 2M 2 threads: functions of a TLB shoot-down; calls a page"
    assert lines[2:4] == ["flush_tlb_func 0.250", "native_send_call_func_single_ipi 0.125"]
    assert not any("22" in line.replace("7.2", "") for line in lines)
    assert any(line.startswith("small move 2M 2 threads - - - - - 0.125") for line in lines)
    assert lines[-1].startswith("-: a second thread spins beside the work")


def test_where_nothing_was_profiled_nothing_is_printed(console: Console) -> None:
    made = profiled(K72, OLD)
    made.measurements[0].figures = PathFigures()
    print_events([made], console)
    print_profiles([made], console)
    assert shown(console) == []


def test_a_profile_of_nothing_can_be_printed(console: Console) -> None:
    """A file may say that a scenario executed no instruction; no share of it can be made."""
    made = profiled(K72, OLD)
    made.measurements[0].figures = PathFigures(profile=Profile(3, [FunctionProfile("a")]))
    other = profiled(K73, NEW)
    print_profiles([made], console, every=True)
    print_events([made], console)
    print_explanations(list(explanations([made, other], K72, K73).values()), K72, K73, None, None, 4096, console)
    assert "a 0 0.0% 0.0%" in shown(console)
    assert [one.svgs() for part in profile_parts([made], "k") for one in part.plots()]
