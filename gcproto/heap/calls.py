"""Functions of the native library that compiled code calls, and the offsets of the fields that it reads."""

import os
from collections.abc import Callable

import llvmlite.binding
from numba import types

from gcproto._native import ffi, lib
from gcproto.structs import address_of


def _external(name: str, result: types.Type, *arguments: types.Type) -> Callable[..., int]:
    # The linker finds it by this name also for code from the cache, which holds no addresses.
    llvmlite.binding.add_symbol(name, address_of(ffi.addressof(lib, name)))
    function: Callable[..., int] = types.ExternalFunction(name, result(*arguments))
    return function


park = _external("gcp_mutator_park", types.void, types.int64)
refill = _external("gcp_mutator_refill", types.int64, types.int64, types.int64)
mutator_ended = _external("gcp_mutator_ended", types.void, types.int64)
ask = _external("gcp_world_ask", types.void, types.int64)


def _offset(struct: str, name: str) -> int:
    return ffi.offsetof(f"struct {struct}", name)


MUTATOR_WORLD = _offset("gcp_mutator", "world")
MUTATOR_TLAB = _offset("gcp_mutator", "tlab")
MUTATOR_TLAB_END = _offset("gcp_mutator", "tlab_end")
MUTATOR_ROOTS = _offset("gcp_mutator", "roots")
MUTATOR_BYTES = _offset("gcp_mutator", "allocated_bytes")
MUTATOR_OBJECTS = _offset("gcp_mutator", "allocated_objects")
MUTATOR_DIGEST = _offset("gcp_mutator", "digest")
MUTATOR_OPERATIONS = _offset("gcp_mutator", "operations")

WORLD_STOP = _offset("gcp_world", "stop")
WORLD_CLOSING = _offset("gcp_world", "closing")
WORLD_BEGIN = _offset("gcp_world", "begin")
WORLD_CARDS = _offset("gcp_world", "cards")
WORLD_WRITTEN = _offset("gcp_world", "written")

CHUNK_WORDS = lib.GCP_CHUNK_WORDS
CARD_BYTES = lib.GCP_CARD_BYTES
CARD_SHIFT = CARD_BYTES.bit_length() - 1
BARRIER_VARIABLE = "GCPROTO_WRITE_BARRIER"
BARRIER = os.environ.get(BARRIER_VARIABLE) != "off"
"""Whether mutators of this process dirty cards.  It is compiled into them, so a process has one kind of mutators; the
other kind, under a collector that never collects, shows what the barrier costs."""

CARD_CLEAN, CARD_DIRTY, CARD_AGED = lib.GCP_CARD_CLEAN, lib.GCP_CARD_DIRTY, lib.GCP_CARD_AGED
