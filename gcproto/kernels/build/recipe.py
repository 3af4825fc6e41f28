"""What a kernel was built from, kept beside it in the catalog, so that it can be built again by its name alone."""

from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.build import source
from gcproto.kernels.build.built import Built
from gcproto.kernels.build.kconfig import Config
from gcproto.kernels.build.patches import Patch
from gcproto.kernels.build.source import Origin
from gcproto.process.outputs import replace_with

FILE = "recipe.json"


class Recipe(msgspec.Struct, frozen=True):
    """Inputs of a kernel, besides its name. The fields are those of BuildParameters."""

    origin: Origin
    config: Config
    patches: tuple[Patch, ...]


def keep(made: Built, recipe: Recipe) -> None:
    """Note what a kernel was built from, unless it is noted already.

    Args:
        made: the kernel, in the catalog.
        recipe: its inputs.

    Raises:
        GcprotoError: the disk is full.

    """
    file = made.home / FILE
    if file.exists():
        return
    with cache.writing(str(file)):
        replace_with(file, msgspec.json.encode(recipe))


def load(made: Built) -> Recipe:
    """The inputs of a kernel that was built here.

    Args:
        made: the kernel.

    Raises:
        GcprotoError: they were not noted, or its source is no longer here.

    """
    try:
        found = msgspec.json.decode((made.home / FILE).read_bytes(), type=Recipe)
    except (OSError, msgspec.DecodeError) as error:
        raise GcprotoError(
            f"it is not known what {made.release} was built from",
            why="an older version of this program built it",
            remedy="build it again with `gcproto kernels build`, which takes seconds; or give --patch",
            code=ExitCode.USAGE,
        ) from error
    if not Path(found.origin.folder).is_dir():
        raise GcprotoError(
            f"the source of {made.release} is no longer here",
            why=f"{found.origin.folder} does not exist",
            remedy="build the kernel again with `gcproto kernels build`",
            code=ExitCode.USAGE,
        )
    if not found.origin.fixed:
        source.given(Path(found.origin.folder))
    return found
