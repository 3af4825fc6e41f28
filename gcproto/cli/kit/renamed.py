"""Options that had another name in the release before this one."""

from collections.abc import Iterator
from contextlib import contextmanager

import click


class Renamed(click.Option):
    """An option whose old name is still taken, for one release, and no longer shown.

    Its last name is the old one: ``click.option("--rounds", "--runs", cls=Renamed)``.
    """

    @property
    def was(self) -> str:
        """The old name."""
        return self.opts[-1]

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
        every, self.opts = self.opts, self.opts[:-1]
        try:
            yield
        finally:
            self.opts = every
