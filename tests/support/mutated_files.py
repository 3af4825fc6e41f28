"""Result files of all kinds, damaged in every way that a disk, a newer program or an enemy has."""

import json
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from gcproto.results.schema import (
    ClaimExperiment,
    ClaimVerdict,
    Console,
    ContractRow,
    Hazard,
    PolicyChoice,
    PolicyExperiment,
    PolicyFigures,
    PolicyScenario,
    Result,
    Skip,
    Verdict,
    with_fields,
)
from gcproto.results.store import save
from tests.support.heap_results import collection, heap_result, window_result
from tests.support.kernel_results import STOCK, guest_result
from tests.support.path_results import paths_result
from tests.support.result_maker import measurement, result

DATA = Path(__file__).parents[1] / "data"
Where = tuple[str | int, ...]
ESCAPES = "\x1b[31mred\x1b]0;title\x07\x9b2J\r\b"
TEXTS = (
    *("", " ", "\n\n\n", ESCAPES, "\u202eright to left\u2066", "\ud800", "\0", "x" * 200, "y" * 100_000, "-", "é" * 90),
    *(
        "[/bold]",
        "[red]",
        "[link=http://x]y",
        "\\[",
        "{}",
        "{0}",
        "%s%n",
        "<script>alert(1)</script>",
        "{{ 7 * 7 }}",
        "`a`",
    ),
    *("../../../etc/passwd", "/", "nan", "6.18", "7.3.4+deb13-cloud-amd64", "move", "copy", "unknown", "1e308", "=1+1"),
)
NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 3, 7, 30, 64, 4095, 4096, 1 << 31, 1 << 53, (1 << 63) - 1, 1 << 63, -(1 << 63), 1 << 64, 10**400),
    *(0.0, -0.0, 0.5, 1.0, -0.5, 1e-9, 1e-300, 5e-324, 1e9, 1e18, 1e20, 1e21, 1e300, 1e308, -1e308),
    *(float("nan"), float("inf"), float("-inf")),
)
MOST = 1 << 20
"""Characters that a list grows to."""
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [None], [[]], {"": None}, {"kind": "path"}, [1, 2], ["x"])


class Source(NamedTuple):
    """A valid file: its text, and its fields by their shape (indices omitted), so that each kind is as likely."""

    name: str
    text: str
    shapes: tuple[tuple[Where, ...], ...]


