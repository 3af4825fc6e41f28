"""The page size of this machine, for compiled code."""

import os

PAGE_BYTES = os.sysconf("SC_PAGESIZE")
PAGE_WORDS = PAGE_BYTES // 8
PAGE_SHIFT = PAGE_BYTES.bit_length() - 1
