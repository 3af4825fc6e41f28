"""What commands print with ``--json`` and is no result: each document says by its schema what it is.

``{"schema": "gcproto.compare/1", ...}``: the name of the command, and a version that is raised when a field changes its
meaning or is gone.  Readers tolerate fields that they don't know.  Results have a schema of their own
(gcproto.results.schema), whichever command prints them; exports have that of the tool they are for.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

Name = Literal[
    "compare",
    "contract-rows",
    "doctor",
    "kernel",
    "kernels-ab",
    "kernels-compare",
    "kernels-history",
    "predict",
]
"""``contract-rows``: what its rows say; ``kernel``: a line of `kernels list`."""

VERSIONS: dict[Name, int] = dict.fromkeys(get_args(Name), 1)


def schema_of(name: Name) -> str:
    """``gcproto.compare/1``."""
    return f"gcproto.{name}/{VERSIONS[name]}"


def document(name: Name, body: object) -> dict[str, object]:
    """A document with its schema in front.

    Args:
        name: of what it is.
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
