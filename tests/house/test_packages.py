"""What is installed is all of the program."""

import tomllib

from tests.support.processes import ROOT


def test_every_package_is_listed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {".".join(file.parent.relative_to(ROOT).parts) for file in (ROOT / "gcproto").rglob("__init__.py")}
    found.add("gcproto.native")  # the C sources, which lie beside it
    assert set(listed) == found
