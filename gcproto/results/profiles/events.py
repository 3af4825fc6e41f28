"""Events of profiles: what was counted in a scenario beside its instructions.

Kinds of entry into the kernel and interrupts between processors have no instruction of their own that could be counted.
They are counted by calls of the functions that serve or send them.
"""

from collections.abc import Iterable

import msgspec

from gcproto.results.schema import FunctionProfile, PathScenario, Profile, Scenario

ENTRIES = frozenset({"entry_SYSCALL_64", "do_el0_svc"})
"""Functions of arch/x86 and arch/arm64 that each system call enters first, of those that are not inlined."""
EXCEPTIONS = ("asm_exc_", "do_mem_abort", "do_sp_pc_abort", "do_el0_undef", "do_el1_undef")
"""How the kernel names the first code of an exception.  Names of arch/x86 are of "x86/entry: Switch page fault
exception to IDTENTRY_RAW" and its series (5.8).  Those of arch/arm64 are the first functions that are not inlined."""
INTERRUPTS = (
    "asm_sysvec_",
    "asm_common_interrupt",
    "asm_spurious_interrupt",
    "el1h_64_irq_handler",
    "el0t_64_irq_handler",
)
"""The same for interrupts."""
SENDERS = frozenset({"native_send_call_func_single_ipi", "native_send_call_func_ipi", "native_smp_send_reschedule"})
"""Functions of arch/x86 that send an interrupt to another processor; each sends one where there are two."""
COUNTS = FunctionProfile.__struct_fields__[1:]


class Events(msgspec.Struct, frozen=True):
    """What was counted in a scenario, for each base page; see FunctionProfile.

    Attributes:
        plain: instructions without the iterations of string instructions.
        exceptions, interrupts: entries into the kernel by them;  ipis: sent to another processor.
        l1d, l2, llc: lines missed in the model of caches.

    """

    instructions: float
    plain: float
    rep: float
    calls: float
    locked: float
    invlpg: float
    invpcid: float
    cr3: float
    syscalls: float
    exceptions: float
    interrupts: float
    ipis: float
    l1d: float
    l2: float
    llc: float


def ipis(functions: Iterable[FunctionProfile]) -> float:
    """Interrupts sent to other processors."""
    return sum(one.calls for one in functions if one.name in SENDERS)


def events(profile: Profile) -> Events:
    """Sums over the functions of a profile."""
    sums = {name: sum(getattr(one, name) for one in profile.functions) for name in COUNTS}
    return Events(
        plain=sums["instructions"] - sums["rep"],
        exceptions=sum(one.calls for one in profile.functions if one.name.startswith(EXCEPTIONS)),
        interrupts=sum(one.calls for one in profile.functions if one.name.startswith(INTERRUPTS)),
        ipis=ipis(profile.functions),
        **sums,
    )


def whole(profile: Profile) -> bool:
    """Whether the kernel's entry was seen for its system calls: else symbols are not where the code is."""
    entered = sum(one.calls for one in profile.functions if one.name in ENTRIES)
    made = sum(one.syscalls for one in profile.functions)
    return abs(entered - made) <= max(0.01 * made, 1e-5)


def counts_ipis(scenario: Scenario) -> bool:
    """Whether a second thread spins beside the work, so that instructions say nothing of it."""
    return isinstance(scenario, PathScenario) and scenario.threads > 1
