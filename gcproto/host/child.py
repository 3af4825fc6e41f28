"""A child process that answers requests, under a watchdog: a child that hangs in the kernel is killed and replaced.

It begins with signals blocked and then ignores them (gcproto.host.worker): the parent decides about a round and ends
its child.

On kernels before 7.3.4, MOVE of a large folio with an extra reference may spin without end ("userfaultfd: fix
UFFDIO_MOVE livelock on large folio with extra references"). A fatal signal ends the loop, so SIGKILL helps.
"""

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Generic, Self, TypeVar

import msgspec

from gcproto.errors import GcprotoError
from gcproto.host.worker import FAILED
from gcproto.process import interrupts

Asked = TypeVar("Asked", bound=msgspec.Struct)
Reply = TypeVar("Reply", bound=msgspec.Struct)


class WorkerDied(Exception):  # noqa: N818 - an event of a measurement, reported as its result
    """The worker hung and was killed, or died; the next request gets a new one."""


class Child(Generic[Asked, Reply]):
    """A worker process: one line of JSON for each request, one for each answer.

    Args:
        module: with a function ``main`` that calls ``serve``.
        answer: type of the answers.
        timeout: seconds that one request may take before its worker is killed.
        variables: of its environment, beside those of this process.

    """

    def __init__(
        self, module: str, answer: type[Reply], timeout: float, variables: Mapping[str, str] | None = None
    ) -> None:
        self.module = module
        self.variables = dict(variables or {})
        self.timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._decoder = msgspec.json.Decoder(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _worker(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable, "-P", "-m", "gcproto.host.worker", self.module, str(os.getpid())]
            with interrupts.held(), interrupts.blocked():
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **self.variables}
                )
        return self._process

    def run(self, request: Asked) -> Reply:
        """One request.

        Raises:
            WorkerDied: it took longer than the timeout, or the worker died.
            Interrupted: a signal has come.

        """
        interrupts.check()
        process = self._worker()
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(msgspec.json.encode(request) + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            self.close()
            raise WorkerDied("the worker process ended before the round") from None
        answer = self._read_line(process)
        if answer.startswith(FAILED.encode()):
            self.close()
            raise WorkerDied(f"the worker process failed: {answer[1:].decode(errors='replace').strip()}")
        try:
            return self._decoder.decode(answer)
        except msgspec.DecodeError as error:
            self.close()
            raise GcprotoError("the worker process gave no valid answer", why=str(error)) from error

    def _read_line(self, process: subprocess.Popen[bytes]) -> bytes:
        assert process.stdout
        deadline = time.monotonic() + self.timeout
        descriptor = process.stdout.fileno()
        answer = b""
        while not answer.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                self.close()
                raise WorkerDied(f"no answer within {self.timeout:g} s: the round hung and was killed")
            part = os.read(descriptor, 65536)
            if not part:
                code = process.wait()
                self.close()
                raise WorkerDied(f"the worker process died ({_exit_text(code)})")
            answer += part
        return answer


def _exit_text(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def serve(asked: type[Asked], answer: Callable[[Asked], msgspec.Struct]) -> None:
    """The worker's side: answer requests until the pipe is closed."""
    decoder = msgspec.json.Decoder(asked)
    encoder = msgspec.json.Encoder()
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(encoder.encode(answer(decoder.decode(line))) + b"\n")
        sys.stdout.buffer.flush()
