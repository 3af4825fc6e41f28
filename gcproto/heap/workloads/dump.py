"""The heap of another runtime, rebuilt from its dump: every object at its place, live or dead, with its references.

The first mutator writes the heap.  Then all walk it: from a random root through references, and check each object. A
step also makes a short-lived object, as large as a random one of the dump.  A step that mutates either replaces an
object that one reference holds by a copy of it, or swaps two references of an object.  So what is live stays so.  An
object belongs to one mutator, which alone writes to it.

mutation:       of 1000 steps, those that mutate
fragmentation:  of 1000 mutations, those that replace; the others swap
"""

from gcproto.heap.calls import refill
from gcproto.heap.chance import advance, below, mix, mix_at
from gcproto.heap.compiled import entry, kernel
from gcproto.heap.memory import load64, lshr, store64
from gcproto.heap.mutator import (
    OUT_OF_MEMORY,
    STOPPED,
    allocate,
    count_operation,
    ended,
    note,
    poll,
    root,
    set_ref,
    set_root,
)
from gcproto.heap.objects import get_ref, refs_of, words_of
from gcproto.heap.workloads.dump_file import COLUMNS, FIRST, LEAVES, OBJECTS, ROOT, SIZE_COUNT, SIZES, WORDS
from gcproto.heap.workloads.knobs import COUNT, FRAGMENTATION, MUTATION, OPERATIONS, SEED, Parameters
from gcproto.heap.world import (
    allocated_bytes,
    digest,
    first_mutator,
    mutators_of,
    number_of,
    root_of,
    set_allocated_bytes,
    set_digest,
    world_of,
)

DIRECTORY, ONE, PARENT = 0, 1, 2
"""Root slots: what leads to all roots, an object that is replaced, and what refers to it."""
DATA = COUNT
"""After the knobs: the address of the mapped file."""
HOPS = 16
LARGEST = 512
"""Words of an object that is replaced or short-lived, at most."""
HELD_ONCE, OWNER_SHIFT = 1 << 56, 57
"""In a header: one reference holds the object;  5 bits from which the mutator follows that it belongs to."""


@kernel
def _write(base: int, place: int, head: int, data: int, refs: int) -> None:
    """An object: header, references, contents that follow from its place, and a last word that follows from its header.

    Args:
        base: address of the heap.
        place: word of the object.
        head: its header.
        data: address of the mapped file.
        refs: place of its first reference in that.

    """
    at = base + 8 * place
    store64(at, head)
    count = refs_of(head)
    for field in range(count):
        store64(at + 8 + 8 * field, base + 8 * load64(data + 8 * (refs + field)))
    last = words_of(head) - 1
    for word in range(count + 1, last):
        store64(at + 8 * word, mix_at(place, word))
    if last > count:
        store64(at + 8 * last, mix(head))


@kernel
def _is_wrong(one: int) -> int:
    head = load64(one)
    last = words_of(head) - 1
    return 1 if last > refs_of(head) and load64(one + 8 * last) != mix(head) else 0


@entry("int64(int64, int64[::1])")
def setup(m: int, parameters: Parameters) -> int:
    """Write the heap: the first mutator alone does."""
    if number_of(m) != 0:
        return 0
    data = parameters[DATA]
    words = load64(data + 8 * WORDS)
    base = refill(m, 8 * words)
    if base == 0:
        return OUT_OF_MEMORY
    set_allocated_bytes(m, allocated_bytes(m) + 8 * words)
    for index in range(load64(data + 8 * OBJECTS)):
        at = data + 8 * (FIRST + COLUMNS * index)
        _write(base, load64(at), load64(at + 8), data, load64(at + 16))
    set_root(m, DIRECTORY, base + 8 * load64(data + 8 * ROOT))
    note(m, words)
    return 0


@kernel
def _owned(m: int, one: int) -> bool:
    """Whether an object belongs to a mutator."""
    return (lshr(load64(one), OWNER_SHIFT) & 31) % mutators_of(world_of(m)) == number_of(m)


