"""Patches in their usual forms: a file, a mailbox, a folder with a series.

They are applied by patch(1), without fuzz, like git am, to copies of the files that they touch. A patch that does not
apply changes nothing.
"""

import email
import email.policy
import hashlib
import mailbox
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import msgspec
from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from gcproto.errors import ExitCode, GcprotoError
from gcproto.process import tools
from gcproto.process.files import read_regular

SUFFIXES = (".patch", ".diff", ".mbox", ".eml")
NOTHING = "/dev/null"
MOST_BYTES = 64 << 20
"""Of a patch or mailbox."""


class Patch(msgspec.Struct, frozen=True):
    """A change of files.

    Attributes:
        name: for messages: the file, or the subject of the mail.
        text: the diff, with the text around it.

    """

    name: str
    text: bytes

    @property
    def sha256(self) -> str:
        """Of the text."""
        return hashlib.sha256(self.text).hexdigest()

    @property
    def touched(self) -> list[str]:
        """Paths that it reads or writes, relative to the top of the tree.

        Raises:
            GcprotoError: a hunk is shorter or longer than its head says.

        """
        try:
            files = PatchSet(self.text.decode(errors="replace"))
        except UnidiffParseError as error:
            raise GcprotoError(
                f"{self.name} is a diff that can't be read",
                why=str(error),
                remedy="it was cut, or a mail program broke its lines; take it from the archive",
                code=ExitCode.USAGE,
            ) from error
        sides = [side for file in files for side in (file.source_file, file.target_file)]
        below = (side.split("/", 1)[-1] for side in sides if side and side != NOTHING)
        return list(dict.fromkeys(below))


def collect(paths: Iterable[Path]) -> list[Patch]:
    """Patches of files, mailboxes and folders, in their order.

    A folder has a file ``series`` (quilt), or its patches are taken by name.  Mails without a diff (a cover letter) are
    skipped.

    Raises:
        GcprotoError: one can't be read, or there is no patch in it.

    """
    found: list[Patch] = []
    for path in paths:
        new = [patch for file in (_in_folder(path) if path.is_dir() else [path]) for patch in _of_file(file)]
        if not new:
            raise GcprotoError(
                f"there is no patch in {path}",
                why="it has no diff (--- a/file, +++ b/file)",
                remedy="give a unified diff, a mail or mailbox with one, or a folder of them",
                code=ExitCode.USAGE,
            )
        found += new
    return found


def _in_folder(folder: Path) -> list[Path]:
    series = folder / "series"
    if series.exists():
        text = read_regular(series, MOST_BYTES).decode(errors="replace")
        names = [line.split("#")[0].split() for line in text.splitlines()]
        return [folder / words[0] for words in names if words]
    return sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES)


def _of_file(file: Path) -> list[Patch]:
    try:
        data = read_regular(file, MOST_BYTES)
    except OSError as error:
        raise GcprotoError(f"{file} can't be read", why=str(error.strerror), code=ExitCode.USAGE) from error
    if data.startswith(b"From ") and len(re.findall(rb"^From \S+ .*\d\d:\d\d:\d\d", data, re.M)) > 1:
        box = mailbox.mbox(str(file), create=False)
        mails = [box.get_bytes(key) for key in box.keys()]  # noqa: SIM118 - a mailbox iterates over mails, not keys
    else:
        mails = [data]
    patches = [_of_mail(mail, file.name) for mail in mails]
    return [patch for patch in _in_order(patches) if patch.touched]


def _of_mail(data: bytes, name: str) -> Patch:
    """The decoded text of a mail; a bare diff unchanged."""
    if not re.match(rb"(From |[A-Z][A-Za-z-]*: )", data):
        return Patch(name, data)
    message = email.message_from_bytes(data, policy=email.policy.default)
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    text = b"\n".join(bytes(part.get_payload(decode=True) or b"") for part in parts)
    if b"\r\n" in text:
        text = text.replace(b"\r\n", b"\n")
    subject = " ".join(str(message["subject"] or name).split())
    return Patch(subject, text)


def _in_order(patches: Sequence[Patch]) -> list[Patch]:
    """Mails of a series by their numbers ([PATCH v2 3/7]); a mailbox may hold them as they arrived."""

    def number(patch: Patch) -> int:
        matched = re.search(r"\[[^]]*?(\d+)/\d+\]", patch.name)
        return int(matched[1]) if matched else 0

    return sorted(patches, key=number)


def apply(patches: Sequence[Patch], root: Path) -> dict[str, bytes | None]:
    """The result of the patches on a tree.

    Args:
        patches: in their order.
        root: the tree; it is only read.

    Returns:
        New contents by path; None for a file that is deleted.

    Raises:
        GcprotoError: one does not apply: ``why`` has the message of patch(1).

    """
    names = [name for patch in patches for name in patch.touched]
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise GcprotoError(f"a patch changes {name}, which is outside of the tree", code=ExitCode.USAGE)
    with tempfile.TemporaryDirectory(prefix="gcproto-patches-") as scratch:
        folder = Path(scratch)
        for name in names:
            if (root / name).is_file() and not (folder / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, folder / name)
        for patch in patches:
            _apply(patch, folder)
        made: dict[str, bytes | None] = {}
        for name in dict.fromkeys(names):
            there = folder / name
            if there.is_file():
                made[name] = there.read_bytes()
            elif (root / name).exists():
                made[name] = None
        return made


def _apply(patch: Patch, folder: Path) -> None:
    command = ["patch", "-p1", "-d", str(folder), "--batch", "--forward", "--fuzz=0", "--no-backup-if-mismatch"]
    command += ["--remove-empty-files", "--reject-file=-"]
    done = tools.run(command, stdin=patch.text)
    if done.code:
        said = done.out + done.err
        # patch(1) prints the rejected hunks after its messages.
        telling = re.compile(r"(patching file|Hunk|can't find|patch:|\d+ out of)")
        lines = [line for line in said.splitlines() if telling.match(line)]
        raise GcprotoError(
            f"{patch.name} does not apply",
            why="; ".join(lines) or said.strip()[-500:],
            remedy="rebase it onto this source, or give its source (--source)",
            code=ExitCode.USAGE,
        )
