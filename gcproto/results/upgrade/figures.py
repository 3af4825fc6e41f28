"""Figures and collections of version 1, which were dictionaries by name and unit."""

import re
from collections.abc import Mapping

from gcproto.results.schema import PhaseTimes
from gcproto.results.upgrade.scenario import Raw

PHASES = PhaseTimes.__struct_fields__
PAUSE = re.compile(r"pause (?P<name>.+?) (?P<most>max )?ms")
MMU = re.compile(r"mmu (?P<window>\d+) ms(?P<least> min)?")
CHOSEN_NOTE = re.compile(r"chosen by (?P<why>.*)", re.S)
STALL = re.compile(r"longest stall [\d.]+ ms: (?P<cause>.*) \(mutator (?P<mutator>\d+)\)")
VERIFIED = re.compile(r"(?P<count>\d+) collections verified")
PART_CAUSES = {
    "one page": "part_one",
    "not congruent": "part_skewed",
    "at the edge of a run": "part_edge",
    "after EBUSY": "part_busy",
}


class _Taken:
    """A dictionary of figures that is taken apart; figures that no field takes remain."""

    def __init__(self, figures: Mapping[str, float]) -> None:
        self.left = dict(figures)

    def __call__(self, name: str) -> float | None:
        return self.left.pop(name, None)

    def named(self, pairs: Mapping[str, str]) -> Raw:
        """New names of those that are there."""
        found = {new: self(old) for new, old in pairs.items()}
        return {name: value for name, value in found.items() if value is not None}

    def made(self, what: str, heaps: int = 1) -> Raw | None:
        """Pages put into large folios again, of a heap.

        Args:
            what: restored or renewed.
            heaps: that the count is of: 1, or all of a workload's rounds (version 1 had their sum).

        """
        pages, each = self(f"{what} pages"), self(f"{what} ns/page")
        return None if pages is None or each is None else {"pages": pages / max(1, heaps), "ns_page": each}


def figures(old: Raw, kind: str) -> Raw:
    """Of a measurement.

    Args:
        old: the measurement.
        kind: of its scenario.

    """
    taken = _Taken(old.get("figures", {}))
    found = {"path": _path, "workload": _workload, "policy": _policy, "window": _window}[kind](old, taken)
    return {"kind": kind, **found, "extras": taken.left}


def _path(old: Raw, taken: _Taken) -> Raw:
    return {"split_part": old.get("split_part"), "swapin_part": taken(f"swap-in {old['unit']}")}


def _window(old: Raw, taken: _Taken) -> Raw:
    latency = old.get("latency", {})
    return {
        **taken.named(
            {
                "collector_ns_page": "collector ns/page",
                "faults": "faults",
                "pages_by_faults": "pages mapped by faults",
                "uncounted": "uncounted",
                "pages_an_ioctl": "pages per collector ioctl",
            }
        ),
        "access": latency.get("access"),
        "fault": latency.get("fault"),
    }


def _collections(old: Raw) -> list[list[Raw]]:
    return [[_collection(one) for one in some] for some in old.get("collections", [])]


def _collection(old: Raw) -> Raw:
    folios = dict(old.get("folios", {}))
    kept = {"swapped": folios.pop("swapped", 0), "zero": folios.pop("zero", 0), "by_order": folios}
    return {**old, "folios": kept}


def _policy(old: Raw, taken: _Taken) -> Raw:
    names = {
        "map_ns_page": "map ns/page",
        "split_ns_page": "split ns/page",
        "dense_share": "dense share",
        "could_go_whole": "could go whole",
        "went_whole": "went whole",
        "swapped_before": "swapped before",
        "swapped_after": "swapped after",
        "ebusy": "EBUSY",
        "fallback": "fallback",
        "folios_split": "folios split",
        "second_thread_sweeps": "second thread sweeps",
    }
    return {
        **taken.named(names),
        "restored": taken.made("restored"),
        "renewed": taken.made("renewed"),
        "choice": _chosen(old.get("notes", [])),
        "choices": [_choice(one) for one in old.get("choices", [])],
        "collections": _collections(old),
    }


def _chosen(notes: list[str]) -> str:
    return next((found["why"] for note in notes if (found := CHOSEN_NOTE.fullmatch(note))), "")


def _choice(old: Mapping[str, str]) -> Raw:
    found: Raw = {"granule": int(old.get("granule", "1"))}
    if "large folios" in old:
        yes = {name: old.get(word) == "yes" for name, word in (("split_ahead", "split ahead"), ("renew", "renewed"))}
        found |= {"large_by": old["large folios"], "whole": int(old.get("moved whole", "0")), **yes}
        found["restore"] = old.get("restored") == "yes"
    return found


