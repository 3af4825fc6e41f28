"""Every document that a command prints as JSON says what it is."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from gcproto.results.documents import VERSIONS, Name, document, schema_of
from gcproto.results.store import save
from tests.support.kernel_results import stock
from tests.support.processes import run_gcproto
from tests.support.result_maker import noisy_run


class Body(msgspec.Struct):
    unit: str = "ns/page"


@dataclasses.dataclass
class Other:
    unit: str = "ns/page"


@pytest.mark.parametrize("body", [{"unit": "ns/page"}, Body(), Other()])
def test_the_schema_stands_in_front(body: object) -> None:
    assert list(document("doctor", body).items()) == [("schema", "gcproto.doctor/1"), ("unit", "ns/page")]


def test_what_has_no_fields_is_no_document() -> None:
    for body in (5, [1], Other, None):
        with pytest.raises(TypeError, match="has no fields"):
            document("doctor", body)


def test_every_name_has_a_version() -> None:
    assert set(VERSIONS) == set(get_args(Name))


def arguments_of_compare(folder: Path) -> tuple[str, ...]:
    return "compare", *(str(save(noisy_run(number), folder / str(number))) for number in (1, 2))


def arguments_of_history(folder: Path) -> tuple[str, ...]:
    for one in stock(boots=1):
        save(one, folder)
    return "kernels", "history", str(folder)


def arguments_of_pair(folder: Path) -> tuple[str, ...]:
    return "kernels", "compare", "6.17", "6.18", "--results", arguments_of_history(folder)[-1]


COMMANDS: dict[Name, Callable[[Path], tuple[str, ...]]] = {
    "compare": arguments_of_compare,
    "doctor": lambda _: ("doctor",),
    "kernel": lambda _: ("kernels", "list"),
    "contract-rows": lambda _: ("contract", "--list"),
    "kernels-history": arguments_of_history,
    "kernels-compare": arguments_of_pair,
}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_commands_print(name: Name, tmp_path: Path) -> None:
    done = run_gcproto(*COMMANDS[name](tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    documents: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert documents
    assert {one["schema"] for one in documents} == {schema_of(name)}
