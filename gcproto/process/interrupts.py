"""Signals that end a command: measurements are kept, changed settings are restored.

SIGINT, SIGTERM, SIGHUP and SIGQUIT do the same.  The first one raises ``Interrupted`` in the main thread, once, unless
the code that runs asked for a delay:

- ``held`` delays it to the end of a block: a file is written whole, a setting is restored.
- ``defer`` delays it until ``resume`` or ``allow``: between the last round and the result's file nothing is lost.

Later signals add nothing, because the run is already ending. If the end takes ``PATIENCE_SECONDS`` and
``PATIENCE_SIGNALS`` have come, another one ends the process at once. Settings then stay in the journal, and the next
command restores them. A signal that was ignored at the start of the process (``nohup``) stays ignored.

Python's handlers run in the main thread only.  Blocking a signal there delays nothing, because another thread may
receive it. ``blocked`` is for children, which inherit the mask.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
BASE = 128
"""Exit code of a signal: this and its number."""

PATIENCE_SECONDS = 10.0
PATIENCE_SIGNALS = 3


class Interrupted(KeyboardInterrupt):
    """A signal asked the command to end.

    Attributes:
        number: of the signal.

    """

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number


class _State:
    """The state of signals: the ones received, and delays.

    Attributes:
        first: the signal that ends the command;  began: time when it came, s;  count: number of all signals since.
        raised: ``Interrupted`` was raised for it.
        holds: blocks of ``held`` that run;  deferred: after ``defer``.
        before: previous handlers, by signal.

    """

    def __init__(self) -> None:
        self.first: signal.Signals | None = None
        self.began = 0.0
        self.count = 0
        self.raised = False
        self.holds = 0
        self.deferred = False
        self.before: dict[signal.Signals, Callable[[int, FrameType | None], object] | int] = {}


_state = _State()


def install() -> bool:
    """Handle the signals from now on; call it in the main thread.

    Returns:
        Whether this call did it; False: they are handled already.

    """
    if _state.before:
        return False
    for number in ENDING:
        before = signal.getsignal(number)
        if before not in (signal.SIG_IGN, None):
            _state.before[number] = before
            signal.signal(number, _on_signal)
    sys.unraisablehook = _on_unraisable
    return True


def _on_unraisable(lost: "sys.UnraisableHookArgs") -> None:
    """A signal whose exception a callback swallowed is raised again by ``check``: its traceback is not used."""
    if not isinstance(lost.exc_value, Interrupted):
        sys.__unraisablehook__(lost)


def uninstall() -> None:
    """Restore the handlers from before ``install``, and clear the state."""
    global _state
    for number, before in _state.before.items():
        signal.signal(number, before)
    sys.unraisablehook = sys.__unraisablehook__
    _state = _State()


def close() -> None:
    """Ignore the signals from now on: the exit code is decided, and no work remains."""
    for number in _state.before:
        signal.signal(number, signal.SIG_IGN)


def ignore() -> None:
    """Ignore the signals in a worker, because its parent decides; also those that came while they were blocked."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def _on_signal(number: int, _frame: FrameType | None) -> None:
    _state.count += 1
    if _state.first is None:
        _state.first, _state.began = signal.Signals(number), time.monotonic()
    elif _state.count >= PATIENCE_SIGNALS and not _state.holds and time.monotonic() - _state.began > PATIENCE_SECONDS:
        os.write(2, b"gcproto: ended at once; the next command puts settings back\n")
        os._exit(BASE + number)
    _raise_if_due()


def _raise_if_due() -> None:
    if _state.first is not None and not (_state.raised or _state.holds or _state.deferred):
        _state.raised = True
        raise Interrupted(_state.first)


def noted() -> signal.Signals | None:
    """The signal that ends the command; None without one."""
    return _state.first


def exit_code() -> int:
    """128 and the number of the signal."""
    return BASE + (_state.first or signal.SIGINT)


def tell() -> int:
    """Report the signal that ended the command, without streams and libraries.

    Returns:
        The exit code.

    """
    with suppress(OSError):
        os.write(2, f"gcproto: interrupted by {(_state.first or signal.SIGINT).name}\n".encode())
    return exit_code()


@contextmanager
def held() -> Iterator[None]:
    """Delay signals to the end of the block, so that it completes."""
    _state.holds += 1
    try:
        yield
    except BaseException:
        _state.holds -= 1
        raise
    _state.holds -= 1
    _raise_if_due()


def defer() -> None:
    """Delay signals until ``resume`` or ``allow``: the last statement of the block whose ``except`` keeps a run."""
    _state.deferred = True


def resume() -> None:
    """End a delay by ``defer``, if more work follows.

    Raises:
        Interrupted: a signal has come, whether or not it was raised before.

    """
    _state.deferred = False
    check()


def allow() -> None:
    """End a delay by ``defer``, if only the result remains to be shown. Signals that came are noted."""
    _state.raised = _state.raised or _state.first is not None
    _state.deferred = False


def check() -> None:
    """Raise a signal whose exception was lost: callbacks of C and ``__del__`` swallow exceptions.

    Raises:
        Interrupted: one has come and is not deferred.

    """
    if _state.first is not None and not (_state.holds or _state.deferred):
        _state.raised = True
        raise Interrupted(_state.first)


@contextmanager
def blocked() -> Iterator[None]:
    """Children that begin in this block begin with the signals blocked, until they ignore them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
