"""The output of a guest: the lines of its results' port, sorted into measurements, skips, verdicts and facts."""

import re
from typing import Any

import msgspec

from gcproto.errors import ExitCode
from gcproto.kernels.guest.script import HOST, Script
from gcproto.results.schema import ContractRow, Measurement, Result, Skip, Verdict, Word

KTAP_LINE = re.compile(r"(?P<ok>ok|not ok) \d+ (?P<name>\S+) # (?P<text>.*)")
KTAP_SEEN = re.compile(r"# (?P<name>\S+): (?P<text>.*)")
WORDS: dict[str, Word] = {"SKIP": "unavailable", "TIMEOUT": "hang", "ERROR": "differs"}
"""Directives of KTAP (native/contract/ktap.c)."""


class Ended(msgspec.Struct, frozen=True):
    """How a job ended: ``exit``, ``signal``, ``killed`` (by its watchdog) or ``unable``; the code; ns in the guest."""

    how: str
    code: int
    ns: int


class Transcript(msgspec.Struct):
    """The sorted output.

    Attributes:
        info: of ``gcprobe info``.
        files: contents by path.
        measurements, skips, verdicts: in the order in which they came.
        marked: of each measurement, the numbers that its samples' rounds were marked with (native/base/mark.h).
        results: whole results of other producers that ran in the guest.
        begun: jobs that began;  ended: how, by name;  rows: rows of the contract that each job reported, by name.
        notes: failures of the guest's init.
        garbled: all other lines.

    """

    info: dict[str, Any] = {}
    files: dict[str, str] = {}
    measurements: list[Measurement] = []
    marked: list[list[int]] = []
    skips: list[Skip] = []
    verdicts: list[Verdict] = []
    results: list[Result] = []
    begun: list[str] = []
    ended: dict[str, Ended] = {}
    rows: dict[str, int] = {}
    notes: list[str] = []
    garbled: list[str] = []

    @property
    def unread(self) -> list[str]:
        """Documents among the garbled lines: results that are damaged, or that the guest's end cut off."""
        return [line for line in self.garbled if line.startswith("{")]


def read(lines: list[str]) -> Transcript:
    """Sort lines; a line that was cut off by the guest's end is kept as garbled."""
    found = Transcript()
    seen: dict[str, str] = {}
    for line in lines:
        if line.startswith("{"):
            _read_json(line, found)
        elif matched := KTAP_LINE.fullmatch(line):
            found.verdicts.append(_row(matched, seen))
            job = found.begun[-1] if found.begun else ""  # one runs at a time
            found.rows[job] = found.rows.get(job, 0) + 1
        elif matched := KTAP_SEEN.fullmatch(line):
            seen.setdefault(matched["name"], matched["text"])
        elif line and not line.startswith(("KTAP version", "1..")):
            found.garbled.append(line)
    return found


def _read_json(line: str, ret: Transcript) -> None:
    try:
        document = msgspec.json.decode(line)
        if "run_id" in document:
            ret.results.append(msgspec.convert(document, Result, str_keys=True))
        elif "scenario" in document:
            ret.measurements.append(msgspec.convert(document, Measurement, str_keys=True))
            ret.marked.append(msgspec.convert(document.get("marked", []), list[int]))
        elif "skip" in document:
            ret.skips.append(msgspec.convert(document["skip"], Skip))
        elif "verdict" in document:
            ret.verdicts.append(msgspec.convert(document["verdict"], Verdict))
        elif "begin" in document:
            pass  # of a hazard; its job reports the same
        elif "info" in document:
            ret.info = document["info"]
        elif "guest" in document:
            _read_guest(document["guest"], ret)
        else:
            ret.garbled.append(line)
    except (msgspec.DecodeError, msgspec.ValidationError, AttributeError, KeyError, TypeError, ValueError):
        ret.garbled.append(line)


def _read_guest(said: dict[str, str], ret: Transcript) -> None:
    for key, text in said.items():
        if key == "begin":
            ret.begun.append(text)
        elif key == "end":
            name, how, code, ns = text.split()
            ret.ended[name] = Ended(how, int(code), int(ns))
        elif key == "note":
            ret.notes.append(text)
        elif key == "file":
            path, _, content = text.partition("=")
            ret.files[path] = content


def _row(matched: "re.Match[str]", seen: dict[str, str]) -> Verdict:
    """A row of the contract; its observation precedes its line."""
    row, text = ContractRow(matched["name"]), matched["text"]
    first, _, rest = text.partition(" ")
    told = seen.pop(row.name, None)
    if first in WORDS:
        return Verdict(row, WORDS[first], told or rest)
    return Verdict(row, "fine" if matched["ok"] == "ok" else "differs", told or text)


def unfinished(script: Script, found: Transcript, why: str) -> list[Skip]:
    """Jobs that did not end as they should, as skips with the reason.

    Args:
        script: script of the guest.
        found: output of the guest.
        why: the guest's outcome, "" if it got to its end.

    """
    skips = []
    for job in script.jobs:
        end = found.ended.get(job.name)
        if end is None:
            reason = f"under way when the guest ended: {why}" if job.name in found.begun else f"never reached: {why}"
            skips.append(Skip(f"job {job.name}", reason))
        elif end.how != "exit":
            reason = "it hung and was killed" if end.how == "killed" else f"it ended by {end.how} {end.code}"
            skips.append(Skip(f"job {job.name}", reason))
        elif end.code not in {0, 1, 3}:
            skips.append(Skip(f"job {job.name}", f"it ended with exit code {end.code}"))
        elif end.code == ExitCode.UNABLE and job.mode == HOST:  # gcprobe's jobs say themselves what is
            reason = f"unavailable (exit code {end.code}): the guest's console says what"
            skips.append(Skip(f"job {job.name}", reason))
    return skips
