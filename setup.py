"""What pyproject.toml cannot say: the C extension, described in native/build/build_native.py, compiled in parallel."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

from setuptools import setup
from setuptools.command.build_ext import build_ext


class Together(build_ext):
    """Compiles the C files of the extension beside each other."""

    def build_extensions(self) -> None:
        """Build with a compiler that gets one file per processor at a time."""
        one_by_one = self.compiler.compile

        def together(sources: list[str], **options: Any) -> list[str]:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                return list(chain.from_iterable(pool.map(lambda one: one_by_one([one], **options), sources)))

        self.compiler.compile = together
        super().build_extensions()


setup(cffi_modules=["native/build/build_native.py:ffibuilder"], cmdclass={"build_ext": Together})
