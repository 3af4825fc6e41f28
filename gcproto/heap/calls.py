"""Functions of the native library that compiled code calls, and sizes that it shares with them."""

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

CHUNK_WORDS = lib.GCP_CHUNK_WORDS
CARD_BYTES = lib.GCP_CARD_BYTES
CARD_SHIFT = CARD_BYTES.bit_length() - 1
BARRIER_VARIABLE = "GCPROTO_WRITE_BARRIER"
BARRIER = os.environ.get(BARRIER_VARIABLE) != "off"
"""Whether mutators of this process dirty cards.  It is compiled into them, so a process has one kind of mutators; the
other kind, under a collector that never collects, shows what the barrier costs."""

CARD_CLEAN, CARD_DIRTY, CARD_AGED = lib.GCP_CARD_CLEAN, lib.GCP_CARD_DIRTY, lib.GCP_CARD_AGED
