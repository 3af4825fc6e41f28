"""Writes ``gcproto/_native.pyi``, the stubs of ``gcproto._native``, from the declarations that cffi reads.

A structure becomes two classes.  ``gcp_plan`` has its fields, and is the type of fields and array elements;
``gcp_plan_ptr`` is a pointer to one, and has the same fields, as cffi follows pointers.  Functions take pointers.  None
of this exists at run time: other modules import the names only for annotations (``TYPE_CHECKING``).

As a program it writes the file; with ``--check`` its exit code says whether the file is up to date.
"""

import keyword
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from build_native import ROOT, ffibuilder
from cffi import model
from pycparser import c_ast

TARGET = ROOT / "gcproto" / "_native.pyi"
WIDTH = 120

INTEGERS = ("int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "uint32_t", "int64_t", "uint64_t")
PRIMITIVES = {
    **dict.fromkeys((*INTEGERS, "int", "size_t", "uintptr_t"), "int"),
    "_Bool": "bool",
    "char": "bytes",
    "double": "float",
}

HEAD = '''\
"""Stubs of the native library, made from native/**/*.h by native/build/stubs.py (``make stubs``).

Classes exist only for annotations, not at run time.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Generic, Literal, TypeVar, overload

T = TypeVar("T")
Fields = Mapping[str, object] | Sequence[object]

class CData:
    """A value of a C type."""

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

class Pointer(CData, Generic[T]):
    """A pointer to T, false if it is NULL."""

    def __bool__(self) -> bool: ...
    def __getitem__(self, index: int, /) -> T: ...
    def __setitem__(self, index: int, value: T, /) -> None: ...

class Array(Pointer[T]):
    """An array of T; functions accept it as a pointer."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[T]: ...

class Integer(CData):
    """The result of a cast to an integer type."""

    def __int__(self) -> int: ...

class Function(CData):
    """A pointer to a function."""

class Buffer:
    """C memory as bytes, not copied."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: slice, /) -> bytes: ...
    def __setitem__(self, index: slice, value: bytes, /) -> None: ...

class Struct(CData):
    """A structure; ``gcproto.structs.numbers_of`` reads its numbers by name."""

class CField:
    """A field of a structure."""

    @property
    def offset(self) -> int: ...
    @property
    def type(self) -> CType: ...

class CType:
    """A C type."""

    @property
    def kind(self) -> str: ...
    @property
    def item(self) -> CType: ...
    @property
    def fields(self) -> list[tuple[str, CField]] | None: ...
'''

FOOT = """\
    @overload
    def addressof(self, lib: Lib, name: str, /) -> Pointer[Any]: ...
    @overload
    def addressof(self, struct: Struct, field: str, /) -> Any: ...
    def buffer(self, memory: Pointer[Any], size: int = -1, /) -> Buffer: ...
    def memmove(self, to: Pointer[Any] | Buffer, source: Pointer[Any] | Buffer | bytes, size: int, /) -> None: ...
    def offsetof(self, ctype: str, field: str, /) -> int: ...
    def string(self, chars: Pointer[bytes], /) -> bytes: ...
    def typeof(self, ctype: str | CData, /) -> CType: ...
    def unpack(self, values: Pointer[T], length: int, /) -> list[T]: ...

ffi: FFI
lib: Lib
"""


class Declared:
    """What the headers declare, in cffi's terms.

    Attributes:
        structs: cffi's types by name;  functions: likewise, with the names of their parameters.
        callbacks: names of types of functions.
        constants: values by name.

    """

    def __init__(self, ffi: Any) -> None:
        found = {key: kind for key, (kind, _) in ffi._parser._declarations.items()}
        names = _parameter_names(ffi)
        self.structs = {kind.name: kind for kind in found.values() if isinstance(kind, model.StructType)}
        self.functions = {
            key.split()[1]: (kind, names[key.split()[1]]) for key, kind in found.items() if key.startswith("function ")
        }
        self.callbacks = [
            key.split()[1]
            for key, kind in found.items()
            if isinstance(kind, model.RawFunctionType | model.FunctionPtrType) and key.startswith("typedef ")
        ]
        self.constants: dict[str, int] = dict(ffi._parser._int_constants)

    def taken_as_arrays(self) -> list[str]:
        """Structures of which a function takes an array; the next parameter is the count."""
        found = [
            kind.totype.name
            for function, _ in self.functions.values()
            for kind, number in pairwise(function.args)
            if isinstance(kind, model.PointerType)
            and isinstance(kind.totype, model.StructType)
            and getattr(number, "name", "") == "size_t"
        ]
        return sorted(set(found))

    def pointed_twice(self) -> list[str]:
        """Structures to which a function returns a pointer by an out-parameter."""
        found = [
            kind.totype.totype.name
            for function, _ in self.functions.values()
            for kind in function.args
            if isinstance(kind, model.PointerType)
            and isinstance(kind.totype, model.PointerType)
            and isinstance(kind.totype.totype, model.StructType)
        ]
        return sorted(set(found))


def _plain(word: str) -> str:
    return f"{word}_" if keyword.iskeyword(word) else word


def _parameter_names(ffi: Any) -> dict[str, list[str]]:
    """Names of the parameters of each function, which cffi's types lack."""
    found = {}
    for source in ffi._cdefsources:
        if source.startswith("["):  # how cffi notes options of a cdef
            continue
        tree, _, _ = type(ffi._parser)()._parse(source)
        for node in tree.ext:
            if isinstance(getattr(node, "type", None), c_ast.FuncDecl):
                takes = node.type.args.params if node.type.args else []
                found[node.name] = [_plain(one.name) for one in takes if one.name]
    return found


def word_of(kind: Any, *, given: bool = False) -> str:
    """The Python type of a C type, as written in the stubs.

    Args:
        kind: cffi's type.
        given: it is what a function takes, which may be an array, or bytes for characters.

    """
    if isinstance(kind, model.VoidType):
        return "None"
    if isinstance(kind, model.PrimitiveType):
        return PRIMITIVES[kind.name]
    if isinstance(kind, model.StructType):
        return str(kind.name)
    if isinstance(kind, model.ArrayType):
        return f"Array[{word_of(kind.item)}]"
    if isinstance(kind, model.RawFunctionType | model.FunctionPtrType):
        return "Function"
    if not isinstance(kind, model.PointerType):
        raise TypeError(kind)
    to = kind.totype
    if isinstance(to, model.VoidType):
        return "Pointer[Any]" if given else "Pointer[None]"
    if isinstance(to, model.StructType) and not given:
        return f"{to.name}_ptr"
    if isinstance(to, model.PrimitiveType) and to.name == "char" and given:
        return "Pointer[bytes] | bytes"
    return f"Pointer[{word_of(to)}]"


def _structs(declared: Declared) -> Iterator[str]:
    for name, kind in declared.structs.items():
        yield f"\nclass {name}(Struct):"
        if kind.fldnames is None:
            yield '    """Known to C only."""'
        for field, type_ in zip(kind.fldnames or (), kind.fldtypes or (), strict=True):
            if keyword.iskeyword(field):
                yield f"    # {field}: {word_of(type_)}, a word of Python's: setattr"
            else:
                yield f"    {field}: {word_of(type_)}"
        yield f"\nclass {name}_ptr({name}, Pointer[{name}]): ..."


def _def(name: str, takes: list[str], gives: str) -> Iterator[str]:
    line = f"    def {name}({', '.join(['self', *takes, '/'])}) -> {gives}: ..."
    if len(line) <= WIDTH:
        yield line
    else:
        yield from (f"    def {name}(", *(f"        {one}," for one in ("self", *takes, "/")), f"    ) -> {gives}: ...")


def _lib(declared: Declared) -> Iterator[str]:
    yield "\nclass Lib:"
    yield '    """Constants and functions."""\n'
    for name, value in declared.constants.items():
        yield f"    {name}: Final = {value}"
    for name, (kind, names) in declared.functions.items():
        takes = [f"{word}: {word_of(one, given=True)}" for word, one in zip(names, kind.args, strict=True)]
        yield from _def(name, takes, word_of(kind.result))


def _new(ctype: str, result: str, init: str = "") -> Iterator[str]:
    yield "    @overload"
    yield from _def("new", [f"ctype: Literal[{ctype}]", *([init] if init else [])], result)


def _literals(end: str) -> str:
    words = ", ".join(f'"{one}{end}"' for one in INTEGERS)
    return f"\n            {words}\n        "  # on a line of its own, which it fills


def _ffi(declared: Declared) -> Iterator[str]:
    yield "\nclass FFI:"
    yield '    """What this project uses of cffi."""\n'
    yield "    NULL: Any  # fits every pointer"
    yield "    errno: int"
    for name, kind in declared.structs.items():
        if kind.fldnames is not None:
            yield from _new(f'"struct {name} *"', f"{name}_ptr", "init: Fields = ...")
    for name in declared.taken_as_arrays():
        yield from _new(f'"struct {name}[]"', f"Array[{name}]", "init: int | Sequence[Fields]")
    for name in declared.pointed_twice():
        yield from _new(f'"struct {name} **"', f"Pointer[{name}_ptr]")
    yield from _new(_literals(" *"), "Pointer[int]", "init: int = ...")
    yield from _new(_literals("[]"), "Array[int]", "init: int | Sequence[int]")
    yield from _new('"char[]"', "Array[bytes]", "init: int | bytes")
    yield from _new('"const char **"', "Pointer[Pointer[bytes]]")
    for name in declared.callbacks:
        yield "    @overload"
        yield from _def("cast", [f'ctype: Literal["{name}"]', "address: int"], "Function")
    yield "    @overload"
    yield from _def("cast", ['ctype: Literal["uintptr_t"]', "value: CData"], "Integer")
    yield "    @overload"
    yield from _def("cast", [f"ctype: Literal[{_literals(' *')}]", "value: int | CData"], "Pointer[int]")
    yield "    @overload"
    yield from _def("cast", ['ctype: Literal["char *"]', "value: int | CData"], "Pointer[bytes]")


def stub() -> str:
    """The whole file."""
    declared = Declared(ffibuilder)
    lines = [HEAD.rstrip("\n")]
    lines += [*_structs(declared), *_lib(declared), *_ffi(declared)]
    return "\n".join(lines) + "\n" + FOOT


def main() -> int | str:
    """Write the file, or check that it is up to date.  Returns the argument of ``sys.exit``."""
    made = stub()
    if sys.argv[1:] == ["--check"]:
        same = TARGET.read_text(encoding="utf-8") == made
        return 0 if same else f"{TARGET.name} is not what the headers make: run `make stubs`"
    TARGET.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
