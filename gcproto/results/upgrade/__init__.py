"""Results of version 1 as those of version 2: the one place where names of version 1 are taken apart."""

from gcproto.results.upgrade.document import upgraded

__all__ = ["upgraded"]
