"""Objects: a header word, then reference fields, then payload words.

The header holds the size in words (bits 0-31, the header included) and the number of references (bits 32-55).  It is
never zero and never changes, so reading it needs no lock. References are addresses; 0 is a null reference.
"""

from gcproto.heap.compiled import kernel
from gcproto.heap.memory import load64, lshr, store64

MIN_WORDS = 2
"""16 bytes: a header and one word."""
MAX_REFS = (1 << 24) - 1
MAX_WORDS = (1 << 31) - 1


@kernel
def header(words: int, refs: int) -> int:
    """The header of an object.

    Args:
        words: its size, the header included; at least MIN_WORDS.
        refs: how many of its words are references; they come first.

    """
    return words | (refs << 32)


@kernel
def words_of(head: int) -> int:
    """Size in words, from a header."""
    return head & 0xFFFFFFFF


@kernel
def refs_of(head: int) -> int:
    """Number of references, from a header."""
    return lshr(head, 32) & 0xFFFFFF


@kernel
def get_ref(ref: int, field: int) -> int:
    """Reference field ``field`` of an object."""
    return load64(ref + 8 + 8 * field)


@kernel
def get_word(ref: int, word: int) -> int:
    """Word ``word`` of an object; word 0 is its header."""
    return load64(ref + 8 * word)


@kernel
def set_header(ref: int, words: int, refs: int) -> None:
    """Make an object in fresh memory."""
    store64(ref, header(words, refs))
