"""Kernels built here, from Debian's sources or a tree, with patches."""
