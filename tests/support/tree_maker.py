"""A kernel tree in miniature: its Makefile knows the targets that a build calls, and "compiles" in no time.

``bzImage`` copies each .c file to an object if it is newer, prints what it does as kbuild would, and makes an image
whose release has LOCALVERSION.  ``bindeb-pkg`` makes a package with the fields that a kernel's has.  A file with the
words ``#error`` in it does not compile.
"""

import os
from pathlib import Path

from tests.support.deb_maker import bzimage

MAKEFILE = """\
VERSION = 7
PATCHLEVEL = 3
SUBLEVEL = 4
EXTRAVERSION =
SOURCES := $(wildcard *.c)
OBJECTS := $(patsubst %.c,$(O)/%.o,$(SOURCES))
tinyconfig:
\t@echo CONFIG_TINY=y > $(O)/.config
localmodconfig:
\t@grep -v CONFIG_NOT_LOADED $(O)/.config > $(O)/.config.new; grep -q ext4 $(LSMOD)
\t@mv $(O)/.config.new $(O)/.config
olddefconfig:
\t@grep -v CONFIG_NOT_HERE $(O)/.config > $(O)/.config.new || true; mv $(O)/.config.new $(O)/.config
$(O)/%.o: %.c
\t@echo "  CC      $*.o"
\t@if grep -q '#error' $<; then echo "$(CURDIR)/$<:1:2: error: #error on purpose" >&2; exit 1; fi
\t@cp $< $@
all: bzImage
\t@echo "  LD [M]  module.ko"
bindeb-pkg:
\t@python3 make_deb.py 7.3.4$(LOCALVERSION) $(ARCH) $(O)/..
bzImage: $(OBJECTS)
\t@mkdir -p $(O)/arch/x86/boot
\t@sed 's/RELEASE/7.3.4$(LOCALVERSION)/' image > /dev/null
\t@python3 make_image.py 7.3.4$(LOCALVERSION) $(O)/arch/x86/boot/bzImage
"""
DEB = """\
import io, os, sys, tarfile
release, arch, folder = sys.argv[1:]
version = os.environ["KDEB_PKGVERSION"]
if "pkg.linux-upstream.nokernelheaders" not in os.environ["DEB_BUILD_PROFILES"]:
    sys.exit("headers were asked for")
arch = {"x86": "amd64"}.get(arch, arch)
def tar(name, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("./" + name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()
fields = f"Package: linux-image-{release}\\nVersion: {version}\\nArchitecture: {arch}\\n"
made = b"!<arch>\\n"
members = {"debian-binary": b"2.0\\n", "control.tar.gz": tar("control", fields.encode()),
           "data.tar.gz": tar(f"boot/vmlinuz-{release}", b"image")}
for name, data in members.items():
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\\n".encode()
    made += head + data + b"\\n" * (len(data) % 2)
open(f"{folder}/linux-image-{release}_{version}_{arch}.deb", "wb").write(made)
"""
MERGE = """\
#!/bin/sh
# merge_config.sh -m -O DIR BASE FRAGMENT
cat "$5" >> "$4"
"""


def tree(folder: Path) -> Path:
    """A tree of three source files."""
    (folder / "scripts/kconfig").mkdir(parents=True)
    (folder / "mm").mkdir()
    (folder / "Makefile").write_text(MAKEFILE)
    (folder / "Kconfig").write_text("")
    (folder / "image").write_text("RELEASE\n")
    (folder / "head.bin").write_bytes(bzimage("RELEASE-PLACEHOLDER-THAT-IS-LONG-ENOUGH-FOR-ALL"))
    (folder / "make_image.py").write_text(
        "import sys\n"
        "data = open('head.bin', 'rb').read()\n"
        "old = b'RELEASE-PLACEHOLDER-THAT-IS-LONG-ENOUGH-FOR-ALL (builder@example) #1 SMP'\n"
        "new = sys.argv[1].encode() + b' (x) #1'\n"
        "open(sys.argv[2], 'wb').write(data.replace(old, new.ljust(len(old), b'\\0')))\n"
    )
    (folder / "make_deb.py").write_text(DEB)
    merge = folder / "scripts/kconfig/merge_config.sh"
    merge.write_text(MERGE)
    merge.chmod(0o755)
    for name in ("one.c", "two.c"):
        (folder / name).write_text(f"int {name[:3]};\nint more;\n")
    (folder / "mm/three.h").write_text("/* three */\n")
    for path in folder.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return folder


def diff(name: str, old: str, new: str) -> str:
    """A unified diff of a file of one line each way."""
    return f"--- a/{name}\n+++ b/{name}\n@@ -1,2 +1,2 @@\n-{old}\n+{new}\n int more;\n"


def mail(subject: str, body: str, number: int = 0) -> str:
    """A mail as format-patch writes it."""
    return (
        f"From {'0' * 39}{number} Mon Sep 17 00:00:00 2001\n"
        f"From: A <a@example.org>\nDate: Tue, 24 Nov 2026 10:00:0{number} +0000\nSubject: {subject}\n\n"
        f"Why.\n---\n{body}-- \n2.39\n\n"
    )
