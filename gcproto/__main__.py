"""``python -m gcproto``: the command."""

from gcproto.cli.main import main

main()
