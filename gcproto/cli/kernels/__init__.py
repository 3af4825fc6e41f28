"""``gcproto kernels``: other kernels, and kernels built here."""

from gcproto.cli.kernels.group import command

__all__ = ["command"]
