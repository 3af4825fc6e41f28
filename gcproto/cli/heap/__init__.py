"""``gcproto heap``: heaps of other runtimes."""

from gcproto.cli.heap.group import command

__all__ = ["command"]
