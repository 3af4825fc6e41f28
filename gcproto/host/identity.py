"""What tells this host from others of a cluster."""

import platform


def identity() -> dict[str, str]:
    """Its name."""
    return {"name": platform.node() or "unnamed"}
