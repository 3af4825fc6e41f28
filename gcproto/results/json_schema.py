"""The JSON Schema of results, generated from gcproto.results.schema.

python -m gcproto.results.json_schema        rewrites gcproto.result-2.schema.json beside this file
"""

import json
from pathlib import Path

import msgspec

from gcproto.results.schema import SCHEMA, Result

FILE = Path(__file__).with_name("gcproto.result-2.schema.json")
FROZEN = Path(__file__).with_name("gcproto.result-1.schema.json")
"""Schema of version 1, which is read and never written."""


def document() -> dict[str, object]:
    """The schema as a document of JSON Schema 2020-12."""
    found = msgspec.json.schema(Result)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        "description": "One run of gcproto; see gcproto/results/schema/ for what each field means.",
    }
    # The version is part of the format: a document with another version has another format.
    found["$defs"]["Result"]["properties"]["schema"] = {"const": SCHEMA}
    found["$defs"]["Result"]["required"].append("schema")
    return head | found


def text() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
