"""Profiles by function: their events, and what explains a difference."""

import pytest

from gcproto.results.profiles.events import events, whole
from gcproto.results.profiles.explain import base_name, explain, explanations, mean, merged
from gcproto.results.reading.sound import faults
from gcproto.results.schema import FunctionProfile, PathFigures, Profile, Result
from tests.support.kernel_results import MOVE, guest_result

K72, K73 = "7.2.12+deb13-cloud-amd64", "7.3.4+deb13-cloud-amd64"
OLD = {"move_pages_ptes": 120.5, "vm_normal_page": 40.0, "pte_mkwrite": 12.0, "folio_unlock": 5.0}
NEW = {"move_pages_ptes": 132.5, "vm_normal_page": 45.0, "pte_mkwrite": 12.1, "folio_unlock": 5.0}


def profile(functions: dict[str, float], **counts: float) -> Profile:
    return Profile(11, [FunctionProfile(name, value, 1.0, **counts) for name, value in functions.items()])


def profiled(release: str, functions: dict[str, float], boot: int = 1) -> Result:
    made = guest_result(release, {MOVE: sum(functions.values())}, boot=boot)
    made.measurements[0].figures = PathFigures(profile=profile(functions))
    return made


def test_the_step_from_7_2_to_7_3_is_two_functions() -> None:
    found = explanations([profiled(K72, OLD), profiled(K73, NEW)], K72, K73)[MOVE]
    assert [(one.name, one.change) for one in found.functions] == [("move_pages_ptes", 12.0), ("vm_normal_page", 5.0)]
    assert found.change == pytest.approx(17.1)
    assert found.others == 1
    assert found.rest == pytest.approx(0.1)


def test_changes_that_cancel_each_other_are_both_named() -> None:
    """+10 and -9 leave +1: a list that ended when its sum came near to that could name neither."""
    old, new = profile({"a": 10.0, "b": 19.0, "c": 1.0}), profile({"a": 20.0, "b": 10.0, "c": 1.0})
    found = explain(MOVE, old, new)
    assert [(one.name, one.change) for one in found.functions] == [("a", 10.0), ("b", -9.0)]
    assert (found.others, found.rest) == (0, 0)


def test_what_is_not_named_has_less_than_a_twentieth() -> None:
    old = profile({f"f{number}": 100.0 for number in range(40)})
    new = profile({f"f{number}": 100.0 + number for number in range(40)})
    found = explain(MOVE, old, new)
    assert abs(found.rest) <= 0.05 * abs(found.change)
    assert sum(one.change for one in found.functions) + found.rest == pytest.approx(found.change)
    assert abs(found.rest) + abs(found.functions[-1].change) > 0.05 * abs(found.change), "and no more are named"


def test_functions_that_come_and_go_are_in_it() -> None:
    found = explain(MOVE, profile({"move_pages_pte": 327.0}), profile({"move_pages_ptes": 125.0}))
    assert [(one.old, one.new, one.old_calls, one.new_calls) for one in found.functions] == [
        (327.0, 0.0, 1.0, 0.0),
        (0.0, 125.0, 0.0, 1.0),
    ]


def test_equal_profiles_have_no_difference() -> None:
    found = explain(MOVE, profile(OLD), profile(OLD))
    assert (found.functions, found.others, found.change) == ([], 0, 0.0)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("move_pages_ptes.isra.0", "move_pages_ptes"),
        ("try_to_migrate_one.constprop.0.isra.0", "try_to_migrate_one"),
        ("free_unref_page.part.0.cold", "free_unref_page"),
        ("partial", "partial"),
        ("user:main.cold", "user:main"),
    ],
)
def test_parts_of_a_function_are_the_function(name: str, plain: str) -> None:
    assert base_name(name) == plain


def test_boots_are_averaged_and_parts_of_a_function_added() -> None:
    found = mean([profile({"a": 10.0, "a.cold": 2.0}), profile({"a": 20.0})])
    assert [(one.name, one.instructions, one.calls) for one in found.functions] == [("a", 16.0, 1.5)]


def test_events_are_sums_and_entries_go_by_the_kernels_names() -> None:
    functions = [
        FunctionProfile("user:gcp_evacuate", 10.0, 0.5, syscalls=1.0),
        FunctionProfile("entry_SYSCALL_64", 20.0, 1.0),
        FunctionProfile("clear_page_rep", 518.0, 1.0, rep=514.0),
        FunctionProfile("asm_exc_page_fault", 9.0, 0.25),
        FunctionProfile("asm_sysvec_apic_timer_interrupt", 5.0, 0.01),
        FunctionProfile("native_flush_tlb_one_user", 16.0, 1.0, invlpg=1.0),
        FunctionProfile("native_send_call_func_single_ipi", 9.0, 0.125),
    ]
    found = events(Profile(3, functions))
    assert (found.instructions, found.plain, found.rep) == (587.0, 73.0, 514.0)
    assert (found.syscalls, found.exceptions, found.interrupts) == (1.0, 0.25, 0.01)
    assert (found.invlpg, found.ipis) == (1.0, 0.125)
    assert whole(Profile(3, functions))
    assert not whole(Profile(3, functions[:1])), "system calls whose entry was not seen"


def test_kernels_come_by_version() -> None:
    found = merged([profiled(K73, NEW), profiled(K72, OLD), profiled(K72, OLD, boot=2)])
    assert [(one.release, one.scenario) for one in found] == [(K72, MOVE), (K73, MOVE)]


@pytest.mark.parametrize(
    ("functions", "word"),
    [
        ([FunctionProfile("a", 1.0), FunctionProfile("a", 2.0)], "twice"),
        ([FunctionProfile("", 1.0)], "no name"),
        ([FunctionProfile("x" * 601, 1.0)], "more than 600 characters"),
        ([FunctionProfile("a", 1.0, rep=2.0)], "more iterations than instructions"),
    ],
)
def test_a_profile_that_contradicts_itself_is_no_result(functions: list[FunctionProfile], word: str) -> None:
    made = profiled(K72, OLD)
    assert list(faults(made)) == []
    made.measurements[0].figures = PathFigures(profile=Profile(5, functions))
    assert any(word in text for text in faults(made))
