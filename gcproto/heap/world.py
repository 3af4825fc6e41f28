"""The world and a mutator as compiled code sees them: a function for each field, of the structure's address.

native/heap/world.h says what the fields mean.  All are inlined where they are called, like those of the plan
(``gcproto.heap.plan``).
"""

from gcproto._native import ffi
from gcproto.heap.memory import element, field, set_element, set_field


def _world(name: str) -> int:
    return ffi.offsetof("struct gcp_world", name)


def _mutator(name: str) -> int:
    return ffi.offsetof("struct gcp_mutator", name)


stop_asked = field(_world("stop"), 32, "monotonic")
is_closing = field(_world("closing"), 32, "monotonic")
"""Other threads change these two: each call reads them again."""
space_begin = field(_world("begin"))
written_bits = field(_world("written"))
set_card = set_element(_world("cards"), 8, "release")
"""A marker that sees the card also sees its store."""

first_mutator = field(_world("mutator"))
mutators_of = field(_world("mutators"), 32)

world_of = field(_mutator("world"))
number_of = field(_mutator("number"))
tlab = field(_mutator("tlab"))
tlab_end = field(_mutator("tlab_end"))
allocated_bytes = field(_mutator("allocated_bytes"))
allocated_objects = field(_mutator("allocated_objects"))
digest = field(_mutator("digest"))
operations = field(_mutator("operations"))
root_of = element(_mutator("roots"), 64)
set_tlab = set_field(_mutator("tlab"))
set_allocated_bytes = set_field(_mutator("allocated_bytes"))
set_allocated_objects = set_field(_mutator("allocated_objects"))
set_digest = set_field(_mutator("digest"))
set_operations = set_field(_mutator("operations"))
set_root_of = set_element(_mutator("roots"), 64, "release")
"""A marker that sees the root sees the object's header."""
