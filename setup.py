"""Only what pyproject.toml cannot say: the C extension, described in native/build/build_native.py."""

from setuptools import setup

setup(cffi_modules=["native/build/build_native.py:ffibuilder"])
