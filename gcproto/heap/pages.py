"""The page of this machine, as compiled code knows it."""

import os

PAGE_BYTES = os.sysconf("SC_PAGESIZE")
PAGE_WORDS = PAGE_BYTES // 8
PAGE_SHIFT = PAGE_BYTES.bit_length() - 1
