"""Scenarios and experiments of version 1, which were names and a dictionary of options."""

from collections.abc import Mapping, Sequence
from typing import Any

Raw = dict[str, Any]
"""Part of a new document. Its content is checked when it is read as version 2."""
Document = Mapping[str, Any]
"""The document of version 1, as it was found."""

HEAP, EVACUATE, SYSTEM = "heap-", "evacuate-", "-system"
MAP_BY = {"0": "move", "1": "copy", "2": "remap"}
"""enum gcp_verb (native/uffd/answer.h), which never changes."""
MOVING = frozenset({"art", "move", "thread"})
NUMBERS = frozenset({"fault_pages", "run_pages", "granule", "dense_permille"})
PAGE = 4096
CLAIMS_SWAPPED = 500, "loop"
"""Per mille and device of heaps that ``gcproto claims`` swapped out, which its options did not say."""


def page_size(document: Document) -> int:
    """Of the environment; 4096 where it is missing or no size."""
    found = document.get("environment")
    size = found.get("page_size") if isinstance(found, dict) else None
    return size if isinstance(size, int) and size > 0 else PAGE


def scenario(measurement: Raw, document: Document) -> Raw:
    """The scenario of a measurement.

    Args:
        measurement: of version 1.
        document: that it is from: it has sizes and options.

    Raises:
        KeyError, TypeError, ValueError: it is not such a scenario.

    """
    old: Raw = measurement["scenario"]
    source = str(old["source"])
    if source == "window":
        return _window(old, document)
    if source.startswith(HEAP):
        return _workload(old, document)
    if source.startswith(EVACUATE):
        return _policy(old, document, measurement.get("figures", {}))
    return {"kind": "path", **{name: value for name, value in old.items() if name != "kind"}}


def _options(document: Document) -> Raw:
    producer = document.get("producer")
    found = producer.get("options") if isinstance(producer, dict) else None
    return found if isinstance(found, dict) else {}


def _given(document: Document, option: str) -> str:
    """What followed an option on the command line; "" if it was not given."""
    producer = document.get("producer")
    words: Sequence[object] = producer.get("command", []) if isinstance(producer, dict) else []
    for at, word in enumerate(words):
        if word == option and at + 1 < len(words):
            return str(words[at + 1])
        if isinstance(word, str) and word.startswith(f"{option}="):
            return word.partition("=")[2]
    return ""


def _folios(source: str, order: int, size: int) -> tuple[str, str, int | None]:
    """Workload, memory by name, order."""
    if source.endswith(SYSTEM):
        return source.removesuffix(SYSTEM), "system", None
    bytes_ = size << order
    text = f"{bytes_ >> 20}m" if bytes_ >= 1 << 20 else f"{bytes_ >> 10}k"
    return source, text if order else "small", order


def _window(old: Raw, document: Document) -> Raw:
    mutators = int(old["threads"]) - 1
    environment = document.get("environment", {})
    run, cpu = environment.get("run", {}), environment.get("cpu", {})
    placement = "unplaced"
    if run.get("cpu", -1) >= 0:  # --pin: the collector on the last processor, mutators from the first on
        placement = "own" if mutators < int(cpu.get("allowed") or 1) else "shared"
    return {
        "kind": "window",
        "way": old["arm"],
        "size_bytes": old["granule_bytes"],
        "mutators": mutators,
        "batch": 0,
        "group": 0,
        "placement": placement,
        "replica": old.get("replica", 0),
    }


def _mode(arm: str) -> tuple[str, Raw, str]:
    """``move[fault_pages=4]:auto`` to mode, options, policy."""
    head, bracket, rest = arm.partition("[")
    if bracket:
        inside, _, policy = rest.partition("]")
        policy = policy.removeprefix(":")
    else:
        head, _, policy = head.partition(":")
        inside = ""
    pairs = dict(pair.partition("=")[::2] for pair in inside.split(",") if pair)
    return head, _mode_options(pairs), policy or ("move" if head in MOVING else "")


def _mode_options(pairs: dict[str, str]) -> Raw:
    found: Raw = {}
    whole, recycled = pairs.pop("register_whole", ""), pairs.pop("fresh_by_recycled", "")
    if whole == "False":
        found["fresh"] = "kernel"
    elif recycled or whole:
        found["fresh"] = "zeropage" if recycled == "False" else "recycled"
    for name, text in pairs.items():
        if name in NUMBERS:
            found[name] = int(text)
        elif name in {"fault_by", "ready_by", "early_by"}:
            found[name] = MAP_BY[text]
        elif name == "cut_at_tables":
            found[name] = text == "True"
        else:
            found[name] = text
    return found


def _workload(old: Raw, document: Document) -> Raw:
    size = page_size(document)
    workload, memory, order = _folios(str(old["source"]).removeprefix(HEAP), int(old["order"]), size)
    mode, options, policy = _mode(str(old["arm"]))
    return {
        "kind": "workload",
        "workload": workload,
        "mode": mode,
        "options": options,
        "policy": policy,
        "memory": memory,
        "order": order,
        "heap_bytes": int(old["pages"]) * size,
        "live_bytes": _options(document).get("live", 0),
        "mutators": int(old["threads"]) - 1,
        "replica": old.get("replica", 0),
    }


def _policy(old: Raw, document: Document, figures: Mapping[str, float]) -> Raw:
    size, options = page_size(document), _options(document)
    workload, memory, order = _folios(str(old["source"]).removeprefix(EVACUATE), int(old["order"]), size)
    policy, _, answer = str(old["arm"]).partition(":")
    swapped, device = options.get("swapped", 0), _given(document, "--device") or "zram"
    if "claims" in options and figures.get("swapped before"):
        swapped, device = CLAIMS_SWAPPED
    return {
        "kind": "policy",
        "workload": workload,
        "memory": memory,
        "order": order,
        "policy": policy,
        "ebusy": answer or "copy",
        "swapped_permille": swapped,
        "device": device if swapped else "",
        "threads": old["threads"],
        "collections": options.get("collections", 1),
        "live_bytes": int(old["pages"]) * size,
    }


def experiment(document: Document) -> Raw:
    """What the run was, by its producer and its options."""
    producer, options = document["producer"], _options(document)
    name = producer["name"]
    if name == "paths":
        slowdown = options.get("test_slowdown") or {}
        return {"kind": "paths", "quick": bool(options.get("quick")), "swap": bool(options.get("swap"))} | {
            "slowdown": slowdown
        }
    if name == "claims":
        return {"kind": "claims", "keys": options.get("claims", [])}
    if name == "kernels":
        known = {"set": "paths", "rounds": 0, "pages": 0, "icount": True, "cpus": 0, "memory_mib": 0, "cpu": ""}
        return {"kind": "kernels"} | {key: options.get(key, value) for key, value in known.items()}
    if name != "collector":
        raise ValueError(f"there is no producer {name!r}")
    if options.get("window"):
        return {"kind": "window"}
    if options.get("policies"):
        return {"kind": "policies", "verify": bool(options.get("verify"))}
    return {
        "kind": "workloads",
        "workload": options.get("workload", ""),
        "operations": options.get("operations", 0),
        "mutation": options.get("mutation", 0),
        "fragmentation": options.get("fragmentation", 0),
        "verify": bool(options.get("verify")),
        "disturb": options.get("disturb", ""),
        "map": "--map" in producer.get("command", []),
    }
