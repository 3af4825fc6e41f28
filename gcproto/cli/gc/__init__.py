"""``gcproto gc``: the heap and its experiments."""

from gcproto.cli.gc.workloads import command

__all__ = ["command"]
