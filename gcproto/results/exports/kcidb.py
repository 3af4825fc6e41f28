"""Results of guests as a document for KernelCI's database (KCIDB, I/O schema 5.3).

A measurement is a test with a number and the status DONE; an invalid one is an ERROR, a skip is a SKIP.  A verdict is
PASS or FAIL. A guest that did not reach its end is a test that FAILs, with the end of its console.
"""

import re
from collections.abc import Iterable
from typing import Any

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results import names
from gcproto.results.baseline import done_share
from gcproto.results.configurations import build_of
from gcproto.results.facts import ARCHITECTURES, compiler_of, release_of
from gcproto.results.schema import Measurement, Result, Scenario, Subject, Word
from gcproto.results.statistics import midmean

MAX_EXCERPT = 16_000
STATUS: dict[Word, str] = {
    "fine": "PASS",
    "ebusy": "PASS",
    "differs": "FAIL",
    "hang": "FAIL",
    "panic": "FAIL",
    "corruption": "FAIL",
    "unavailable": "SKIP",
}


def document(results: Iterable[Result], origin: str) -> dict[str, Any]:
    """A document of schema 5.3, validated.

    Args:
        results: of guests.
        origin: of the sender, as KernelCI knows it: lower-case letters, digits, underscores.

    Raises:
        GcprotoError: kcidb-io is not installed, or the origin is invalid.

    """
    if not re.fullmatch(r"[a-z0-9_]+", origin):
        raise GcprotoError(
            f"{origin!r} can't be an origin", why="it has lower-case letters, digits, underscores", code=ExitCode.USAGE
        )
    try:
        import kcidb_io
    except ImportError as error:
        raise GcprotoError("the export needs the package kcidb-io", remedy="pip install 'gcproto[kcidb]'") from error
    checkouts: list[dict[str, object]] = []
    builds: list[dict[str, object]] = []
    tests: list[dict[str, object]] = []
    known: set[str] = set()
    for result in results:
        build = f"{origin}:{_word(release_of(result))}"
        if build not in known:
            known.add(build)
            checkouts.append(_checkout(build, origin, result))
            builds.append(_build(build, origin, result))
        tests += _tests(build, origin, result)
    made: dict[str, object] = {
        "version": {"major": 5, "minor": 3},
        "checkouts": checkouts,
        "builds": builds,
        "tests": tests,
    }
    kcidb_io.schema.V5_3.validate_exactly(made)
    return made


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.+-]", "_", text)


def _checkout(build: str, origin: str, result: Result) -> dict[str, object]:
    version = re.match(r"\d+(\.\d+)*", release_of(result))
    return {
        "id": build,
        "origin": origin,
        "comment": f"Linux {release_of(result)}, as packed or built; its commit is not known here",
        **({"git_commit_name": f"v{version[0]}"} if version else {}),
        "valid": True,
    }


def _build(build: str, origin: str, result: Result) -> dict[str, object]:
    return {
        "id": build,
        "checkout_id": build,
        "origin": origin,
        "architecture": _architecture(str(result.environment.get("arch") or "x86_64")),
        "comment": str(result.environment.get("kernel", {}).get("version", ""))[:500],
        **_configured(result),
        "status": "PASS",
    }


def _configured(result: Result) -> dict[str, object]:
    """What KernelCI calls a build's compiler and configuration, as far as they are known."""
    found = result.guest.configuration if result.guest else None
    fields: dict[str, object] = {"compiler": compiler_of(result), "config_name": found.name if found else ""}
    known = {name: text for name, text in fields.items() if text}
    return known | {"misc": {"built": build_of(result)}} if build_of(result) else known


def _architecture(machine: str) -> str:
    """As KernelCI names it: ``arm64``, ``x86_64``."""
    return re.sub(r"[^a-z0-9_]", "_", ARCHITECTURES.get(machine, machine).lower())


def _tests(build: str, origin: str, result: Result) -> list[dict[str, object]]:
    assert result.guest
    common = {
        "build_id": build,
        "origin": origin,
        "environment": {
            "comment": f"guest: {result.environment.get('cpu', {}).get('model', 'unknown')}; "
            f"host: {result.guest.host.get('cpu', 'unknown')}",
            "misc": {"host": result.guest.host, "boot": result.guest.boot, "benchmark": result.producer.benchmark},
        },
        "start_time": result.producer.started,
    }

    def test(place: int, path: str, status: str, **more: object) -> dict[str, object]:
        return {**common, "id": f"{origin}:{result.run_id}.{place}", "path": path, "status": status, **more}

    found: list[dict[str, object]] = []
    ended = result.guest.outcome == "done"
    excerpt = "\n".join(result.guest.console)[-MAX_EXCERPT:].replace("\0", "")
    more = {"duration": result.guest.seconds, "comment": result.guest.why or "the guest got to its end"}
    found.append(test(0, "gcproto.guest", "PASS" if ended else "FAIL", log_excerpt=excerpt, **more))
    for one in result.measurements:
        found.append(test(len(found), path_of(one.scenario), _status(one), **_number(one)))
    for skip in result.skips:
        found.append(
            test(len(found), f"gcproto.skip.{_node(skip.what.lower())}", "SKIP", comment=skip.reason.replace("\0", ""))
        )
    for verdict in result.verdicts:
        comment = f"{verdict.verdict}: {verdict.text}".replace("\0", "")
        path, status = subject_path(verdict.subject), STATUS[verdict.verdict]
        found.append(test(len(found), path, status, comment=comment, duration=verdict.seconds))
    return found


def _node(text: str) -> str:
    """A node of a path: the text between two dots."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "unnamed"


def path_of(one: Scenario) -> str:
    """``gcproto.paths.mthp_16.move.2M``: the measurement and its special fields."""
    return _path(names.nodes(one))


def subject_path(one: Subject) -> str:
    """``gcproto.hazard.ksm``."""
    return _path(names.subject_nodes(one))


def _path(nodes: Iterable[str]) -> str:
    return ".".join(("gcproto", *map(_node, nodes)))


def _status(one: Measurement) -> str:
    return "DONE" if one.valid and one.median is not None else "ERROR"


def _number(one: Measurement) -> dict[str, object]:
    if not one.valid or one.median is None:
        reason = one.invalid_rounds[0].reason if one.invalid_rounds else "too few valid rounds"
        return {"comment": reason.replace("\0", "")}
    misc: dict[str, object] = {
        "path": one.proof.path,
        "folios_split": one.proof.folios_split,
        "folios": one.proof.folios,
        "done_share": done_share(one),  # 0: all pages were refused, and the number is the cost of the refusals
    }
    if one.modes:
        misc["modes"] = [{"median": mode.median, "share": mode.share} for mode in one.modes]
    return {"number": {"value": midmean(one.samples), "unit": one.unit}, "misc": misc}
