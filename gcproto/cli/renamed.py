"""Options that had another name in the release before this one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click


class Renamed(click.Option):
    """An option whose old name is still taken, and no longer shown.

    Args:
        param_decls: its name.
        was: the old name, for one release.
        attrs: of ``click.Option``.

    """

    def __init__(self, param_decls: list[str], *, was: str, **attrs: Any) -> None:
        super().__init__([*param_decls, was], **attrs)
        self.was = was

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Its line without the old name."""
        with self._without_it():
            return super().get_help_record(ctx)

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """Its name in messages, also where the old one was used."""
        with self._without_it():
            return super().get_error_hint(ctx)

    @contextmanager
    def _without_it(self) -> Iterator[None]:
        every, self.opts = self.opts, [one for one in self.opts if one != self.was]
        try:
            yield
        finally:
            self.opts = every
