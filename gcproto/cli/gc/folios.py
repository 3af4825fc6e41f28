"""The type of the option ``--memory``: sizes of folios that heaps are made of."""

from gcproto.cli.kit.params import Words


def _known(word: str) -> object:
    from gcproto.heap.folios import parse_memory

    return parse_memory(word)


FOLIOS = Words("size of folios", check=_known)
