"""Configurations of kernels that are built here: fragments, merged over tinyconfig.

``fast``: the features that the path lab measures, built in, and nothing that slows them down. ``stress``: ``fast`` with
what the stress disturbs moves with (NUMA, zswap, memory failure). ``debug``: ``stress`` with DEBUG_VM, lockdep and page
table checks. ``kasan``: ``debug`` with KASAN and KSM. ``kasan-hw``: ``debug`` with KASAN by the memory tags of arm64,
which needs a processor that has them. ``kcsan``: ``stress`` with KCSAN. ``selftests``: ``fast`` with what the
kernel's own tests of memory need. Other names are paths of fragments. Several are merged in order, over ``fast`` unless
the first is a name from above. The fragments of the architecture and of the page size follow ``fast``.

``debian``: the distribution's own configuration, trimmed to what a guest has (gcproto.kernels.build.distribution),
instead of tinyconfig.

``distribution`` and ``machine`` are whole configurations, with the drivers of real machines: the distribution's with
all modules, and that of a machine with the modules that it has loaded (gcproto.kernels.build.whole).
"""

import hashlib
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64, HARDWARE_TAGS, ROWS, Architecture
from gcproto.kernels.get import modules
from gcproto.process import tools
from gcproto.process.files import read_regular

STRESS = "stress"
DEBIAN, DISTRIBUTION, MACHINE = "debian", "distribution", "machine"
WHOLE = frozenset({DISTRIBUTION, MACHINE})
"""Configurations that boot a real machine: with its drivers, and modules."""
BASES = frozenset({DEBIAN}) | WHOLE
"""Configurations that have another base than tinyconfig."""
OURS = {
    "fast": ("fast",),
    STRESS: ("fast", STRESS),
    "debug": ("fast", STRESS, "debug"),
    "kasan": ("fast", STRESS, "debug", "kasan"),
    "kcsan": ("fast", STRESS, "kcsan"),
    HARDWARE_TAGS: ("fast", STRESS, "debug", HARDWARE_TAGS),
    "selftests": ("fast", "selftests"),
    DEBIAN: (DEBIAN,),
    DISTRIBUTION: (DISTRIBUTION,),
    MACHINE: (MACHINE,),
}
UNNEEDED = "unneeded"
"""The fragment of what Debian builds in and guests do not need."""
OPTION_OF = {"zram": "CONFIG_ZRAM", "loop": "CONFIG_BLK_DEV_LOOP", "lzo-rle": "CONFIG_CRYPTO_LZO"}
"""The options that build in what a guest would otherwise load as a module."""

MOST_BYTES = 16 << 20
"""Of a fragment."""
MOST_QUESTIONS = 10000
"""More than localmodconfig ever asks. An empty line takes the default."""

OPTION = re.compile(r"(?:# )?(CONFIG_\w+)(?:=(.*)| is not set)")


class Config(msgspec.Struct, frozen=True):
    """Fragments.

    Attributes:
        label: of the configuration without the architecture, as names of kernels have it.
        key: names the build trees that have it.
        names: for people.
        texts: of the fragments, in their order.
        base: the configuration that they are merged over; "" for tinyconfig.
        loaded: as /proc/modules has it: other modules than these are omitted; "" keeps all of the base.

    """

    label: str
    key: str
    names: tuple[str, ...]
    texts: tuple[str, ...]
    base: str = ""
    loaded: str = ""

    @property
    def text(self) -> str:
        """The text of the base and of all fragments."""
        parts = (self.base, *self.texts) if self.base else self.texts
        return "\n".join((*parts, self.loaded) if self.loaded else parts)

    @property
    def asked(self) -> dict[str, str]:
        """Value of each option that a fragment names; the last word counts."""
        return options("\n".join(self.texts))

    @property
    def kind(self) -> str:
        """``debian``, ``distribution``, ``machine``: what its base is; "" for tinyconfig."""
        return self.names[0] if self.names[0] in BASES else ""

    @property
    def modules(self) -> int:
        """Number of modules of the base, without those that are omitted because they are not loaded."""
        return 0 if self.loaded else list(options(self.base).values()).count("m")


def options(text: str) -> dict[str, str]:
    """Options of a fragment or of a .config; ``n`` for those that are not set."""
    found = (OPTION.fullmatch(line.strip()) for line in text.splitlines())
    return {one[1]: one[2] if one[2] is not None else "n" for one in found if one}


def builtin(config_text: str) -> tuple[str, ...]:
    """The modules for guests that a kernel has built in, by its .config."""
    have = options(config_text)
    return tuple(name for name in modules.WANTED if have.get(OPTION_OF[name]) == "y")


def chosen(words: Sequence[str], architecture: Architecture = AMD64, page_size: int | None = None) -> Config:
    """The configuration of names and paths.

    Args:
        words: names and paths.
        architecture: of the kernel.
        page_size: of the kernel, in bytes; None: the architecture's smallest.

    Raises:
        GcprotoError: a name is unknown or of another architecture, or a file is not a fragment.

    """
    words = list(words) or ["fast"]
    for row in ROWS:
        other = next((word for word in words if word in row.own and row is not architecture), None)
        if other:
            raise GcprotoError(
                f"kernels of {architecture.name} have no configuration {other}",
                remedy=f"give --arch {row.name}, or another configuration",
                code=ExitCode.USAGE,
            )
    if words[0] not in OURS:
        words.insert(0, "fast")
    named = [word for word in words if word in OURS]
    alone = next((word for word in named if word in BASES), None)
    if alone and len(named) > 1:
        raise GcprotoError(
            f"{alone} does not go together with {' and '.join(word for word in named if word != alone)}",
            why="each is a whole configuration, of another kind",
            remedy="give one of them; fragments may follow",
            code=ExitCode.USAGE,
        )
    pages = page_size or architecture.page_sizes[0]
    names, texts, others = [], [], ""
    for word in words:
        for part in OURS.get(word, (word,)):
            if part in names:
                continue
            names.append(part)
            texts.append(_ours("whole" if part in WHOLE else part) if part in OURS else _fragment(Path(part)))
            if part == DEBIAN:
                texts.append(_ours(UNNEEDED))
            if part == "fast":
                texts += map(_ours, architecture.fragments[pages])
            elif part == STRESS:
                texts += map(_ours, architecture.stress_fragments)
            elif part not in OURS:
                others += f"\0{part}\0{texts[-1]}"
    label = [word for word in words if word in OURS][-1]
    if others:
        stem = re.sub(r"\W+", "-", Path(words[-1]).stem) if words[-1] not in OURS else "more"
        label = f"{label}-{stem}-{hashlib.sha256(others.encode()).hexdigest()[:8]}"
    return Config(label, label + architecture.suffix(pages), tuple(names), tuple(texts))


def _ours(name: str) -> str:
    return resources.files("gcproto.kernels.build").joinpath("configs", f"{name}.config").read_text()


def _fragment(path: Path) -> str:
    try:
        text = read_regular(path, MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise GcprotoError(
            f"there is no configuration {str(path)!r}",
            why=str(why),
            remedy=f"one of {', '.join(OURS)}, or the path of a fragment with lines like CONFIG_NUMA=y",
            code=ExitCode.USAGE,
        ) from error
    if not options(text):
        raise GcprotoError(
            f"{path} is not a configuration",
            why="it has no line like CONFIG_NUMA=y or # CONFIG_NUMA is not set",
            code=ExitCode.USAGE,
        )
    return text


def configure(config: Config, tree: Path, objects: Path, make: Sequence[str]) -> list[str]:
    """Give a build folder its configuration. An unchanged one is not written, so nothing is rebuilt.

    Args:
        config: fragments.
        tree: the source.
        objects: the build folder.
        make: the command line of make for them.

    Returns:
        Options that the source does not set as requested, as ``CONFIG_X=y``.

    Raises:
        GcprotoError: make refuses: ``why`` has its message.

    """
    file, record = objects / ".config", objects / ".gcproto-config"
    with cache.writing(str(objects)):
        objects.mkdir(parents=True, exist_ok=True)
        if not (file.exists() and record.exists() and record.read_text() == config.text):
            record.unlink(missing_ok=True)
            if config.base:
                file.write_text(config.base)
            else:
                _run([*make, "tinyconfig"])
            if config.loaded:
                _omit_modules(config.loaded, objects, make)
            merged = objects / ".gcproto-fragment"
            merged.write_text("".join(f"{name}={value}\n" for name, value in config.asked.items()))
            _run(["scripts/kconfig/merge_config.sh", "-m", "-O", str(objects), str(file), str(merged)], tree)
            _run([*make, "olddefconfig"])
            record.write_text(config.text)
        else:  # a patch may have added options
            _run([*make, "olddefconfig"])
    have = options(file.read_text())
    return [f"{name}={value}" for name, value in config.asked.items() if have.get(name, "n") not in _alike(value)]


def _alike(value: str) -> tuple[str, ...]:
    """Values of .config that are as good: an option that is not there has no text."""
    return (value, "n") if value == '""' else (value,)


def _omit_modules(loaded: str, objects: Path, make: Sequence[str]) -> None:
    """Keep the modules that are loaded. Options that the base does not know get their defaults."""
    names = objects / ".gcproto-modules"
    names.write_text(loaded)
    _run([*make, "olddefconfig"])
    _run([*make, f"LSMOD={names}", "localmodconfig"], answers=b"\n" * MOST_QUESTIONS)


def _run(command: Sequence[str], folder: Path | None = None, answers: bytes | None = None) -> None:
    done = tools.run(command, stdin=answers, folder=folder)
    if done.code:
        said = done.err.strip() or done.out.strip()
        cache.see_that_space_was_left("the kernel can't be configured", said, cache.folder("trees"))
        raise GcprotoError(
            "the kernel can't be configured",
            why="\n    ".join(said.splitlines()[-8:]) or f"{command[0]} ended with exit code {done.code}",
            remedy="does the source build with `make tinyconfig`?",
        )
