"""Numbers of the format: records, the parts of a heap record, types of values.

HotSpot's writer describes them (OpenJDK, src/hotspot/share/services/heapDumper.cpp); ART's has more roots and two
parts of its own (art/runtime/hprof/hprof.cc).
"""

STRING, LOAD_CLASS, HEAP_DUMP, HEAP_DUMP_SEGMENT, HEAP_DUMP_END = 0x01, 0x02, 0x0C, 0x1C, 0x2C
SKIPPED = (LOAD_CLASS, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0A, 0x0B, 0x0D, 0x0E)
"""Records about classes loaded and unloaded, stacks, sites, threads, samples: they hold no object."""

CLASS, INSTANCE, OBJECT_ARRAY, PRIMITIVE_ARRAY = 0x20, 0x21, 0x22, 0x23
NODATA_ARRAY, HEAP_INFO = 0xC3, 0xFE
"""Of ART: an array without its elements, and the heap that the following objects are in."""

ROOTS = {
    0xFF: (1, 0),
    0x01: (2, 0),
    0x02: (1, 8),
    0x03: (1, 8),
    0x04: (1, 4),
    0x05: (1, 0),
    0x06: (1, 4),
    0x07: (1, 0),
    0x08: (1, 8),
    0x89: (1, 0),
    0x8A: (1, 0),
    0x8B: (1, 0),
    0x8C: (1, 0),
    0x8D: (1, 0),
    0x8E: (1, 8),
    0x90: (1, 0),
}
"""Parts that name a root: how many ids follow the tag, and how many other bytes."""
UNREACHABLE = 0x90
"""Of ART, obsolete: an object that is not a root."""
OF_ART = frozenset({0x89, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x90, NODATA_ARRAY, HEAP_INFO})

OBJECT = 2
SIZES = {4: 1, 5: 2, 6: 4, 7: 8, 8: 1, 9: 2, 10: 4, 11: 8}
"""Bytes of a value by its type, but for a reference (OBJECT), which is an id."""
