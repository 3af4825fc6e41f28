"""A whole document of version 1."""

import msgspec

from gcproto.results.modality import fill
from gcproto.results.schema import SCHEMA, Result
from gcproto.results.upgrade.figures import figures, other_notes
from gcproto.results.upgrade.scenario import Raw, experiment, scenario

ABSURD_NS_PAGE = 1e9
"""A second per page: the start of such a window was read after its end (version 1 subtracted unsigned)."""
LATE = "measured by version 1, which read the window's start late: too short by the time to schedule the collector"
MAX_INVALID_SHARE = 0.1
"""The rule of version 1: a measurement with a larger share of invalid rounds must not be quoted."""
WRAPPED = "its start was read after its end: version 1 read that clock too late"


def upgraded(document: Raw) -> Result:
    """The same in version 2.

    Args:
        document: JSON of version 1, decoded.

    Raises:
        msgspec.ValidationError: it is not such a document.

    """
    try:
        new = _document(document)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, msgspec.ValidationError):
            raise
        what = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise msgspec.ValidationError(what) from error
    result = msgspec.convert(new, Result, str_keys=True)
    fill(result.measurements)
    if any(bad.reason == WRAPPED for one in result.measurements for bad in one.invalid_rounds):
        # Ratios to windows that wrapped, and the noise of their pairs, mean nothing: all are made again.
        from gcproto.results.statistics import noise_of, summarise

        summarise(result.measurements)
        result.noise = noise_of(result.measurements)
    return result


def _document(old: Raw) -> Raw:
    producer = {name: value for name, value in old["producer"].items() if name not in {"name", "options"}}
    verdicts = [one for one in old.get("verdicts", []) if not one["name"].startswith("claim/")]
    claims = [one for one in old.get("verdicts", []) if one["name"].startswith("claim/")]
    return {
        **old,
        "schema": SCHEMA,
        "experiment": experiment(old),
        "producer": producer,
        "measurements": [_measurement(one, old) for one in old["measurements"]],
        "verdicts": [_verdict(one) for one in verdicts],
        "claims": [_claim(one) for one in claims],
    }


def _measurement(old: Raw, document: Raw) -> Raw:
    asked = scenario(old, document)
    new = {**old, "scenario": asked, "figures": figures(old, asked["kind"])}
    new["notes"] = other_notes(old, asked["kind"])
    _spread_order_after(new)
    if asked["kind"] == "window":
        _mend_window(new)
    return new


def _spread_order_after(ret: Raw) -> None:
    """Version 1 counted swapped pages and zero pages beside the orders of folios: they go to the extras."""
    after = ret["proof"].get("order_after", {})
    others = {name: count for name, count in after.items() if not name.isdecimal()}
    ret["proof"] = {**ret["proof"], "order_after": {name: after[name] for name in after if name not in others}}
    ret["figures"]["extras"] |= {f"{name} pages afterwards": count for name, count in others.items()}


def _mend_window(ret: Raw) -> None:
    """Add notes to windows of version 1, and remove those that wrapped."""
    ret["notes"] = [*ret["notes"], LATE]
    ret["warmup"] = [sample for sample in ret["warmup"] if sample < ABSURD_NS_PAGE]
    pairs = list(zip(ret["samples"], ret["rounds"], strict=True))
    wrapped = [number for sample, number in pairs if sample >= ABSURD_NS_PAGE]
    if not wrapped:
        return
    kept = [(sample, number) for sample, number in pairs if sample < ABSURD_NS_PAGE]
    ret["samples"], ret["rounds"] = [one for one, _ in kept], [number for _, number in kept]
    bad = [{"round": number, "sample": 0.0, "reason": WRAPPED} for number in wrapped]
    ret["invalid_rounds"] = [*ret["invalid_rounds"], *bad]
    total = len(kept) + len(ret["invalid_rounds"])
    ret["valid"] = ret["valid"] and bool(kept) and len(ret["invalid_rounds"]) <= MAX_INVALID_SHARE * total


def _verdict(old: Raw) -> Raw:
    """Named ``contract/ROW``, ``hazard/NAME``, ``stress/SEED``; a job that took the guest down, or the console."""
    kind, _, name = old["name"].partition("/")
    if kind == "stress":
        subject: Raw = {"kind": "hazard", "name": "stress"} | ({"seed": int(name)} if name else {})
    elif kind in {"contract", "hazard"} and name:
        subject = {"kind": kind, "name": name}
    elif old["name"] == "console":
        subject = {"kind": "console"}
    else:  # a job that took the guest down
        subject = {"kind": "hazard", "name": old["name"]}
    return {**old, "subject": subject}


def _claim(old: Raw) -> Raw:
    """Lines of the text: the claim, why it can't be tested, figures, the command."""
    lines = old["text"].split("\n")
    alone = "alone: "
    command = lines.pop().removeprefix(alone) if lines[-1].startswith(alone) else ""
    said = lines[1:]
    untestable = old["verdict"] == "not testable here"
    return {
        "key": old["name"].removeprefix("claim/"),
        "claim": lines[0],
        "judgement": old["verdict"],
        "why": said[0] if untestable and said else "",
        "figures": "\n".join(said[1:] if untestable else said),
        "command": command,
    }
