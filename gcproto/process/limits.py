"""Limits of the process (``ulimit``) that would stop a run: checked before anything is measured."""

import resource

from gcproto.errors import GcprotoError

FILES = 128
"""Descriptors that a process of a run needs: pipes, proofs, libraries that are loaded; at most 74 were seen."""
ENOUGH = 1024
ADDRESSES = 512 << 20
"""Bytes of addresses that a command needs for its libraries alone (numpy, scipy, rich); 345 MiB were seen."""


def check() -> None:
    """Check that enough files can be opened. A soft limit is raised up to the hard one.

    Raises:
        GcprotoError: the hard limit is too low.

    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < FILES:
        raise GcprotoError(
            f"this process may open {allowed} files only",
            why=f"gcproto needs {FILES}: workers, pipes, files of /proc, libraries",
            remedy=f"raise the limit: ulimit -n {ENOUGH}",
        )


def check_addresses() -> None:
    """Check that the libraries fit into the address space.

    Raises:
        GcprotoError: ``ulimit -v`` is too low.

    """
    limit = address_space()
    if limit is not None and limit < ADDRESSES:
        raise GcprotoError(
            f"this process may have {limit >> 20} MiB of addresses only",
            why=f"gcproto needs {ADDRESSES >> 20} MiB for its libraries alone",
            remedy="raise the limit: ulimit -v unlimited",
        )


def address_space() -> int | None:
    """Bytes of addresses that a process may have (``ulimit -v``); None: no limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft
