"""What to run with packages of kernels: the commands, and a script that boots a machine into two kernels in turns."""

import shlex
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from gcproto.kernels.build.built import Built
from gcproto.kernels.build.package import Packed
from gcproto.process.outputs import replace_with
from gcproto.results.store import cannot_write

SCRIPT = "measure.sh"
FOLDER = "gcproto-boots"
"""For results, one folder for each kernel."""


def script(base: Built, new: Built) -> str:
    """Text of the script for two kernels."""
    text = resources.files("gcproto.kernels.build").joinpath(SCRIPT).read_text()
    return text.replace("@BASE@", base.release).replace("@NEW@", new.release)


def steps(made: Sequence[Packed], folder: Path) -> str:
    """Commands for people, and the script for two kernels.

    Args:
        made: packages.
        folder: that has them, which gets the script.

    Raises:
        GcprotoError: the disk is full.

    """
    files = " ".join(f"./{one.file.name}" for one in made)
    lines = [
        "",
        "On the machine to measure, as root. Secure Boot must be off. Its own kernel stays installed:",
        f"  apt-get install {files} kexec-tools",
    ]
    kernels = [one.kernel for one in made]
    if len(kernels) == 2:
        target = folder / SCRIPT
        try:
            replace_with(target, script(kernels[0], kernels[1]).encode())
        except OSError as error:
            raise cannot_write(target, error) from error
        lines += [
            "Then from here: 5 boots of each kernel, alternately, gcproto bench in each, and the comparison of all.",
            "gcproto must be installed on both machines, and ssh must log in without a question:",
            f"  sh {shlex.quote(str(target))} root@MACHINE",
            "The same command goes on where it stopped, also after a full disk.",
        ]
    lines.append("Or run these there, at least three times for each kernel, in turns:")
    for one in kernels:
        lines += [
            f"  kexec -l /boot/vmlinuz-{one.release} --initrd=/boot/initrd.img-{one.release} --reuse-cmdline",
            "  systemctl kexec",
            f"  gcproto bench --out {FOLDER}/{one.release}",
        ]
    if len(kernels) == 2:
        lines.append(f"  gcproto compare {FOLDER}/{kernels[0].release} {FOLDER}/{kernels[1].release}")
    else:
        lines.append(f"  gcproto compare {FOLDER}/STOCK {FOLDER}/PATCHED")
    lines.append("Use one version of gcproto for all of them. Times of QEMU without KVM mean nothing.")
    return "\n".join(lines)
