"""The reference of commands and of the result format, written from the program: ``python -m gcproto.cli.reference``.

It rewrites ``docs/reference/commands.md``, ``docs/reference/result.md`` and the list of commands in ``README.md``.
A test checks that all three are what the program says.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from gcproto.cli.app import COMMANDS, cli
from gcproto.results.json_schema import document

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- commands: written by `make docs` -->\n"
END = "<!-- end of commands -->\n"
NOTICE = "<!-- Written by `make docs` from the program.  Changes belong into the program. -->\n\n"


def _cell(text: str) -> str:
    """Text for a cell of a table; letters that markdown would obey are escaped."""
    return re.sub(r"([|<>*_])", r"\\\1", " ".join(text.split()))


def contexts(name: str, command: click.Command, parent: click.Context | None) -> Iterator[click.Context]:
    """The context of a command, then those of the commands in it."""
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    yield context
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from contexts(below, found, context)


def _section(context: click.Context) -> str:
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f"## {context.command_path}", "", "```text", usage, "```", ""]
    lines += [*re.sub(r"[\b]\n?", "", inspect.cleandoc(command.help or "")).splitlines(), ""]
    lines += ["| option | meaning |", "|---|---|"]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record:
            option = record[0].replace("|", "\\|")
            lines.append(f"| `{option}` | {_cell(record[1])} |")
    return "\n".join(lines) + "\n"


def commands() -> str:
    """The page of all commands and their options."""
    parts = [_section(context) for context in contexts("gcproto", cli, None)]
    head = (
        f"{NOTICE}# Commands\n\nExit codes: [exit codes](exit-codes.md). Variables: [environment](environment.md).\n\n"
    )
    return head + "\n".join(parts)


def commands_table() -> str:
    """The list of commands in the README."""
    lines = ["| command | purpose |", "|---|---|"]
    for name in sorted(COMMANDS):
        command = cli.get_command(click.Context(cli), name)
        below = command.list_commands(click.Context(command)) if isinstance(command, click.Group) else []
        more = f" Also: {', '.join(f'`{one}`' for one in below)}." if below else ""
        lines.append(f"| `gcproto {name}` | {_cell(COMMANDS[name])}{more} |")
    return "\n".join(lines) + "\n"


def readme(text: str) -> str:
    """The README's text with a new list of commands."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + commands_table() + END + rest.split(END)[1]


class Schema(msgspec.Struct, rename={"ref": "$ref", "choices": "anyOf", "values": "additionalProperties"}):
    """The parts of a JSON Schema that pages have."""

    ref: str = ""
    choices: "list[Schema]" = []
    enum: list[str | int | None] = []
    const: str | int | None = None
    type: str = "anything"
    items: "Schema | bool" = False
    values: "Schema | bool" = False
    description: str = ""
    properties: "dict[str, Schema]" = {}
    required: list[str] = []


def _type(schema: Schema) -> str:
    """A type in words."""
    if schema.ref:
        name = schema.ref.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if schema.choices:
        return " or ".join(map(_type, schema.choices))
    if schema.enum or schema.const is not None:
        return " or ".join(f"`{one}`" for one in schema.enum or [schema.const])
    if schema.type == "array" and isinstance(schema.items, Schema):
        return f"list of {_type(schema.items)}"
    if schema.type == "object" and isinstance(schema.values, Schema):
        return f"object of {_type(schema.values)}"
    return schema.type


def _structure(name: str, schema: Schema) -> str:
    """A structure: what its docstring says, then its fields and their types."""
    summary, _, meanings = inspect.cleandoc(schema.description).partition("Attributes:\n")
    lines = [f"## {name}", "", *summary.strip().splitlines(), ""]
    if meanings:
        lines += ["```text", *inspect.cleandoc(meanings).splitlines(), "```", ""]
    if schema.properties:
        lines += ["| field | type | required |", "|---|---|---|"]
        for field, found in schema.properties.items():
            lines.append(f"| `{field}` | {_type(found)} | {'yes' if field in schema.required else 'no'} |")
    return "\n".join(lines).rstrip() + "\n"


def result() -> str:
    """The page of the result format."""
    found = document()
    structures = msgspec.convert(found["$defs"], dict[str, Schema])
    parts = [_structure(name, structures[name]) for name in ("Result", *sorted(structures.keys() - {"Result"}))]
    head = (
        f"# The result format, {found['title']}\n\n"
        "Each run writes one JSON file. The file holds one [Result](#result). The\n"
        "[JSON Schema](../../gcproto/results/gcproto.result-2.schema.json) is generated from the same structures.\n"
        "Files of version 1 are upgraded when they are read.\n\n"
    )
    return NOTICE + head + "\n".join(parts)


def main() -> None:
    """Write all three."""
    folder = ROOT / "docs" / "reference"
    if not folder.is_dir():
        sys.exit(f"there is no {folder}: the reference is written from a checkout of the sources")
    (folder / "commands.md").write_text(commands(), encoding="utf-8")
    (folder / "result.md").write_text(result(), encoding="utf-8")
    page = ROOT / "README.md"
    page.write_text(readme(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
