"""The plan for compiled code: a function of the plan's address for each field.

native/heap/plan.h documents the fields. A field that is the address of a table also has a function for an element, of
the plan and the number of a page or a chunk. Code that needs many elements reads the table's address once. All of them
are inlined: the instructions are those of a sum of address and offset.
"""

from gcproto._native import ffi, lib
from gcproto.heap.memory import element, field, set_element, set_field


def _at(name: str) -> int:
    return ffi.offsetof("struct gcp_plan", name)


KEPT = lib.GCP_KEPT
"""Value of ``fill_of`` for a page that keeps its layout."""

WRITTEN = lib.GCP_WRITTEN
"""What ``reach_of`` says of a page whose references were perhaps written since marking."""

to_space = field(_at("to"))
from_space = field(_at("from"))

dense_end = field(_at("dense_end"))
compact_end = field(_at("compact_end"))
used_end = field(_at("used_end"))
black_shift = field(_at("black_shift"))
black_begin = field(_at("black_begin"))
pages_kept = field(_at("kept"))
set_dense_end = set_field(_at("dense_end"))
set_compact_end = set_field(_at("compact_end"))
set_used_end = set_field(_at("used_end"))
set_black_shift = set_field(_at("black_shift"))
set_black_begin = set_field(_at("black_begin"))
set_pages_kept = set_field(_at("kept"))

live_bits = field(_at("live"))
start_bits = field(_at("starts"))

offset_table = field(_at("offsets"))
first_table = field(_at("first"))

live_of = element(_at("live"), 64)
offset_of = element(_at("offsets"), 32)
first_of = element(_at("first"), 64)
lead_words_of = element(_at("lead_words"), 16)
lead_refs_of = element(_at("lead_refs"), 16)
skip_of = element(_at("skip"), 16)
fill_of = element(_at("fill"), 16)
set_first = set_element(_at("first"), 64)
set_lead_words = set_element(_at("lead_words"), 16)
set_lead_refs = set_element(_at("lead_refs"), 16)
set_skip = set_element(_at("skip"), 16)
set_fill = set_element(_at("fill"), 16)
set_held = set_element(_at("held"), 8)
reach_of = element(_at("reach"), 32)
set_reach = set_element(_at("reach"), 32)

is_young = field(_at("young"))
set_young = set_field(_at("young"))
old_end = field(_at("old_end"))
set_old_end = set_field(_at("old_end"))
card_of = element(_at("cards"), 8, "monotonic")
set_card_of = set_element(_at("cards"), 8, "release")
