"""Documents that commands print with ``--json`` and that are not results. The schema of each names its type.

``{"schema": "gcproto.compare/1", ...}``: the name of the command, and a version. A field that changes its meaning or is
removed raises the version.  Readers tolerate unknown fields. Results have their own schema (gcproto.results.schema) in
all commands. Exports have the schema of their tool.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

Name = Literal[
    "compare",
    "compare-boots",
    "contract-rows",
    "doctor",
    "kernel",
    "kernels-ab",
    "kernels-across",
    "kernels-bisect",
    "kernels-compare",
    "kernels-history",
    "kernels-platforms",
    "predict",
    "predict-heap",
]
"""``contract-rows``: the rows of the contract; ``kernel``: a line of `kernels list`."""

VERSIONS: dict[Name, int] = dict.fromkeys(get_args(Name), 1)


def schema_of(name: Name) -> str:
    """``gcproto.compare/1``."""
    return f"gcproto.{name}/{VERSIONS[name]}"


def document(name: Name, body: object) -> dict[str, object]:
    """A document with its schema in front.

    Args:
        name: name of its type.
        body: its fields: a mapping, a struct or a dataclass.

    Raises:
        TypeError: it has no fields.

    """
    return {"schema": schema_of(name), **_fields(body)}


def _fields(body: object) -> dict[str, object]:
    if isinstance(body, Mapping):
        return dict(body)
    if isinstance(body, msgspec.Struct):
        return msgspec.structs.asdict(body)
    if dataclasses.is_dataclass(body) and not isinstance(body, type):
        return {field.name: getattr(body, field.name) for field in dataclasses.fields(body)}
    raise TypeError(f"{type(body).__name__} has no fields")
