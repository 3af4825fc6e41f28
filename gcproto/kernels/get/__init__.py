"""Kernels on this machine: the catalog, Debian's archive, images and their modules."""