@kernel
def _swap(m: int, one: int, state: int) -> None:
    """Exchange two references of an object."""
    count = refs_of(load64(one))
    if count < 2 or not _owned(m, one):
        return
    left = below(state, count)
    right = below(advance(state), count)
    kept = get_ref(one, left)
    set_ref(m, one, left, get_ref(one, right))
    set_ref(m, one, right, kept)


@kernel
def _replace(m: int, parent: int, field: int, one: int) -> int:
    """Put a copy in place of an object that only this field refers to.  Returns 0 without memory."""
    head = load64(one)
    words = words_of(head)
    if head & HELD_ONCE == 0 or words > LARGEST or not _owned(m, one) or not _owned(m, parent):
        return 1
    set_root(m, ONE, one)
    set_root(m, PARENT, parent)
    before = digest(m)  # which objects are replaced depends on what other mutators have done
    made = allocate(m, words, refs_of(head))
    set_digest(m, before)
    if made == 0:
        return 0
    one = root(m, ONE)
    for word in range(words):
        store64(made + 8 * word, load64(one + 8 * word))
    set_ref(m, root(m, PARENT), field, made)
    set_root(m, ONE, 0)
    set_root(m, PARENT, 0)
    return 1


@kernel
def _step(m: int, parameters: Parameters, state: int) -> int:
    """Walk, check, and perhaps mutate.  Returns wrong objects, or OUT_OF_MEMORY."""
    data = parameters[DATA]
    if allocate(m, load64(data + 8 * (SIZES + below(state, SIZE_COUNT))), 0) == 0:
        return OUT_OF_MEMORY
    directory = root(m, DIRECTORY)
    state = advance(state)
    leaf = get_ref(directory, below(state, load64(data + 8 * LEAVES)))
    state = advance(state)
    field = below(state, refs_of(load64(leaf)))
    parent = leaf
    one = get_ref(leaf, field)
    wrong = _is_wrong(one)
    for _ in range(HOPS):
        count = refs_of(load64(one))
        if count == 0:
            break
        state = advance(state)
        field = below(state, count)
        parent = one
        one = get_ref(one, field)
        wrong += _is_wrong(one)
    state = advance(state)
    if below(state, 1000) >= parameters[MUTATION]:
        return wrong
    state = advance(state)
    if below(state, 1000) >= parameters[FRAGMENTATION]:
        _swap(m, parent, state)
    elif _replace(m, parent, field, one) == 0:
        return OUT_OF_MEMORY
    return wrong


@kernel
def _steps(m: int, parameters: Parameters) -> int:
    """All steps: random numbers of each follow from its number alone, not from what was met before."""
    wrong = 0
    step = 0
    set_root(m, DIRECTORY, root_of(first_mutator(world_of(m)), DIRECTORY))
    name = mix(parameters[SEED])
    while parameters[OPERATIONS] == 0 or step < parameters[OPERATIONS]:
        if poll(m) != 0:
            return STOPPED if wrong == 0 else wrong
        found = _step(m, parameters, mix_at(name, step))
        if found < 0:
            return found
        wrong += found
        count_operation(m)
        step += 1
    return wrong


@entry("int64(int64, int64[::1])")
def run(m: int, parameters: Parameters) -> int:
    """Walk and mutate. Returns the number of wrong objects, or the reason for an early end."""
    return ended(m, _steps(m, parameters))


@entry("int64(int64, int64[::1])")
def check(m: int, parameters: Parameters) -> int:
    """Roots, and objects that they refer to, that are wrong."""
    wrong = 0
    if number_of(m) != 0:
        return 0
    directory = root(m, DIRECTORY)
    for leaf in range(refs_of(load64(directory))):
        array = get_ref(directory, leaf)
        for field in range(refs_of(load64(array))):
            one = get_ref(array, field)
            wrong += _is_wrong(one)
            for inner in range(refs_of(load64(one))):
                wrong += _is_wrong(get_ref(one, inner))
    return wrong
