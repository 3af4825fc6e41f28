"""``--arch`` and ``--page-size``: the architecture that kernels are for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from gcproto.errors import ExitCode, GcprotoError
from gcproto.sizes import parse_size, size, size_text

if TYPE_CHECKING:
    from gcproto.kernels.architecture import Architecture
    from gcproto.kernels.get.catalog import Kernel
    from gcproto.kernels.get.fetch import LocalKernel

F = TypeVar("F", bound=Callable[..., None])

NAMES = ("amd64", "arm64")
"""Of gcproto.kernels.architecture.ROWS, which a test compares; the module would be imported for ``--help``."""
PAGE_SIZES = ("4k", "16k")


@dataclass(frozen=True, kw_only=True)
class PlatformOptions:
    """What `platform_options` declares."""

    arch: str
    page_size: str | None

    @property
    def architecture(self) -> "Architecture":
        """The row of ``--arch``."""
        from gcproto.kernels.architecture import named

        return named(self.arch)

    @property
    def page_bytes(self) -> int | None:
        """Of ``--page-size``.

        Raises:
            GcprotoError: the architecture's kernels have no such pages.

        """
        if self.page_size is None:
            return None
        wanted = parse_size(self.page_size)
        known = self.architecture.page_sizes
        if wanted not in known:
            raise GcprotoError(
                f"no kernel of {self.arch} with pages of {size(wanted)} is known",
                why=f"page sizes of {self.arch}: {', '.join(map(size_text, known))}",
                remedy="give one of them, or omit --page-size",
                code=ExitCode.USAGE,
            )
        return wanted


def platform_options(function: F) -> F:
    """``--arch``, ``--page-size``."""
    arch = click.option(
        "--arch", type=click.Choice(NAMES), default="amd64", show_default=True, help="Architecture of the kernels."
    )
    page_size = click.option(
        "--page-size",
        type=click.Choice(PAGE_SIZES),
        help="Page size of the kernels [default: 4k; all of the architecture where several kernels are meant].",
    )
    return arch(page_size(function))


def across_option(function: F) -> F:
    """``--across-architectures``."""
    return click.option(
        "--across-architectures",
        "across",
        is_flag=True,
        help="Show guests of several architectures or page sizes beside each other, labelled as such.",
    )(function)


def see_that_it_has_blocks(scenarios: str, options: PlatformOptions) -> None:
    """See that a set of scenarios about blocks of contpte is for the architecture that has them.

    Raises:
        GcprotoError: it is not.

    """
    from gcproto.kernels.architecture import ARM64
    from gcproto.kernels.guest.script import CONTPTE

    if scenarios == CONTPTE and options.architecture is not ARM64:
        raise GcprotoError(
            f"kernels of {options.arch} have no blocks of contpte",
            remedy=f"give --arch {ARM64.name}, or another --set",
            code=ExitCode.USAGE,
        )


def see_that_they_are_alike(kernels: "Iterable[Kernel | LocalKernel]", architecture: "Architecture") -> None:
    """See that all kernels are of the architecture of the command.

    Raises:
        GcprotoError: one is of another.

    """
    for one in kernels:
        if one.architecture != architecture.name:
            raise GcprotoError(
                f"kernel {one.release} is of {one.architecture}, not of {architecture.name}",
                remedy=f"give --arch {one.architecture}",
                code=ExitCode.USAGE,
            )
