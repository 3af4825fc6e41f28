"""The file by which a rebuilt heap reaches the workers: an array of int64 that compiled code reads where it is mapped.

gcproto.dumps.rebuild writes it from a heap dump; workload ``dump`` writes the heap from it.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC, OBJECTS, REFS, WORDS, ROOT, LEAVES = range(6)
"""Places in the array.  WORDS: of the heap that the objects lie in;  ROOT: word of the object that leads to all roots;
LEAVES: its references, which are arrays of roots."""
SIZES, FIRST = 16, 16 + 1024
"""Where sizes of objects begin, of which short-lived ones are made as large, and where the objects begin."""
SIZE_COUNT = FIRST - SIZES
COLUMNS = 3
"""Of each object: its word in the heap, its header, the place of its first reference in the array."""
FORMAT = 0x67637064756D7031


@cache
def mapped(path: str) -> NDArray[np.int64]:
    """The file's array, mapped for as long as the process lives.

    Raises:
        ValueError: it is not such a file.

    """
    found: NDArray[np.int64] = np.load(Path(path), mmap_mode="r")
    if found.dtype != np.int64 or found.ndim != 1 or len(found) < FIRST or found[MAGIC] != FORMAT:
        raise ValueError(f"{path} is not a rebuilt heap")
    return found
