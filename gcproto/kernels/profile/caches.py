"""Levels of the model of data caches that a profile may have (native/profile/caches.h), as users and QEMU name them."""

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.schema import Cache
from gcproto.sizes import GIB, KIB, MIB, parse_size

NAMES = ("L1D", "L2", "LLC")
LINE = 64
"""Bytes."""
LARGEST = 4 * GIB
DEFAULT = (Cache("L1D", 32 * KIB, 8), Cache("L2", MIB, 8), Cache("LLC", 32 * MIB, 16))
"""As of one core of AMD's third EPYC, with the part of the last level that its core complex shares."""
FORM = "L1D,L2,LLC, each as SIZE:WAYS; for example 32k:8,1m:8,32m:16"


def parse(text: str) -> tuple[Cache, ...]:
    """Levels as a user names them: ``32k:8,1m:8,32m:16``.

    Raises:
        GcprotoError: these are no three caches, or a cache has no power of two of sets.

    """
    words = text.split(",")
    if len(words) != len(NAMES):
        raise _none(text, f"{len(words)} levels instead of {len(NAMES)}")
    return tuple(_cache(name, word, text) for name, word in zip(NAMES, words, strict=True))


def words(caches: tuple[Cache, ...]) -> list[str]:
    """For the plugin: ``l1d=32768:8``."""
    return [f"{one.name.lower()}={one.size}:{one.ways}" for one in caches]


def _cache(name: str, word: str, text: str) -> Cache:
    size, colon, ways = word.strip().partition(":")
    try:
        found = Cache(name, parse_size(size), int(ways) if colon and ways.isascii() and ways.isdigit() else 0)
    except ValueError as error:
        raise _none(text, f"{name}: {error}") from error
    sets, left = divmod(found.size, LINE * found.ways) if found.ways else (0, 0)
    if left or sets < 1 or sets & (sets - 1) or found.size > LARGEST:
        raise _none(
            text, f"{name} of {word.strip()!r}: lines of {LINE} bytes must fill a power of two of sets, 4 GiB at most"
        )
    return found


def _none(text: str, why: str) -> GcprotoError:
    return GcprotoError(f"{text!r} is not a model of caches", why=why, remedy=f"give {FORM}", code=ExitCode.USAGE)