@cache
def sources() -> tuple[Source, ...]:
    """All files of version 1 that are kept, and one of version 2 of each kind."""
    found = [
        _source(path.stem, path.read_text()) for path in sorted([*DATA.glob("v1/*.json"), DATA / "golden-result.json"])
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name, made in MADE.items():
            found.append(_source(name, save(made(), Path(folder)).read_text()))
    return tuple(found)


def _source(name: str, text: str) -> Source:
    shapes: dict[tuple[str, ...], list[Where]] = {}
    for where in _fields(json.loads(text), ()):
        shapes.setdefault(tuple(one if isinstance(one, str) else "*" for one in where), []).append(where)
    return Source(name, text, tuple(tuple(some) for some in shapes.values()))


def _fields(value: Any, where: Where) -> Iterator[Where]:
    if where:
        yield where
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        yield from _fields(one, (*where, key))


def policies() -> Result:
    """Of two policies on one heap, and two answers to EBUSY."""
    import random

    rng = random.Random(3)
    base = PolicyScenario("trees", "64k", 4, "move", "copy", 0, "", 1, 1, 16 << 20)
    some = []
    for policy, answer, median in (("move", "copy", 500.0), ("auto", "copy", 300.0), ("copy", "copy", 900.0)):
        figures = PolicyFigures(
            map_ns_page=median / 2,
            choice="small folios",
            choices=[PolicyChoice(granule=1, large_by="moved", whole=0, split_ahead=policy == "auto")],
            collections=[[collection(1, rng, "move")] for _ in range(5)],
        )
        samples = [median * rng.lognormvariate(0, 0.05) for _ in range(5)]
        some.append(measurement(with_fields(base, policy=policy, ebusy=answer), samples, figures))
    return result(some, experiment=PolicyExperiment(verify=True))


def claims() -> Result:
    """Two claims with what they were judged by."""
    made = paths_result()
    made.experiment = ClaimExperiment(["T1", "T9"])
    made.claims = [
        ClaimVerdict("T1", "A page is moved", "confirmed", "82 ns/page", "", "gcproto bench"),
        ClaimVerdict(
            "T9", "Early EBUSY is better", "in part", "touch 1007, copy 1081", "touch is cheaper", "gcproto gc"
        ),
    ]
    return made


def checked() -> Result:
    """A guest with verdicts, notes and a skip."""
    release = "7.3.4+deb13-cloud-amd64"
    verdicts = [
        Verdict(ContractRow("mthp-pinned"), "differs", "it returned EINVAL", 0.5),
        Verdict(Hazard("ksm"), "hang", "its process had to be killed"),
        Verdict(Console(), "differs", "WARNING: at mm/x.c"),
    ]
    made = guest_result(release, STOCK[release], verdicts=verdicts, outcome="hang", why="nothing was heard for 60 s")
    made.skips = [Skip("swapped pages", "no module", "another kernel")]
    return made


MADE: dict[str, Callable[[], Result]] = {
    "paths-2": paths_result,
    "heap-2": lambda: heap_result(rounds=3),
    "window-2": window_result,
    "policies-2": policies,
    "claims-2": claims,
    "guest-2": lambda: guest_result("6.18.15+deb13-cloud-amd64", STOCK["6.18.15+deb13-cloud-amd64"]),
    "check-2": checked,
}


class Mutated(NamedTuple):
    """A damaged file and how it came to be."""

    data: bytes
    how: str

    def __repr__(self) -> str:
        return self.how


Mutation = tuple[int, int, str, int]
WAYS = (
    *(
        "like",
        "like",
        "like",
        "like",
        "like",
        "like",
        "text",
        "number",
        "number",
        "other",
        "delete",
        "double",
        "empty",
        "many",
        "negate",
        "swap",
        "rename",
    ),
)
"""``like``: another value of the same type, which the types of the schema let pass."""


def files(kinds: Callable[[str], bool] = lambda _: True) -> st.SearchStrategy[Mutated]:
    """Damaged files.

    Args:
        kinds: of which of the sources, by name.

    """
    chosen = [number for number, one in enumerate(sources()) if kinds(one.name)]
    index = st.integers(0, 1 << 20)
    mutation = st.tuples(index, index, st.sampled_from(WAYS), index)
    damage = st.tuples(st.sampled_from((*[""] * 40, *BYTES)), index)
    return st.builds(_made, st.sampled_from(chosen), st.lists(mutation, max_size=3), damage)


BYTES = ("cut", "flip", "latin", "bom", "tail")


def _made(number: int, mutations: list[Mutation], damage: tuple[str, int]) -> Mutated:
    source = sources()[number]
    document = json.loads(source.text)
    said = [source.name]
    for mutation in mutations:
        said.append(_mutate(document, source, mutation))
    data = json.dumps(document).encode()
    if damage[0]:
        said.append(f"bytes: {damage[0]} {damage[1] % len(data)}")
        data = _damaged(data, *damage)
    return Mutated(data, "; ".join(said))


def _damaged(data: bytes, how: str, index: int) -> bytes:
    at = index % len(data)
    match how:
        case "cut":
            return data[:at]
        case "flip":
            return data[:at] + bytes([data[at] ^ (1 << index % 8)]) + data[at + 1 :]
        case "latin":
            return data[:at] + b"\xe9\xff" + data[at:]
        case "bom":
            return b"\xef\xbb\xbf" + data
        case _:
            return data + data[at:]


def _mutate(document: Any, source: Source, mutation: Mutation) -> str:
    shape, instance, way, pick = mutation
    places = source.shapes[shape % len(source.shapes)]
    where = places[instance % len(places)]
    try:
        parent = document
        for key in where[:-1]:
            parent = parent[key]
        old = parent[where[-1]]
        _apply(parent, where[-1], old, way, pick)
    except (KeyError, IndexError, TypeError):
        return "nothing: a mutation before took it away"
    return f"{'.'.join(map(str, where))}: {way} {pick}"


def _alike(old: Any, pick: int) -> Any:
    """Another value of the same type."""
    if isinstance(old, bool) or old is None:
        return not old if isinstance(old, bool) else (None, 1, "x", {}, [])[pick % 5]
    if isinstance(old, list | dict):
        return type(old)()
    some: tuple[Any, ...] = TEXTS if isinstance(old, str) else (0, 1, 2, 3, 5, 64, 4096, 65536, 1 << 40, (1 << 61) + 1)
    if isinstance(old, float):
        some = (0.0, 1e-9, 0.1, 1.0, old / 2, old * 2, 1e6, 1e12, 1e18, 1e20)
    return some[pick % len(some)]


def _apply(parent: Any, key: Any, old: Any, way: str, pick: int) -> None:
    match way:
        case "like":
            parent[key] = _alike(old, pick)
        case "text":
            parent[key] = TEXTS[pick % len(TEXTS)]
        case "number":
            parent[key] = NUMBERS[pick % len(NUMBERS)]
        case "other":
            parent[key] = OTHERS[pick % len(OTHERS)]
        case "delete":
            del parent[key]
        case "double":
            if isinstance(parent, list):
                parent.insert(key, old)
            else:
                parent[f"{key}{TEXTS[pick % len(TEXTS)][:50]}"] = old
        case "empty":
            parent[key] = type(old)()
        case "many":
            some = old if isinstance(old, list) and old else [old]
            parent[key] = some * min(2000, MOST // len(json.dumps(some)))
        case "negate":
            parent[key] = -old
        case "swap":
            others = list(parent) if isinstance(parent, dict) else range(len(parent))
            other = others[pick % len(others)]
            parent[key], parent[other] = parent[other], old
        case "rename":
            if isinstance(parent, dict):
                parent[TEXTS[pick % len(TEXTS)][:200]] = parent.pop(key)


def valid(name: str) -> bytes:
    """A source as it is."""
    return next(one.text for one in sources() if one.name == name).encode()


def of_version_2(text: bytes) -> bool:
    """Whether a source is of this version."""
    return bool(msgspec.json.decode(text)["schema"].endswith("/2"))
