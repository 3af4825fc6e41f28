"""The ``gcproto`` command: signals are handled from its first statement on, and every end has a documented exit code.

Commands are in gcproto.cli.app, which is imported when signals are handled already.  A SIGINT that comes while this
module is imported ends the command as well.  Only code outside of any package runs before that: Python itself, its
``site`` (10 ms in an editable installation, whose finder it imports), and the installer's script.  There, SIGINT is
Python's own KeyboardInterrupt.
"""

import sys

try:
    from typing import NoReturn

    from gcproto.process import interrupts
except KeyboardInterrupt:
    sys.stderr.write("gcproto: interrupted by SIGINT\n")
    sys.exit(130)


def _command(args: list[str] | None) -> int:
    from gcproto.cli.app import invoke

    return invoke(args)


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command and exit with a documented code (see gcproto.errors)."""
    try:
        interrupts.install()
        from gcproto.process import ending

        code = ending.run(lambda: _command(args))
        interrupts.defer()
    except KeyboardInterrupt:  # before there was anything, or while an end was being told
        code = interrupts.tell()
    interrupts.close()
    sys.exit(code)


if __name__ == "__main__":
    main()