def _workload(old: Raw, taken: _Taken) -> Raw:
    latency, histograms = old.get("latency", {}), old.get("histograms", {})
    most, medians = _pauses(taken)
    notes = old.get("notes", [])
    names = {
        "collections_a_round": "collections",
        "wall_ms": "wall ms",
        "mutator_cpu_ms": "mutator cpu ms",
        "collector_cpu_ms": "collector cpu ms",
        "lbo_wall": "lbo wall",
        "lbo_cpu": "lbo cpu",
        "faults": "faults",
        "compact_ns_page": "compact ns/page",
        "map_ns_page": "map ns/page",
        "pages_an_ioctl": "pages per collector ioctl",
        "copied_mib": "copied MiB",
        "fallback_share": "fallback share",
        "marked_mobjects_s": "marked Mobjects/s",
        "resident_max_mib": "resident max MiB",
    }
    return {
        **taken.named(names),
        "folios": _folios(taken, len(old.get("samples", []))),
        "phases": {name: value for name in PHASES if (value := taken(f"{name} ms")) is not None},
        "pauses": [
            {"name": name, "median_ms": medians[name], "max_ms": most.get(name, medians[name])} for name in medians
        ],
        "mmu": _mmu(taken),
        "stall": _stall(taken, notes),
        "resident": old.get("series", {}).get("resident MiB", []),
        **{name: latency.get(name) for name in ("fault", "pause", "wait")},
        "histograms": {name: text for name, text in histograms.items() if name in {"fault", "pause", "wait", "runs"}},
        "verified": next((int(found["count"]) for note in notes if (found := VERIFIED.fullmatch(note))), 0),
        "choice": _chosen(notes),
        "collections": _collections(old),
    }


def _pauses(taken: _Taken) -> tuple[dict[str, float], dict[str, float]]:
    """Longest and median, by name."""
    most: dict[str, float] = {}
    medians: dict[str, float] = {}
    for key in list(taken.left):
        found = PAUSE.fullmatch(key)
        if found:
            (most if found["most"] else medians)[found["name"]] = taken.left.pop(key)
    return most, medians


def _mmu(taken: _Taken) -> list[Raw]:
    medians: dict[int, float] = {}
    least: dict[int, float] = {}
    for key in list(taken.left):
        found = MMU.fullmatch(key)
        if found:
            (least if found["least"] else medians)[int(found["window"])] = taken.left.pop(key)
    return [{"window_ms": one, "median": medians[one], "least": least.get(one, medians[one])} for one in medians]


def _stall(taken: _Taken, notes: list[str]) -> Raw:
    longest = taken("stall max ms")
    said = next((found for note in notes if (found := STALL.fullmatch(note))), None)
    stall: Raw = {"ns": round(longest * 1e6)} if longest else {}
    return stall | {"cause": said["cause"], "mutator": int(said["mutator"])} if stall and said else stall


def _folios(taken: _Taken, rounds: int) -> Raw | None:
    """Figures of folios.

    Args:
        taken: figures of version 1.
        rounds: that are valid: a heap each.

    """
    could = taken("could go whole")
    if could is None:
        return None
    parts: dict[str, Raw] = {"collector": {}, "faults": {}}
    for who, counts in parts.items():
        for cause, name in PART_CAUSES.items():
            count = taken(f"{who}: {cause} pages")
            if count is None:
                count = taken(f"{who}: {name} pages")
            if count is not None:
                counts[name] = int(count)
    return {
        "could_go_whole": could,
        "went_whole": taken("went whole") or 0.0,
        "folios_split": taken("folios split") or 0.0,
        "evacuation_ms": taken("evacuation ms") or 0.0,
        "large_share_at_end": taken("large share at the end") or 0.0,
        "restored": taken.made("restored", rounds),
        "renewed": taken.made("renewed", rounds),
        "collector_parts": parts["collector"],
        "fault_parts": parts["faults"],
    }


def other_notes(old: Raw, kind: str) -> list[str]:
    """Notes that are not figures now.

    Args:
        old: the measurement.
        kind: of its scenario.

    """
    gone = {
        "workload": (CHOSEN_NOTE, VERIFIED, *([STALL] if "stall max ms" in old.get("figures", {}) else [])),
        "policy": (CHOSEN_NOTE,),
    }.get(kind, ())
    return [note for note in old.get("notes", []) if not any(one.fullmatch(note) for one in gone)]
