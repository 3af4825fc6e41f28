"""How kernels of guests were built, in words: counts of instructions depend on it, and are never printed alone."""

from collections.abc import Sequence

from gcproto.results.facts import compiler_of, release_of, short, version_key
from gcproto.results.schema import Configuration, Result

UNRECORDED = "its configuration was not recorded"
ABOUT = "Instructions depend on configuration and compiler"


def build_of(result: Result) -> str:
    """How a guest's kernel was built; "" for results that are not of guests, or of guests that did not start.

    As in ``configuration fast, gcc 12.2; without CPU mitigations, NUMA; with SLUB_TINY``.
    """
    compiler = compiler_of(result)
    found = result.guest.configuration if result.guest else None
    if result.guest is None or (found is None and not compiler):
        return ""
    if found is None:
        return f"{compiler}; {UNRECORDED}"
    head = ", ".join(text for text in (f"configuration {found.name}" if found.name else "", compiler) if text)
    return "; ".join(text for text in (head, *_parts(found)) if text)


def _parts(found: Configuration) -> list[str]:
    mitigations = f"CPU mitigations ({', '.join(found.mitigations)})" if found.mitigations else "CPU mitigations"
    # SLUB_TINY is a way to save memory: to have it is what differs from a distribution's kernel.
    every = ((mitigations, bool(found.mitigations)), ("NUMA", found.numa), ("SLUB_TINY", found.slub_tiny))
    there, missing = ([name for name, is_on in every if is_on is wanted] for wanted in (True, False))
    return [f"{word} {', '.join(names)}" for word, names in (("with", there), ("without", missing)) if names]


def builds(results: Sequence[Result], kernels: Sequence[str] = ()) -> list[str]:
    """A line for each way in which kernels of guests were built, with the kernels; no lines without guests.

    Args:
        results: of guests and others.
        kernels: names of those that count; empty: all.

    """
    found: dict[str, dict[str, None]] = {}
    for result in sorted(results, key=lambda one: version_key(release_of(one))):
        text = build_of(result)
        if text and (not kernels or release_of(result) in kernels):
            found.setdefault(text, {})[short(release_of(result))] = None
    return [f"{', '.join(names)}: {text}" for text, names in found.items()]


def disclosed(results: Sequence[Result], kernels: Sequence[str] = ()) -> list[str]:
    """``builds`` below a line that says why they are there; nothing without guests. Arguments as of ``builds``."""
    found = builds(results, kernels)
    return [f"{ABOUT}:", *found] if found else []
